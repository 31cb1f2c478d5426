/* sotto: the terminal's program. One table of commands; everything else is in the room's other files. */
#include "commands.h"
#include "config/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_DEFAULT "/etc/sotto/sotto.json"

static const kiosk_command COMMANDS[] = {
    {"init", "make this terminal's key and its empty encrypted store",
     "usage: sotto init\n"
     "\n"
     "Makes the root secret (never replaced) and an empty encrypted store, and takes head office's\n"
     "signing root from the file that the configuration names.\n"
     "\n"
     "  sotto --config /etc/sotto/sotto.json init\n",
     kiosk_cmd_init},
    {"enrol", "get this terminal's certificate with a one-time code",
     "usage: sotto enrol CODE\n"
     "\n"
     "Makes the device key (it never leaves this machine), sends a signing request with the code that\n"
     "head office gave, and keeps the certificate. `sotto serve` must be running.\n"
     "\n"
     "  sotto enrol 7KQ2-M8XD-R4TP-0C9V\n",
     kiosk_cmd_enrol},
    {"import", "take customers' tags from a CSV file, all rows or none",
     "usage: sotto import FILE.csv [--json]\n"
     "       sotto import --events FILE.csv [--json]\n"
     "       sotto import --pack FILE.pack [--json]\n"
     "\n"
     "Columns are named by the dictionary of the release in use; one column is the customer number. A\n"
     "bad row is named by its line and nothing is changed. Not while `sotto serve` runs: it holds the\n"
     "store.\n"
     "\n"
     "With --events: what happened, a row an event (columns kind, at, id, amount, balance, product,\n"
     "channel, page, campaign, due and the customer number), through the running daemon or without one.\n"
     "An event that was here before counts once, so a file may be read again after a cut.\n"
     "\n"
     "With --pack: a tag pack that head office made for this terminal (sotto-hq pack make -o), where no\n"
     "line brings it.\n"
     "\n"
     "  sotto import customers.csv\n"
     "  sotto import --events bookings.csv\n",
     kiosk_cmd_import},
    {"pack", "what head office must know to make a tag pack, signed",
     "usage: sotto pack\n"
     "\n"
     "One line of JSON: this terminal's name, the public half of the key that its next tag pack is to be\n"
     "sealed to, and the pack that it holds. `sotto sync` tells it each night; this is for a terminal\n"
     "without a line: sotto-hq pack accept takes it. Holds nothing secret.\n"
     "\n"
     "  sotto pack > statement.json\n",
     kiosk_cmd_pack},
    {"serve", "answer the kiosk application; holds the key, has no network",
     "usage: sotto serve\n"
     "\n"
     "HTTP and JSON on the Unix socket api/sotto.sock below the run folder (docs/openapi.json). Ends on\n"
     "SIGTERM.\n"
     "\n"
     "  sotto serve &\n"
     "  curl --unix-socket /run/sotto/api/sotto.sock http://localhost/v1/decide -d '{\"customer\":\"10017\"}'\n",
     kiosk_cmd_serve},
    {"decide", "what to show to a customer now, and why",
     "usage: sotto decide [--customer NUMBER] [--offers N] [--slot S] [--channel C] [--language L]\n"
     "                    [--explain] [--json]\n"
     "       sotto decide -        one JSON request a line on standard input, one answer a line; ends\n"
     "                             with the exit code of the first that was refused\n"
     "\n"
     "  sotto decide --customer 10017 --explain\n",
     kiosk_cmd_decide},
    {"event", "tell what happened: card_in, shown, taken, dismissed, deposit, ...",
     "usage: sotto event [--customer NUMBER] --kind KIND [--id ID] [--campaign ID]\n"
     "                   [--at 2026-11-21T09:30:00Z] [--amount N] [--balance N] [--product P]\n"
     "                   [--channel C] [--page P] [--due YYYY-MM-DD] [--json]\n"
     "Kinds: card_in, shown, taken, dismissed, balance, deposit, withdrawal, purchase, maturity, page.\n"
     "An event with an id (or, without one, with a time) that was here before changes nothing. shown and\n"
     "taken need no customer: on the idle screen, or of a card that is not known, they use up budgets\n"
     "and stock, and sent twice they do so twice.\n"
     "       sotto event -         one JSON event a line on standard input\n"
     "\n"
     "  sotto event --customer 10017 --kind shown --campaign term-12\n",
     kiosk_cmd_event},
    {"sync", "fetch the release, close the night, send sealed reports; has the network, no key",
     "usage: sotto sync [--within SECONDS] [--until-done] [--again] [--json]\n"
     "\n"
     "One run of the night; safe to repeat and to cut at any point. Started by a\n"
     "timer (firmware/services).\n"
     "--within waits first, for this terminal's own moment of the next SECONDS (drawn each night from\n"
     "its name).\n"
     "--until-done tries again while head office cannot be reached or asks for patience, after longer\n"
     "and longer pauses, for up to four hours.\n"
     "--again also sends what head office refused before: after a repair there.\n"
     "\n"
     "  sotto sync\n",
     kiosk_cmd_sync},
    {"status", "device, release, customers, reports waiting",
     "usage: sotto status [--json]\n\n  sotto status --json\n", kiosk_cmd_status},
    {"audit", "everything that left this terminal, in plain words",
     "usage: sotto audit [--json | --bytes]\n"
     "       sotto audit export FILE\n"
     "       sotto audit accept-restore\n"
     "\n"
     "Each report: when, at what epsilon, for which task and campaigns, how many customers stood behind\n"
     "it. --bytes shows the sealed bytes as well. export writes all of it, signed, for `sotto-hq audit\n"
     "verify`. accept-restore lets offers and reports go on after an old copy of the store was put back\n"
     "(stop serve first): every customer is charged for the reports that were lost.\n"
     "\n"
     "  sotto audit export audit.json\n",
     kiosk_cmd_audit},
    {"forget", "erase a customer: profile, counters, open events",
     "usage: sotto forget --customer NUMBER [--json]\n\n  sotto forget --customer 10017\n", kiosk_cmd_forget},
    {"replay", "make decisions again that were written down, to the bit",
     "usage: sotto replay FILE [--json]\n"
     "       sotto replay --record FILE --customer NUMBER --with-tags\n"
     "\n"
     "FILE holds a release and decisions with all that they were made from; each is made again and\n"
     "compared (exit code 9 when one differs). --record decides now for one customer and writes that\n"
     "down, tags in the clear: not while `sotto serve` runs.\n"
     "\n"
     "  sotto replay decisions.log\n",
     kiosk_cmd_replay},
    {"doctor", "what is wrong here, and what to do",
     "usage: sotto doctor [--json | --monitor]\n"
     "\n"
     "A line each for clock, key, disk, certificate, serve, release, sync, outbox, budget and more, with\n"
     "what to do. Ends with 1 when something is bad. --monitor says it in one line and ends as\n"
     "monitoring systems want: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n"
     "\n"
     "  sotto doctor\n"
     "  sotto doctor --monitor\n",
     kiosk_cmd_doctor},
    {"model", "score a table's rows with a model: what sotto-hq model predict prints",
     "usage: sotto model score MODEL.sotto ROWS.csv [--leaves] [--why [--class K]]\n"
     "\n"
     "The same bytes as head office's, on this CPU. A column for each feature, by name; an empty field\n"
     "is missing. Needs no configuration.\n"
     "\n"
     "  sotto model score model.sotto rows.csv --leaves\n",
     kiosk_cmd_model},
};

static void print_help(FILE *out)
{
    fprintf(out,
            "sotto %s - knows its customers, and says nothing about any one of them\n\n"
            "usage: sotto [--config FILE] COMMAND [ARGUMENTS]\n\n",
            SOTTO_VERSION);
    for (size_t i = 0; i < SOTTO_COUNT(COMMANDS); i++)
        fprintf(out, "  %-8s %s\n", COMMANDS[i].name, COMMANDS[i].summary);
    fprintf(
        out,
        "\n"
        "sotto COMMAND --help shows an example. Configuration: %s,\n"
        "or $SOTTO_CONFIG, or --config.\n"
        "Exit codes: 0 done, 1 internal, 2 usage, 3 bad input, 4 not there or there already, 5 denied or\n"
        "not genuine, 6 disk or memory, 7 in use, 8 network, 9 conflict.\n",
        CONFIG_DEFAULT);
}

static const kiosk_command *find(const char *name)
{
    for (size_t i = 0; i < SOTTO_COUNT(COMMANDS); i++)
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    return NULL;
}

static int run(const kiosk_command *command, const char *config_path, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(command->help, stdout);
            return 0;
        }
    const char *repeated = kiosk_repeated(argc, argv);
    if (repeated != NULL)
        return kiosk_usage_at(argv[0], repeated, "is given twice");
    if (command->run == kiosk_cmd_model)
        return command->run(NULL, argc, argv);
    static kiosk_config config;
    sotto_diag diag = {0};
    /* A log is made again anywhere, on a machine that is no terminal too. */
    if (command->run == kiosk_cmd_replay && argc > 1 && strncmp(argv[1], "--record", 8) != 0)
        return command->run(&config, argc, argv);
    sotto_status status = kiosk_config_load(&config, config_path, &diag);
    return status == SOTTO_OK ? command->run(&config, argc, argv) : kiosk_fail_status(status, &diag);
}

int main(int argc, char **argv)
{
    const char *config_path = getenv("SOTTO_CONFIG");
    if (config_path == NULL || config_path[0] == '\0')
        config_path = CONFIG_DEFAULT;
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        const char *value = kiosk_option(argc, argv, &at, "--config");
        if (value != NULL) {
            config_path = value;
        } else if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            print_help(stdout);
            return 0;
        } else if (strcmp(argv[at], "--version") == 0) {
            printf("sotto %s\n", SOTTO_VERSION);
            return 0;
        } else if (strcmp(argv[at], "--config") == 0) {
            fprintf(stderr, "sotto: --config needs a value, the path of the configuration\n");
            return 2;
        } else {
            fprintf(stderr, "sotto: unknown option %s\n", argv[at]);
            return 2;
        }
    }
    if (at >= argc) {
        print_help(stderr);
        return 2;
    }
    const kiosk_command *command = find(argv[at]);
    if (command == NULL) {
        fprintf(stderr, "sotto: no command '%s': sotto --help lists them\n", argv[at]);
        return 2;
    }
    return run(command, config_path, argc - at, argv + at);
}
