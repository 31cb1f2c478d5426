/*
 * tuf-client: the TUF client of sync behind the command line that public TUF test suites drive:
 *
 *   tuf-client --metadata-dir D init ROOT.json
 *   tuf-client --metadata-dir D --metadata-url U refresh
 *   tuf-client --metadata-dir D --metadata-url U --target-name T [--target-name T ...]
 *              --target-base-url B --target-dir O download
 *
 * Plain HTTP. Exit code 0 or 1. Metadata is kept in D under unversioned names; a target that is in O already,
 * with the right hash, is not fetched again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sotto/sync.h"

#define NAMES_MAX 64
#define ROOT_MAX  (1u << 20)

/* Suites move the clock with faketime, which is preloaded before a sanitizer's runtime; that order is
 * harmless, and the runtime would end the process for it. (Asked by the runtime of a build with ASan; else
 * unused.) */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "verify_asan_link_order=0";
}

typedef struct options {
    const char *metadata_dir, *metadata_url, *target_base_url, *target_dir;
    const char *name[NAMES_MAX];
    size_t names;
    const char *command, *argument;
} options;

/* A base URL in two halves: "http://host:port", and the path with a '/' at its end. */
typedef struct base_url {
    char origin[300];
    char path[600];
} base_url;

typedef struct mirror {
    base_url metadata, targets;
} mirror;

static int complain(const sotto_diag *diag)
{
    char text[512];
    (void)sotto_diag_format(diag, text, sizeof text);
    (void)fprintf(stderr, "tuf-client: %s\n", text);
    return 1;
}

static bool split_url(base_url *out, const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host == NULL ? NULL : strchr(host + 3, '/');
    if (host == NULL)
        return false;
    if (path == NULL)
        path = url + strlen(url);
    size_t len = strlen(path);
    int n = snprintf(out->origin, sizeof out->origin, "%.*s", (int)(path - url), url);
    int m = snprintf(out->path, sizeof out->path, "%s%s", path, len > 0 && path[len - 1] == '/' ? "" : "/");
    return n > 0 && (size_t)n < sizeof out->origin && m > 0 && (size_t)m < sizeof out->path;
}

static sotto_status get(const base_url *base, const char *path, size_t max, sotto_vec *out, sotto_diag *diag)
{
    char target[1400];
    sotto_client *client = NULL;
    const sotto_http_message *response = NULL;
    const sotto_client_config config = {
        .url = base->origin, .body_max = max + 65536, .clock = sotto_port_clock()};
    (void)snprintf(target, sizeof target, "%s%s", base->path, path);
    sotto_status st = sotto_client_new(&client, &config, diag);
    if (st == SOTTO_OK)
        st = sotto_client_request(client, "GET", target, NULL, sotto_span_of(NULL, 0), &response, diag);
    if (st == SOTTO_OK && (response->code == 404 || response->code == 403))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, NOT_FOUND), target, 0, "not in this repository");
    else if (st == SOTTO_OK && response->code != 200)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, NETWORK), target, 0, "answered %d", response->code);
    if (st == SOTTO_OK && response->body.len > max)
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), target, 0, "longer than %zu bytes", max);
    if (st == SOTTO_OK)
        st = sotto_vec_put(out, response->body.ptr, response->body.len);
    sotto_client_free(client);
    return st;
}

static sotto_status fetch(void *ctx, const char *path, size_t max, sotto_vec *out, sotto_diag *diag)
{
    static const char targets[] = "targets/";
    const mirror *m = ctx;
    if (strncmp(path, targets, sizeof targets - 1) == 0)
        return get(&m->targets, path + sizeof targets - 1, max, out, diag);
    return get(&m->metadata, path, max, out, diag);
}

static int run_init(const options *o)
{
    sotto_diag diag = {0};
    sotto_vec root;
    sotto_vec_init(&root, ROOT_MAX);
    sotto_status st = sotto_port_read_file(o->argument, &root, &diag);
    if (st == SOTTO_OK)
        st = sotto_tuf_init(o->metadata_dir, sotto_vec_span(&root), &diag);
    sotto_vec_free(&root);
    return st == SOTTO_OK ? 0 : complain(&diag);
}

/* O/<name>, its '/' written %2F: a folder of its own for each target would prove nothing more. */
static bool local_path(const char *dir, const char *name, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s/", dir);
    if (n < 0)
        return false;
    size_t len = (size_t)n;
    for (; *name != '\0' && len + 4 < cap; name++) {
        if (*name == '/' || *name == '%' || (*name == '.' && len == (size_t)n))
            len += (size_t)snprintf(out + len, cap - len, "%%%02X", (unsigned)(unsigned char)*name);
        else
            out[len++] = *name;
    }
    out[len] = '\0';
    return *name == '\0';
}

static sotto_status download(sotto_tuf *tuf, const options *o, const char *name, sotto_diag *diag)
{
    char path[2048];
    sotto_tuf_target target;
    sotto_status st = sotto_tuf_search(tuf, name, &target, diag);
    if (st == SOTTO_OK && !local_path(o->target_dir, name, path, sizeof path))
        st = sotto_diag_at(diag, SOTTO_ERR(SYNC, RANGE), name, 0, "name is too long");
    if (st == SOTTO_OK && sotto_tuf_check_file(&target, path, NULL) != SOTTO_OK)
        st = sotto_tuf_download(tuf, &target, path, diag);
    return st;
}

static int run_update(const options *o)
{
    mirror m;
    sotto_diag diag = {0};
    sotto_tuf *tuf = NULL;
    sotto_clock clock = sotto_port_clock();
    if (!split_url(&m.metadata, o->metadata_url) ||
        (o->target_base_url != NULL && !split_url(&m.targets, o->target_base_url))) {
        (void)fprintf(stderr, "tuf-client: a URL is not of the form http://host:port/path\n");
        return 1;
    }
    const sotto_tuf_config config = {
        .metadata_dir = o->metadata_dir, .fetch = fetch, .fetch_ctx = &m, .now_s = clock.utc_s(clock.ctx)};
    sotto_status st = sotto_tuf_open(&tuf, &config, &diag);
    if (st == SOTTO_OK)
        st = sotto_tuf_refresh(tuf, &diag);
    for (size_t i = 0; st == SOTTO_OK && i < o->names; i++)
        st = download(tuf, o, o->name[i], &diag);
    sotto_tuf_free(tuf);
    return st == SOTTO_OK ? 0 : complain(&diag);
}

static bool parse_option(options *o, const char *name, const char *value)
{
    if (strcmp(name, "--metadata-dir") == 0)
        o->metadata_dir = value;
    else if (strcmp(name, "--metadata-url") == 0)
        o->metadata_url = value;
    else if (strcmp(name, "--target-base-url") == 0)
        o->target_base_url = value;
    else if (strcmp(name, "--target-dir") == 0)
        o->target_dir = value;
    else if (strcmp(name, "--target-name") == 0 && o->names < NAMES_MAX)
        o->name[o->names++] = value;
    else
        return false;
    return true;
}

static bool parse(options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (i + 1 == argc || !parse_option(o, argv[i], argv[i + 1]))
                return false;
            i++;
        } else if (o->command == NULL) {
            o->command = argv[i];
        } else if (o->argument == NULL) {
            o->argument = argv[i];
        } else {
            return false;
        }
    }
    return o->command != NULL && o->metadata_dir != NULL;
}

int main(int argc, char **argv)
{
    options o = {0};
    sotto_diag diag = {0};
    if (!parse(&o, argc, argv)) {
        (void)fprintf(stderr, "usage: tuf-client --metadata-dir D [--metadata-url U] [--target-name T ...] "
                              "[--target-base-url B] [--target-dir O] init ROOT.json | refresh | download\n");
        return 1;
    }
    if (sotto_vault_start(&diag) != SOTTO_OK)
        return complain(&diag);
    if (strcmp(o.command, "init") == 0 && o.argument != NULL)
        return run_init(&o);
    if (strcmp(o.command, "refresh") == 0 && o.metadata_url != NULL && o.names == 0)
        return run_update(&o);
    if (strcmp(o.command, "download") == 0 && o.metadata_url != NULL && o.target_base_url != NULL &&
        o.target_dir != NULL && o.names > 0)
        return run_update(&o);
    (void)fprintf(stderr, "tuf-client: a command or one of its options is missing\n");
    return 1;
}
