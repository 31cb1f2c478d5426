/* sotto-hq: head office's program. One table of commands; everything else is in the room's other files. */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"

#include "sotto/codec.h"

#include <stdio.h>
#include <string.h>

static const hq_command COMMANDS[] = {
    {"init", "open a head office: keys, device authority, registry, repository",
     "usage: sotto-hq init --dir DIR [--name NAME] [--host NAME_OR_IP]... [--store URL] [--json]\n"
     "                     [--authority CERT.pem [--authority-key KEY.pem | --sign-command PROGRAM]]\n"
     "\n"
     "Never overwrites. --host: names and addresses by which terminals reach this machine (in the server's\n"
     "certificate); 127.0.0.1 and localhost when none is given. Says what to hand to the terminals.\n"
     "--authority: the bank's own authority (its certificate first, those it comes from may follow) in\n"
     "place of one made here; its key is copied (ECDSA P-256 or P-384, RSA from 2048 bits), or stays\n"
     "where it is: the program signs (serve --help), or authority/server.csr waits to be signed by hand.\n"
     "\n"
     "  sotto-hq init --dir /srv/sotto-hq --name 'Example Bank' --host hq.example.org\n"
     "  sotto-hq init --dir /srv/sotto-hq --host hq.example.org --authority devices.pem \\\n"
     "                --sign-command /usr/local/lib/bank-pki-sign\n",
     hq_cmd_init},
    {"population", "make a bank's customers and their day, or the same from a table", NULL,
     hq_cmd_population},
    {"describe", "write a dictionary and a recipe for a table", NULL, hq_cmd_describe},
    {"train", "train a model with XGBoost's library", NULL, hq_cmd_train},
    {"model", "compile, combine, predict, calibrate, check, features, report", NULL, hq_cmd_model},
    {"evaluate", "figures with intervals: predictions, uplift, policy", NULL, hq_cmd_evaluate},
    {"recommend", "which product goes with which: train, predict, evaluate", NULL, hq_cmd_recommend},
    {"value", "who will buy again, and for how much", NULL, hq_cmd_value},
    {"simulate", "try a policy on customers before it is published, beside the present one", NULL,
     hq_cmd_simulate},
    {"advise", "campaigns that fall behind their goals, and what would help", NULL, hq_cmd_advise},
    {"publish", "check, sign and offer model, dictionary, catalogue, policy and tasks as one release",
     "usage: sotto-hq publish --dir DIR --model M.sotto --dictionary D.json --catalogue C.json\n"
     "                        --policy P.json\n"
     "                        --tasks T.json [--items I.sotto] [--segments S.sotto] [--value V.sotto]\n"
     "                        [--days 30] [--json]\n"
     "       sotto-hq publish --dir DIR --refresh [--json]\n"
     "       sotto-hq publish --dir DIR --prepare --model M.sotto ... [--json]\n"
     "       sotto-hq publish --dir DIR --finish [--json]\n"
     "\n"
     "Everything is loaded exactly as a terminal will load it; an error names file and line, and nothing\n"
     "is published. --days: how long terminals take the release as the newest without hearing more (its\n"
     "targets live three times as long). --refresh signs timestamp and snapshot anew; serve does so by\n"
     "itself.\n"
     "--prepare writes the list of the release to DIR/draft for keys that are elsewhere (sotto-hq sign);\n"
     "--finish publishes what was prepared, a release or a new root, once enough of its keys have signed.\n"
     "Exit code 5: signatures are missing, as after keys add --threshold; nothing has changed.\n"
     "\n"
     "  sotto-hq publish --dir /srv/sotto-hq --model offers.sotto --dictionary dictionary.json \\\n"
     "           --catalogue catalogue.json --policy policy.json --tasks tasks.json\n",
     hq_cmd_publish},
    {"keys", "who signs releases: list, add, remove, rotate, threshold, renew, add-role, remove-role",
     "usage: sotto-hq keys list --dir DIR [--json]\n"
     "       sotto-hq keys add --dir DIR --role ROLE [--key PUBLIC.pem] [--threshold N] [--json]\n"
     "       sotto-hq keys remove --dir DIR --role ROLE --key KEYID [--threshold N] [--json]\n"
     "       sotto-hq keys rotate --dir DIR --role ROLE [--key KEYID] [--json]\n"
     "       sotto-hq keys threshold --dir DIR --role ROLE --threshold N [--json]\n"
     "       sotto-hq keys renew --dir DIR [--json]\n"
     "       sotto-hq keys add-role --dir DIR --role TEAM --paths FILE,... [--key PUBLIC.pem ...]\n"
     "                              [--threshold N] [--json]\n"
     "       sotto-hq keys remove-role --dir DIR --role TEAM [--json]\n"
     "\n"
     "ROLE: root, targets, snapshot, timestamp or a team. Every change of the four makes the next\n"
     "version of root; the keys of root that are here sign it, and it is published when a threshold of\n"
     "the old ones and of the new ones has. Until then it waits in DIR/draft (sotto-hq sign, sotto-hq\n"
     "publish --finish). add without --key and rotate make a private key in DIR/keys. --key of add: PEM\n"
     "(ECDSA P-256, RSA, Ed25519) or 64 hex digits (Ed25519). renew: the same keys for another year.\n"
     "\n"
     "add-role gives files of a release (model.sotto, policy.json, ...) to a team: nobody else's\n"
     "signature counts for them, and the team's for nothing else. --threshold: all of its keys, unless\n"
     "told otherwise. A change of teams is the next release, signed by targets and by each team whose\n"
     "list changes.\n"
     "\n"
     "  sotto-hq keys add-role --dir /srv/sotto-hq --role model --paths model.sotto --key anna.pem \\\n"
     "           --key bob.pem\n"
     "  sotto-hq keys list --dir /srv/sotto-hq\n"
     "  sotto-hq keys rotate --dir /srv/sotto-hq --role snapshot\n"
     "  sotto-hq keys renew --dir /srv/sotto-hq\n"
     "  sotto-hq keys threshold --dir /srv/sotto-hq --role targets --threshold 2\n"
     "  sotto-hq keys add --dir /srv/sotto-hq --role targets --key anna.pem --threshold 2\n",
     hq_cmd_keys},
    {"sign", "sign a prepared release or root, on any machine",
     "usage: sotto-hq sign FILE --key PRIVATE.pem [--root FILE]\n"
     "       sotto-hq sign FILE --payload\n"
     "       sotto-hq sign FILE --public PUBLIC.pem --signature SIGNATURE [--root FILE]\n"
     "\n"
     "Says what the file holds, adds the signature (or makes it anew) and writes the file in one step.\n"
     "Needs no head office and no network. The key: ECDSA P-256 or RSA of 2048 bits or more, in a file\n"
     "of its owner alone (0600). A key that lies in a token or a module, or is Ed25519, signs what\n"
     "--payload prints; its signature (DER for ECDSA; RSASSA-PSS with SHA-256 for RSA) is checked and\n"
     "added. A key that does not sign this role is refused (exit code 5): by the root given (of a team's\n"
     "list: by the N.targets.json that names the team), or by the office's when the file lies in its\n"
     "draft folder. So is a list with a file that its team may not sign. FILE's name says whose it is:\n"
     "8.targets.json, 3.model.json.\n"
     "\n"
     "  sotto-hq sign 8.targets.json --key /media/safe/targets.key\n"
     "  sotto-hq sign 8.targets.json --payload | openssl dgst -sha256 -sign anna.key -out anna.sig\n",
     hq_cmd_sign},
    {"enrol-code", "a one-time code with which a terminal gets its certificate",
     "usage: sotto-hq enrol-code --dir DIR --device ID [--valid-hours 72] [--json]\n"
     "\n"
     "Registers the device when it is new. A code is used once; a new one takes the place of the one\n"
     "before. Only its hash is kept: it cannot be shown again.\n"
     "\n"
     "  sotto-hq enrol-code --dir /srv/sotto-hq --device branch-12-atm-1\n",
     hq_cmd_enrol_code},
    {"serve", "the collector: releases down, reports up, enrolment",
     "usage: sotto-hq serve --dir DIR [--listen 127.0.0.1:8443] [--enrol-listen 127.0.0.1:8444]\n"
     "                      [--health 127.0.0.1:PORT] [--workers N] [--connections 1000] [--store URL]\n"
     "                      [--sign-command PROGRAM]\n"
     "\n"
     "TLS 1.3. The first door asks for a device's certificate, the second is for enrolment. Port 0 takes\n"
     "any free one. Prints one line, \"listening devices=PORT enrol=PORT ...\", when it is ready; events\n"
     "go to standard error. A report is acknowledged when it is on the disk; those that come together\n"
     "share one transaction. --workers: processes (as many as cores, at most 4, when not told);\n"
     "--connections: of each of them; past 15/16 of them requests get 503 and Retry-After. --health\n"
     "answers GET /healthz, /readyz and /metrics (Prometheus) without TLS, on loopback only. SIGTERM:\n"
     "begun requests are finished. SIGHUP: new workers with the certificate that lies in the folder now.\n"
     "--sign-command: the authority's key is elsewhere. PROGRAM (a whole path; no shell, no environment\n"
     "but PATH and LC_ALL=C) gets \"device\" or \"time\" and the common name as its words and the request\n"
     "(PKCS#10, PEM) on standard input, and prints the certificate with its chain within 30 s; exit code\n"
     "3: refused. Nothing that does not come from authority/ca.pem, for that key and name, is taken. At\n"
     "most 8 run at once in each worker; nobody waits for them but who asked.\n"
     "--store postgresql://USER@HOST/DATABASE: the registry in PostgreSQL, for several collectors of one\n"
     "fleet; an empty database takes over DIR/registry.db, and DIR/store remembers the URL for all\n"
     "commands. Passwords belong into PGPASSFILE or a service file. Every command with --dir takes\n"
     "--store.\n"
     "\n"
     "  sotto-hq serve --dir /srv/sotto-hq --listen 0.0.0.0:8443 --enrol-listen 0.0.0.0:8444\n",
     hq_cmd_serve},
    {"swarm", "a fleet of terminals in a few processes, for load tests",
     "usage: sotto-hq swarm --dir DIR [--url https://127.0.0.1:8443] [--terminals 100] [--nights 1]\n"
     "                      [--also URL] [--concurrency 8] [--idle 0] [--patience 300]\n"
     "                      [--wait-at-most 120] [--save FOLDER]\n"
     "                      [--whole-nights FOLDER [--reports 1] [--window SECONDS [--passes-in SECONDS]]\n"
     "                       [--between COMMAND]]\n"
     "                      [--json]\n"
     "\n"
     "Enrols terminals straight in the registry of DIR (a folder for tests: they stay there), each with\n"
     "keys and a certificate of its own, and sends one sealed report a night over a TLS connection of\n"
     "its own, the same bytes until they are acknowledged. In the end holds what the registry counts\n"
     "against what was sent, to the last cell; exit code 9 when they differ. --concurrency: processes,\n"
     "one connection at a time each.\n"
     "--also: a second collector, to which each report goes at the same time. --idle: connections that\n"
     "are only held. --patience: seconds for one report. --wait-at-most: seconds of a Retry-After that\n"
     "are waited.\n"
     "--save: nothing is sent; keys, certificates and sealed reports are written there, for another\n"
     "client.\n"
     "--whole-nights: all that a terminal asks in a night, by the functions that it asks with; what it\n"
     "keeps goes to FOLDER. --reports: of each night. --window: begun at moments drawn as `sotto sync\n"
     "--within` draws them, --passes-in: the window and all pauses compressed to that. --between: run by\n"
     "the shell before the first night and after each, with NIGHTS in its environment.\n"
     "\n"
     "  sotto-hq swarm --dir /tmp/rehearsal --url https://localhost:8443 --terminals 10000 --nights 3\n"
     "  sotto-hq swarm --dir /tmp/rehearsal --terminals 10000 --whole-nights /tmp/fleet \\\n"
     "           --window 14400 --passes-in 600\n",
     hq_cmd_swarm},
    {"totals", "what the reports add up to, with error bars",
     "usage: sotto-hq totals --dir DIR | --collected DIR [--task ID] [--from DATE] [--to DATE]\n"
     "                       [--confidence 95] [--json]\n"
     "\n"
     "Every task of mode A, or the one named; with --collected those of mode B, of the batches that this\n"
     "collector opened (sotto-hq aggregate collect). For each campaign and segment: how often it was\n"
     "shown and taken, plus or minus what the noise may be (with the given confidence in percent), and\n"
     "the rate; other tables as counts. Rows below a task's smallest batch are withheld. \"Left out\" is\n"
     "how many customers a task does not see any more. --from and --to: first days of periods, included.\n"
     "--json: a line for each task.\n"
     "\n"
     "  sotto-hq totals --dir /srv/sotto-hq --from 2026-11-01 --to 2026-11-30\n"
     "  sotto-hq totals --collected /srv/collector --task 7\n",
     hq_cmd_totals},
    {"funnel", "how far visits get: card in, shown, dismissed, taken",
     "usage: sotto-hq funnel --dir DIR | --collected DIR [--task ID] [--from DATE] [--to DATE]\n"
     "                       [--confidence 95] [--json]\n"
     "\n"
     "Steps and rates with intervals, of a task of type funnel. --collected: as in totals.\n"
     "\n"
     "  sotto-hq funnel --dir /srv/sotto-hq --from 2026-11-01\n",
     hq_cmd_funnel},
    {"lift", "how well the model in use orders customers: AUC, gain, calibration",
     "usage: sotto-hq lift --dir DIR | --collected DIR [--task ID] [--contacts 38] [--from DATE]\n"
     "                     [--to DATE] [--confidence 95] [--json]\n"
     "\n"
     "From a task with a table of score and outcome: the area under the ROC curve, the share of takers\n"
     "among the best --contacts percent, and in each bin what was taken beside what the score said.\n"
     "Intervals are those of the noise. --collected: as in totals.\n"
     "\n"
     "  sotto-hq lift --dir /srv/sotto-hq --contacts 10\n",
     hq_cmd_lift},
    {"drift", "have the customers who come moved: stability of each input",
     "usage: sotto-hq drift --dir DIR | --collected DIR [--task ID] [--from DATE] [--to DATE]\n"
     "                      [--table FILE.csv] [--confidence 95] [--json]\n"
     "\n"
     "The population stability index of each tag and score that a task counts, beside what noise alone\n"
     "would give. Periods from --from on (the second half, when not given) against those before, or\n"
     "against the columns of a table that bear the tags' names, such as the one the model was trained\n"
     "on. --collected: as in totals; a batch lies on one side or is left out.\n"
     "\n"
     "  sotto-hq drift --dir /srv/sotto-hq --table contacts.csv\n",
     hq_cmd_drift},
    {"plan-task", "what tasks would cost a customer, and how precise they would be",
     "usage: sotto-hq plan-task --tasks TASKS.json [--terminals 1] [--customers 1000] [--json]\n\n"
     "Before they are published: the budget that each report takes, for how long it lasts with all tasks\n"
     "together, and the error of a cell's total over so many terminals.\n\n"
     "  sotto-hq plan-task --tasks tasks.json --terminals 40 --customers 20000\n",
     hq_cmd_plan_task},
    {"budgets", "what all tasks have cost who contributed everything, and when that ends",
     "usage: sotto-hq budgets --dir DIR [--json]\n"
     "\n"
     "One customer who contributed everything to every period since the first release, followed through\n"
     "all releases by the rules that terminals debit by: what each task took, what is spent today, what\n"
     "a year costs, and from when on a task would leave such a customer out, renewals included. That is\n"
     "a customer present from the first day, at one terminal that takes each release on its day; another\n"
     "one can have paid more of a task (docs/sotto-hq.md, Budgets); no ledger goes beyond its lifetime\n"
     "and renewals. Nothing of it comes from terminals: what customers have left never leaves them.\n"
     "\n"
     "  sotto-hq budgets --dir /srv/sotto-hq\n",
     hq_cmd_budgets},
    {"aggregate", "mode B: two aggregators that each see nothing, and their collector",
     "usage: sotto-hq aggregate init --dir DIR --role leader|helper|collector [--host NAME]...\n"
     "       sotto-hq aggregate pair --dir DIR --party FILE [--party FILE]\n"
     "       sotto-hq aggregate task --dir DIR --tasks tasks.json\n"
     "       sotto-hq aggregate --role leader --dir DIR --peer HELPER_URL [--listen 127.0.0.1:8453]\n"
     "       sotto-hq aggregate --role helper --dir DIR [--listen 127.0.0.1:8453]\n"
     "       sotto-hq aggregate forward --dir DIR --office HQ --peer LEADER_URL [--json]\n"
     "       sotto-hq aggregate collect --dir DIR --task ID --peer LEADER_URL [--from DATE] [--to DATE]\n"
     "                          [--json]\n"
     "       sotto-hq aggregate status --dir DIR [--json]\n"
     "\n"
     "Three parties, each with keys and a folder of its own, best on three machines of three owners. init\n"
     "makes the keys; pair takes the party.json of another; task takes the tasks of a release; --role runs\n"
     "an aggregator until SIGTERM; forward hands the reports that head office collected to the leader;\n"
     "collect opens one batch: every verified report that is in none yet, never fewer than the task's\n"
     "smallest batch. docs/privacy.md says who can see what.\n"
     "\n"
     "  sotto-hq aggregate init --dir /srv/leader --role leader --host leader.bank\n"
     "  sotto-hq aggregate pair --dir /srv/leader --party helper/party.json --party collector/party.json\n"
     "  sotto-hq aggregate task --dir /srv/leader --tasks tasks.json\n"
     "  sotto-hq aggregate --role helper --dir /srv/helper --listen 0.0.0.0:8453\n"
     "  sotto-hq aggregate --role leader --dir /srv/leader --peer https://helper.bank:8453\n"
     "  sotto-hq aggregate forward --dir /srv/collector --office /srv/sotto-hq \\\n"
     "           --peer https://leader.bank:8453\n"
     "  sotto-hq aggregate status --dir /srv/leader\n"
     "  sotto-hq aggregate collect --dir /srv/collector --task 7 --peer https://leader.bank:8453\n",
     hq_cmd_aggregate},
    {"audit", "verify what a terminal says has left it",
     "usage: sotto-hq audit verify FILE [--dir DIR] [--json]\n"
     "\n"
     "FILE was written by `sotto audit export`. Checks its signature, each report's own, the numbers,\n"
     "the chain of hashes, and that the statement says of each report what the report says. With --dir\n"
     "also that the key is the terminal's. Needs nothing else: an auditor can do it elsewhere.\n"
     "\n"
     "  sotto-hq audit verify audit.json --dir /srv/sotto-hq\n",
     hq_cmd_audit},
    {"backup", "a copy of the office that belongs together, while it serves",
     "usage: sotto-hq backup --dir DIR --to FOLDER [--json]\n"
     "\n"
     "FOLDER is made, in one that is there; it holds private keys, as DIR does. Take one nightly and after\n"
     "each publish: what comes after it is lost with the folder. publish is refused as busy meanwhile. A\n"
     "copy that was cut off is FOLDER.unfinished: remove it. With PostgreSQL the registry is not in it:\n"
     "pg_dump -n sotto.\n"
     "\n"
     "  sotto-hq backup --dir /srv/sotto-hq --to /mnt/copies/sotto/2026-11-22\n",
     hq_cmd_backup},
    {"restored", "after an older copy of the office was put back",
     "usage: sotto-hq restored --dir DIR [--json]\n\n"
     "Run it once, before serve. Without it every terminal that called since the copy was taken would pass\n"
     "for a copy itself, and none would take the timestamps that go on from the copy's numbers.\n\n"
     "  sotto-hq restored --dir /srv/sotto-hq\n",
     hq_cmd_restored},
    {"devices", "every terminal: what is wrong with it and what to do",
     "usage: sotto-hq devices --dir DIR [--release-quarantine ID] [--json]\n"
     "\n"
     "Of each its certificate, last contact, last report, release (7 < 8: another than the newest),\n"
     "reports that wait there, free disk and clock (minutes ahead of head office's time), as it told\n"
     "last; what is wrong, and what to do. A terminal whose identity two machines use is quarantined;\n"
     "released, the machine that calls next goes on.\n"
     "\n"
     "  sotto-hq devices --dir /srv/sotto-hq\n"
     "  sotto-hq devices --dir /srv/sotto-hq --release-quarantine branch-12-atm-1\n",
     hq_cmd_devices},
    {"certificate", "the collector's certificate, made anew",
     "usage: sotto-hq certificate --dir DIR --host NAME [--host NAME ...] [--days 730] [--new-key]\n"
     "                            [--sign-command PROGRAM] [--json]\n"
     "       sotto-hq certificate --dir DIR --from CERTIFICATE.pem [--json]\n"
     "\n"
     "--host: the names and addresses that terminals call; all of them. For the same key, or a new one.\n"
     "A running serve takes the new certificate on SIGHUP. Where authority/ca.key is not here, PROGRAM\n"
     "is asked (serve --help; its first word is \"server\"), or authority/server.csr is written for the\n"
     "bank's PKI, and --from takes what it gave. sotto-hq devices tells 60 days before it ends.\n"
     "\n"
     "  sotto-hq certificate --dir /srv/sotto-hq --host hq.example.org --host 10.0.0.5\n",
     hq_cmd_certificate},
    {"pack", "a branch's customers and their tags, sealed to its terminal",
     "usage: sotto-hq pack make --dir DIR --device ID --from TAGS.csv [--full] [-o FILE]\n"
     "                     [--customer-column customer]\n"
     "                          [--dictionary FILE] [--policy FILE] [--json]\n"
     "       sotto-hq pack show FILE\n"
     "       sotto-hq pack accept --dir DIR --from STATEMENT.json\n"
     "\n"
     "make: TAGS.csv is the whole list of that terminal's customers. What has changed since the pack\n"
     "that it holds (all of it with --full, or when that is not known here) is checked by the newest\n"
     "release's dictionary, compressed, padded, sealed to the key that the terminal drew, signed, and\n"
     "fetched at its next sync; -o writes it to a file as well, for sotto import --pack. A customer who\n"
     "is not in the list any more is forgotten there; tags to whose purpose a customer has not agreed\n"
     "are left out. accept: takes what `sotto pack` printed on a terminal without a line.\n"
     "\n"
     "  sotto-hq pack make --dir /srv/sotto-hq --device branch-12-atm-1 --from branch-12.csv\n",
     hq_cmd_pack},
    {"revoke", "a terminal's certificates and code serve no more",
     "usage: sotto-hq revoke --dir DIR --device ID [--json]\n\n"
     "Its reports stay and count. A new code (enrol-code) lets it in again.\n\n"
     "  sotto-hq revoke --dir /srv/sotto-hq --device branch-12-atm-1\n",
     hq_cmd_revoke},
};

static void print_help(FILE *out)
{
    fprintf(out,
            "sotto-hq %s - head office: what goes down to terminals is signed, what comes up adds up\n\n"
            "usage: sotto-hq [--clock-offset SECONDS] COMMAND [ARGUMENTS]\n\n",
            SOTTO_VERSION);
    for (size_t i = 0; i < SOTTO_COUNT(COMMANDS); i++)
        fprintf(out, "  %-11s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fprintf(
        out,
        "\n"
        "sotto-hq COMMAND --help shows an example. --clock-offset rehearses another day.\n"
        "Exit codes: 0 done, 1 internal, 2 usage, 3 bad input, 4 not there or there already, 5 denied or\n"
        "not genuine, 6 disk or memory, 7 in use, 8 network, 9 conflict.\n");
}

static const hq_command *find(const char *name)
{
    for (size_t i = 0; i < SOTTO_COUNT(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

static int run(const hq_command *command, int argc, char **argv)
{
    if (command->help != NULL && hq_help(argc, argv, command->help))
        return 0;
    return command->run(argc, argv);
}

/* Options before the command. Returns where the command stands, or minus (exit code + 1). */
static int global_options(int argc, char **argv)
{
    int at = 1;
    int64_t offset_s;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--clock-offset") == 0 && at + 1 < argc &&
            sotto_parse_i64(sotto_span_str(argv[at + 1]), &offset_s) == SOTTO_OK) {
            hq_clock_shift(offset_s);
            at++;
        } else if (strcmp(argv[at], "--clock-offset") == 0) {
            fputs("sotto-hq: --clock-offset takes a whole number of seconds\n", stderr);
            return -3;
        } else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help(stdout);
            return -1;
        } else if (strcmp(argv[at], "--version") == 0) {
            printf("sotto-hq %s\n", SOTTO_VERSION);
            return -1;
        } else {
            fprintf(stderr, "sotto-hq: unknown option %s\n", argv[at]);
            return -3;
        }
    }
    return at;
}

int main(int argc, char **argv)
{
    int at = global_options(argc, argv);
    if (at < 0)
        return -at - 1;
    if (at >= argc) {
        print_help(stderr);
        return 2;
    }
    const hq_command *command = find(argv[at]);
    if (command == NULL) {
        fprintf(stderr, "sotto-hq: no command '%s': sotto-hq --help lists them\n", argv[at]);
        return 2;
    }
    return run(command, argc - at, argv + at);
}
