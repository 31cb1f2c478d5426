/* serve: the collector's command line. */
#include "collector/serve.h"
#include "collector/signer.h"
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "office/office.h"

#include <string.h>
#include <unistd.h>

#define WORKERS_BY_ITSELF 4

static bool is_loopback(const char *where)
{
    return strncmp(where, "127.", 4) == 0 || strncmp(where, "[::1]:", 6) == 0 ||
           strncmp(where, "localhost:", 10) == 0;
}

static int64_t cores(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > WORKERS_BY_ITSELF ? WORKERS_BY_ITSELF : count;
}

static int serve(hq_service *s)
{
    sotto_diag diag = {0};
    bool moved;
    sotto_status adopted = hq_office_adopt(s->dir, &moved, &diag);
    if (adopted != SOTTO_OK)
        return hq_fail(adopted, &diag);
    if (moved)
        sotto_log_event(&s->log, SOTTO_LOG_INFO, "store.moved", "from=registry.db");
    s->metrics = hq_metrics_new();
    if (s->metrics == NULL)
        return hq_fail(SOTTO_ERR(HQ, NO_MEMORY), &diag);
    sotto_status status = hq_warden_run(s, &diag);
    for (size_t i = 0; i < HQ_LISTENER_COUNT; i++)
        if (s->fd[i] >= 0)
            sotto_port_close(&s->fd[i]);
    hq_metrics_free(s->metrics);
    sotto_wipe(s->ticket_seed, sizeof s->ticket_seed);
    if (s->worker_code != 0)
        return s->worker_code;
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

int hq_cmd_serve(int argc, char **argv)
{
    sotto_diag diag = {0};
    hq_service s = {.listen = "127.0.0.1:8443",
                    .enrol_listen = "127.0.0.1:8444",
                    .connections = 1000,
                    .workers = cores(),
                    .fd = {-1, -1, -1},
                    .log = {.fd = 2, .level = SOTTO_LOG_INFO, .clock = hq_clock(), .program = "sotto-hq"}};
    const hq_option options[] = {{"--dir", HQ_TEXT, &s.dir, .required = true},
                                 {"--listen", HQ_TEXT, &s.listen, .required = false},
                                 {"--enrol-listen", HQ_TEXT, &s.enrol_listen, .required = false},
                                 {"--health", HQ_TEXT, &s.health, .required = false},
                                 {"--sign-command", HQ_TEXT, &s.sign_command, .required = false},
                                 {"--connections", HQ_NUMBER, &s.connections, .min = 1, .max = 20000},
                                 {"--workers", HQ_NUMBER, &s.workers, .min = 1, .max = HQ_WORKERS_MAX}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    if (s.health != NULL && !is_loopback(s.health))
        return hq_usage(argv[0], "--health has no TLS and is for this machine only: 127.0.0.1:PORT");
    if (s.sign_command != NULL && s.sign_command[0] != '/')
        return hq_usage(argv[0], "--sign-command is a program's whole path");
    if (hq_office_own(s.dir, &diag) != SOTTO_OK || hq_sign_program(s.sign_command, &diag) != SOTTO_OK)
        return hq_fail(diag.status, &diag);
    return serve(&s);
}
