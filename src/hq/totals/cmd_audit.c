/* audit verify: what a terminal exported, judged (audit.c) and told. */
#include "commands.h"
#include "office/args.h"
#include "totals/audit.h"

#include "sotto/port.h"

#include <stdio.h>
#include <string.h>

#define AUDIT_LIMIT (64u << 20)

static sotto_status verify(hq_audit *a, const char *dir, sotto_diag *diag)
{
    sotto_vec file;
    sotto_vec_init(&file, AUDIT_LIMIT);
    sotto_status status = sotto_port_read_file(a->path, &file, diag);
    if (status == SOTTO_OK)
        status = hq_audit_judge(a, sotto_vec_span(&file), dir, diag);
    a->statement = sotto_span_of(NULL, 0);
    sotto_vec_free(&file);
    return status;
}

static void tell(const hq_audit *a, bool as_json)
{
    if (as_json) {
        printf("{\"device\":\"%s\",\"made_at\":\"%s\",\"reports\":%llu,\"waiting\":%llu,\"set_aside\":%llu,"
               "\"key_known\":%s}\n",
               a->device, a->made_at, (unsigned long long)a->reports, (unsigned long long)a->waiting,
               (unsigned long long)a->set_aside, a->key_known ? "true" : "false");
        return;
    }
    printf("%s said on %s that %llu report%s left it or will; %llu of them wait, %llu are set aside.\n",
           a->device, a->made_at, (unsigned long long)a->reports, a->reports == 1 ? "" : "s",
           (unsigned long long)a->waiting, (unsigned long long)a->set_aside);
    printf(
        "The statement and each report are signed by one key, every report follows from the one before, and "
        "says what\nthe statement says of it.\n");
    printf(a->key_known ? "The key is the one that the terminal enrolled with.\n"
                        : "Whether the key is the terminal's was not checked: --dir DIR does.\n");
}

int hq_cmd_audit(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL;
    bool as_json = false;
    hq_audit a = {.path = NULL};
    const hq_option options[] = {{"the exported file", HQ_POSITION, &a.path, .required = true},
                                 {"--dir", HQ_TEXT, &dir, .required = false},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (argc < 2 || strcmp(argv[1], "verify") != 0)
        return hq_usage(argv[0], "takes: verify FILE");
    argv[1] = argv[0]; /* a mistake is told as audit's: its help is the one there is */
    if (!hq_options(argc - 1, argv + 1, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = verify(&a, dir, &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    tell(&a, as_json);
    return 0;
}
