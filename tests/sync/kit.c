/* Scratch folders, clocks, servers in child processes, certificates. */
#include "kit.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void kit_ok_at(sotto_status status, const sotto_diag *diag, const char *file, int line)
{
    char text[512] = "";
    if (status == SOTTO_OK)
        return;
    if (diag != NULL)
        (void)sotto_diag_format(diag, text, sizeof text);
    print_error("%s (%s)\n", text, sotto_status_cause_text(status));
    _fail(file, line);
}

void kit_cause_at(sotto_status status, int cause, const sotto_diag *diag, const char *file, int line)
{
    char text[512] = "";
    if (sotto_status_cause(status) == cause)
        return;
    if (diag != NULL)
        (void)sotto_diag_format(diag, text, sizeof text);
    print_error("status \"%s\", expected cause %d: %s\n", sotto_status_cause_text(status), cause, text);
    _fail(file, line);
}

void kit_remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        (void)unlink(path);
        return;
    }
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char inner[4096];
        (void)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        kit_remove_tree(inner);
    }
    (void)closedir(dir);
    (void)rmdir(path);
}

static char scratch[64];

static void remove_scratch(void)
{
    if (scratch[0] != '\0')
        kit_remove_tree(scratch);
}

const char *kit_scratch(void)
{
    static bool registered;
    remove_scratch();
    (void)snprintf(scratch, sizeof scratch, "%s", "/tmp/sotto-sync-XXXXXX");
    assert_non_null(mkdtemp(scratch));
    if (!registered)
        (void)atexit(remove_scratch);
    registered = true;
    return scratch;
}

const char *kit_path(const char *dir, const char *name)
{
    static char paths[8][1024];
    static unsigned at;
    char *out = paths[at++ % 8];
    (void)snprintf(out, sizeof paths[0], "%s/%s", dir, name);
    return out;
}

sotto_vec kit_read(const char *path)
{
    sotto_vec bytes;
    sotto_vec_init(&bytes, 1u << 26);
    if (sotto_port_read_file(path, &bytes, NULL) != SOTTO_OK)
        sotto_vec_free(&bytes);
    return bytes;
}

void kit_write(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static int64_t clock_utc_s(void *ctx)
{
    return ((kit_clock *)ctx)->utc_s;
}

static int64_t clock_mono_ms(void *ctx)
{
    (void)ctx;
    sotto_clock real = sotto_port_clock();
    return real.mono_ms(real.ctx);
}

sotto_clock kit_clock_of(kit_clock *clock)
{
    return (sotto_clock){.ctx = clock, .utc_s = clock_utc_s, .mono_ms = clock_mono_ms};
}

/* ---- server ---- */

pid_t kit_fork(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    /* A failed test leaves without waiting for its children. */
    if (pid == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static void serve_for_ever(sotto_server_config config)
{
    sotto_server *server = NULL;
    sotto_diag diag = {0};
    if (sotto_server_new(&server, &config, &diag) != SOTTO_OK)
        _exit(3);
    while (sotto_server_step(server, 1000) == SOTTO_OK)
        ;
    _exit(4);
}

void kit_server_start(kit_server *s, sotto_server_config config, sotto_tls *tls, const char *unix_path)
{
    sotto_listener listener = {.fd = -1, .tls = tls};
    sotto_diag diag = {0};
    memset(s, 0, sizeof *s);
    if (unix_path != NULL) {
        kit_ok(sotto_port_listen_unix(unix_path, 0600, &listener.fd, &diag), &diag);
        (void)snprintf(s->url, sizeof s->url, "unix:%s", unix_path);
    } else {
        kit_ok(sotto_port_listen_tcp("127.0.0.1", "0", &listener.fd, &diag), &diag);
        kit_ok(sotto_port_local_port(listener.fd, &s->port), NULL);
        (void)snprintf(s->url, sizeof s->url, tls == NULL ? "http://127.0.0.1:%u" : "https://localhost:%u",
                       (unsigned)s->port);
    }
    config.listeners = &listener;
    config.listener_count = 1;
    if (config.clock.mono_ms == NULL)
        config.clock = sotto_port_clock();
    s->pid = kit_fork();
    if (s->pid == 0)
        serve_for_ever(config);
    sotto_port_close(&listener.fd);
}

void kit_server_stop(kit_server *s)
{
    int status = 0;
    if (s->pid > 0) {
        (void)kill(s->pid, SIGKILL);
        (void)waitpid(s->pid, &status, 0);
        /* Killed by us: it had not ended by itself, as it would after a sanitizer's finding. */
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    s->pid = 0;
}

/* ---- certificates ---- */

static void next_serial(uint8_t serial[static 16])
{
    static uint8_t counter;
    memset(serial, 0x11, 16);
    serial[15] = ++counter;
}

static void make(kit_identity *out, const kit_identity *authority, const sotto_cert_request *request)
{
    static char public_pem[SOTTO_PEM_MAX];
    sotto_entropy entropy = sotto_port_entropy();
    sotto_diag diag = {0};
    kit_ok(sotto_keypair_make(&entropy, out->key, &diag), &diag);
    kit_ok(sotto_keypair_public_pem(out->key, public_pem, &diag), &diag);
    kit_ok(sotto_cert_issue(request, sotto_span_str(public_pem),
                            authority == NULL ? out->key : authority->key,
                            authority == NULL ? NULL : authority->cert, out->cert, &diag),
           &diag);
}

void kit_authority(kit_identity *out, const char *name, int64_t from_s, int64_t to_s)
{
    sotto_cert_request request = {
        .use = SOTTO_CERT_AUTHORITY, .common_name = name, .not_before_s = from_s, .not_after_s = to_s};
    next_serial(request.serial);
    make(out, NULL, &request);
}

void kit_issue(kit_identity *out, const kit_identity *authority, enum sotto_cert_use use,
               const char *common_name, const char *const *names, size_t name_count, int64_t from_s,
               int64_t to_s)
{
    sotto_cert_request request = {.use = use,
                                  .common_name = common_name,
                                  .names = names,
                                  .name_count = name_count,
                                  .not_before_s = from_s,
                                  .not_after_s = to_s};
    next_serial(request.serial);
    make(out, authority, &request);
}

sotto_tls *kit_tls(bool server, const kit_identity *authority, const kit_identity *own,
                   bool peer_must_identify, sotto_clock clock)
{
    sotto_tls *tls = NULL;
    sotto_diag diag = {0};
    sotto_tls_identity identity = {.peer_must_identify = peer_must_identify, .clock = clock};
    if (authority != NULL)
        identity.authority_pem = sotto_span_str(authority->cert);
    if (own != NULL) {
        identity.certificate_pem = sotto_span_str(own->cert);
        identity.key_pem = sotto_span_str(own->key);
    }
    kit_ok(sotto_tls_new(&tls, server, &identity, &diag), &diag);
    return tls;
}
