/* The other half of a swarm's process: the same reports, at the same time, to a second collector (swarm.h).
 */
#include "office/args.h"
#include "swarm/swarm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct item { /* between two processes of one program */
    int64_t night;
    size_t body_len;
    char key_pem[SOTTO_PEM_MAX], cert_pem[SOTTO_PEM_MAX];
    uint8_t body[SOTTO_REPORT_MAX];
} item;

static bool read_all(int fd, void *out, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, (char *)out + at, len - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const char *)bytes + at, len - at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* Never returns. Ends when its other half closes the pipe. */
static void be_twin(const hq_swarm *swarm, int in, int out, pid_t parent)
{
    sotto_diag diag = {0};
    item *x = calloc(1, sizeof *x);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool good = x != NULL && getppid() == parent && sotto_vault_start(&diag) == SOTTO_OK;
    while (good && read_all(in, x, sizeof *x)) {
        int64_t ms;
        const hq_swarm_terminal t = {.key_pem = x->key_pem, .cert_pem = x->cert_pem};
        sotto_status status =
            hq_swarm_send(swarm, swarm->also, &t, x->night, sotto_span_of(x->body, x->body_len), &ms, &diag);
        if (status != SOTTO_OK)
            (void)hq_fail(status, &diag);
        good = status == SOTTO_OK && write_all(out, "!", 1);
    }
    free(x);
    (void)fflush(stderr);
    _exit(good ? 0 : 1);
}

sotto_status hq_swarm_twin_start(const hq_swarm *swarm, hq_swarm_twin *out, sotto_diag *diag)
{
    int to[2], from[2];
    pid_t parent = getpid();
    *out = (hq_swarm_twin){0};
    if (swarm->also == NULL)
        return SOTTO_OK;
    if (pipe(to) != 0 || pipe(from) != 0 || (out->pid = fork()) < 0)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no place for a second half");
    if (out->pid == 0) {
        (void)close(to[1]);
        (void)close(from[0]);
        be_twin(swarm, to[0], from[1], parent);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    (void)signal(SIGPIPE, SIG_IGN);
    out->to = to[1];
    out->from = from[0];
    return SOTTO_OK;
}

static sotto_status gone(sotto_diag *diag)
{
    return sotto_diag_set(diag, SOTTO_ERR(HQ, NETWORK), "the second collector did not take a report");
}

sotto_status hq_swarm_twin_begin(const hq_swarm_twin *twin, const hq_swarm_terminal *t, int64_t night,
                                 sotto_span body, sotto_diag *diag)
{
    if (twin->pid == 0)
        return SOTTO_OK;
    item *x = calloc(1, sizeof *x);
    if (x == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report");
    x->night = night;
    x->body_len = body.len;
    (void)snprintf(x->key_pem, sizeof x->key_pem, "%s", t->key_pem);
    (void)snprintf(x->cert_pem, sizeof x->cert_pem, "%s", t->cert_pem);
    memcpy(x->body, body.ptr, body.len);
    bool good = write_all(twin->to, x, sizeof *x);
    free(x);
    return good ? SOTTO_OK : gone(diag);
}

sotto_status hq_swarm_twin_end(const hq_swarm_twin *twin, sotto_diag *diag)
{
    char said;
    return twin->pid == 0 || read_all(twin->from, &said, 1) ? SOTTO_OK : gone(diag);
}

void hq_swarm_twin_stop(hq_swarm_twin *twin)
{
    if (twin->pid == 0)
        return;
    (void)close(twin->to);
    (void)close(twin->from);
    (void)waitpid(twin->pid, NULL, 0);
    *twin = (hq_swarm_twin){0};
}
