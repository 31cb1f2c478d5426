/*
 * A fleet in one process, for tests/bench/sync: many terminals on OpenSSL, each with the key, the certificate
 * and the reports that `sotto-hq swarm --save` wrote. It knows nothing of Sotto but a path of HTTP, so that
 * it is the same client for the collector and for nginx. Says in one line how many reports were answered 2xx,
 * in how many seconds, what CPU the server's processes took for them, and how many bytes went each way.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX   256
#define TERMINALS_MAX 4096
#define REPORT_MAX    (64 * 1024)
#define PIDS_MAX      16

enum mode { FULL, RESUMED, KEPT };

typedef struct load {
    const char *authority, *folder, *group;
    int port, threads;
    enum mode mode;
    long first, count; /* reports of each terminal */
    char *name[TERMINALS_MAX];
    size_t terminals;
    pthread_barrier_t ready, go;
    _Atomic size_t next;
    _Atomic uint64_t done, failed, resumed, sent, received;
} load;

typedef struct line {
    int fd;
    SSL *ssl;
} line;

static const char *const MODES[] = {"full", "resumed", "kept"};
static load L;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}

/* ---- the server's CPU ---- */

/* Nanoseconds on a CPU since its start: the first word of schedstat (Linux, Documentation/scheduler). */
static double cpu_of(const char *pid)
{
    char path[64];
    unsigned long long ns = 0;
    (void)snprintf(path, sizeof path, "/proc/%.20s/schedstat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%llu", &ns) != 1)
        die("no such server process");
    (void)fclose(file);
    return (double)ns / 1e9;
}

static double cpu_of_all(char *const *pid, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += cpu_of(pid[i]);
    return sum;
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- one terminal ---- */

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    SSL_SESSION **place = SSL_get_app_data(ssl);
    SSL_SESSION_free(*place);
    *place = session;
    return 1;
}

static SSL_CTX *context_of(const char *terminal)
{
    char key[512], certificate[512];
    (void)snprintf(key, sizeof key, "%s/%s/key.pem", L.folder, terminal);
    (void)snprintf(certificate, sizeof certificate, "%s/%s/certificate.pem", L.folder, terminal);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups_list(ctx, L.group) != 1 ||
        SSL_CTX_load_verify_locations(ctx, L.authority, NULL) != 1 ||
        SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        die(terminal);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_session);
    return ctx;
}

static int connect_tcp(void)
{
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)L.port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("cannot connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int open_line(line *l, SSL_CTX *ctx, SSL_SESSION **session)
{
    l->fd = connect_tcp();
    l->ssl = SSL_new(ctx);
    if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1)
        die("no memory");
    SSL_set_app_data(l->ssl, session);
    if (L.mode == RESUMED && *session != NULL)
        (void)SSL_set_session(l->ssl, *session);
    if (SSL_connect(l->ssl) != 1)
        return 0;
    atomic_fetch_add(&L.resumed, (uint64_t)SSL_session_reused(l->ssl));
    return 1;
}

static void close_line(line *l)
{
    if (l->ssl == NULL)
        return;
    (void)SSL_shutdown(l->ssl);
    atomic_fetch_add(&L.sent, BIO_number_written(SSL_get_wbio(l->ssl)));
    atomic_fetch_add(&L.received, BIO_number_read(SSL_get_rbio(l->ssl)));
    SSL_free(l->ssl);
    (void)close(l->fd);
    l->ssl = NULL;
}

/* Head and body of the answer, as far as this client must know them. */
static int read_answer(SSL *ssl)
{
    char text[4096];
    size_t have = 0, whole = sizeof text;
    while (have < whole) {
        int n = SSL_read(ssl, text + have, (int)(sizeof text - 1 - have));
        if (n <= 0)
            return 0;
        have += (size_t)n;
        text[have] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");
        if (end != NULL)
            whole = (size_t)(end + 4 - text) + (length == NULL ? 0 : strtoul(length + 17, NULL, 10));
        if (have == sizeof text - 1)
            return 0;
    }
    return strncmp(text, "HTTP/1.1 2", 10) == 0;
}

static int put(line *l, const char *terminal, long number, char *memory)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s/%ld.report", L.folder, terminal, number);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die(path);
    size_t body = fread(memory + 512, 1, REPORT_MAX, file);
    (void)fclose(file);
    int head = snprintf(memory, 512,
                        "PUT /v1/reports/%ld HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nSotto: %s\r\n"
                        "Content-Type: application/octet-stream\r\nContent-Length: %zu\r\n\r\n",
                        number, L.port, terminal, body);
    memmove(memory + head, memory + 512, body);
    int all = head + (int)body;
    return SSL_write(l->ssl, memory, all) == all && read_answer(l->ssl);
}

static void live(const char *terminal, SSL_CTX *ctx, SSL_SESSION **session, char *memory)
{
    line l = {0};
    for (long number = L.first; number < L.first + L.count; number++) {
        int good = (l.ssl != NULL || open_line(&l, ctx, session)) && put(&l, terminal, number, memory);
        atomic_fetch_add(good ? &L.done : &L.failed, 1);
        if (L.mode != KEPT || !good)
            close_line(&l);
    }
    close_line(&l);
}

/* A connection that only brings the ticket home; not counted. */
static void first_ticket(SSL_CTX *ctx, SSL_SESSION **session)
{
    line l = {0};
    static const char text[] = "GET /v1/release/none.json HTTP/1.1\r\nHost: a\r\n\r\n";
    if (!open_line(&l, ctx, session) || SSL_write(l.ssl, text, sizeof text - 1) <= 0)
        die("no first connection");
    (void)read_answer(l.ssl);
    close_line(&l);
}

static void *one_thread(void *unused)
{
    size_t own[TERMINALS_MAX / 4], count = 0;
    char *memory = malloc(REPORT_MAX + 1024);
    (void)unused;
    for (size_t i; count < sizeof own / sizeof *own && (i = atomic_fetch_add(&L.next, 1)) < L.terminals;
         count++) {
        own[count] = i;
        if (count + 1 >= (L.terminals + (size_t)L.threads - 1) / (size_t)L.threads) {
            count++;
            break;
        }
    }
    SSL_CTX **ctx = calloc(count + 1, sizeof(SSL_CTX *));
    SSL_SESSION **session = calloc(count + 1, sizeof(SSL_SESSION *));
    if (memory == NULL || ctx == NULL || session == NULL)
        die("no memory");
    for (size_t i = 0; i < count; i++) {
        ctx[i] = context_of(L.name[own[i]]);
        if (L.mode == RESUMED)
            first_ticket(ctx[i], &session[i]);
    }
    (void)pthread_barrier_wait(&L.ready);
    (void)pthread_barrier_wait(&L.go);
    for (size_t i = 0; i < count; i++) {
        live(L.name[own[i]], ctx[i], &session[i], memory);
        SSL_SESSION_free(session[i]);
        SSL_CTX_free(ctx[i]);
    }
    free(ctx);
    free(session);
    free(memory);
    return NULL;
}

static void find_terminals(void)
{
    DIR *dir = opendir(L.folder);
    if (dir == NULL)
        die(L.folder);
    for (struct dirent *e; L.terminals < TERMINALS_MAX && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            L.name[L.terminals++] = strdup(e->d_name);
    (void)closedir(dir);
}

static void run(char *const *pid, int pids)
{
    pthread_t thread[THREADS_MAX];
    (void)pthread_barrier_init(&L.ready, NULL, (unsigned)L.threads + 1);
    (void)pthread_barrier_init(&L.go, NULL, (unsigned)L.threads + 1);
    for (int i = 0; i < L.threads; i++)
        if (pthread_create(&thread[i], NULL, one_thread, NULL) != 0)
            die("no threads");
    (void)pthread_barrier_wait(&L.ready);
    L.sent = L.received = L.resumed = 0;
    double cpu = cpu_of_all(pid, pids), begin = seconds();
    (void)pthread_barrier_wait(&L.go);
    for (int i = 0; i < L.threads; i++)
        (void)pthread_join(thread[i], NULL);
    double took = seconds() - begin, used = cpu_of_all(pid, pids) - cpu;
    double done = (double)L.done;
    printf("mode=%s done=%.0f failed=%llu resumed=%llu seconds=%.3f cpu_s=%.3f a_core_s=%.0f up=%.0f "
           "down=%.0f\n",
           MODES[L.mode], done, (unsigned long long)L.failed, (unsigned long long)L.resumed, took, used,
           used > 0 ? done / used : 0.0, (double)L.sent / done, (double)L.received / done);
}

/* AUTHORITY FOLDER PORT full|resumed|kept GROUP THREADS FIRST COUNT PID... */
int main(int argc, char **argv)
{
    if (argc < 10)
        die("usage: load AUTHORITY FOLDER PORT full|resumed|kept GROUP THREADS FIRST COUNT PID...");
    L.authority = argv[1];
    L.folder = argv[2];
    L.port = atoi(argv[3]);
    while (L.mode < KEPT && strcmp(argv[4], MODES[L.mode]) != 0)
        L.mode++;
    L.group = argv[5];
    L.threads = atoi(argv[6]);
    L.first = atol(argv[7]);
    L.count = atol(argv[8]);
    if (L.threads < 1 || L.threads > THREADS_MAX)
        die("1 to 256 threads");
    find_terminals();
    run(argv + 9, argc - 9);
    return L.failed == 0 ? 0 : 1;
}
