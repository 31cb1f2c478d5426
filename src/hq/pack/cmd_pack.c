/* pack make, show, accept: tags down to a branch. */
#include "commands.h"
#include "office/args.h"
#include "office/day.h"
#include "pack/pack.h"
#include "release/repo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the newest release says ---- */

static sotto_status target_path(const char *dir, const hq_repo *repo, const char *name,
                                char out[static HQ_PATH_MAX], sotto_diag *diag)
{
    char hex[2 * SOTTO_SHA256_BYTES + 1], relative[256];
    hq_tuf_file files[HQ_BUNDLE_COUNT];
    size_t count = 0, at = 0;
    sotto_status status = hq_repo_files(repo, dir, files, &count, diag);
    while (status == SOTTO_OK && at < count && strcmp(files[at].name, name) != 0)
        at++;
    if (status == SOTTO_OK && at == count)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND), "the newest release's list does not name %s",
                                name);
    if (status != SOTTO_OK)
        return status;
    sotto_hex_encode(sotto_span_of(files[at].sha256, SOTTO_SHA256_BYTES), hex, sizeof hex);
    (void)snprintf(relative, sizeof relative, "repo/targets/%s.%s", hex, name);
    return hq_path(dir, relative, out, diag);
}

typedef struct order {
    const char *dir, *device, *table, *column, *dictionary, *policy, *copy;
    bool full, as_json;
    hq_device known;
    sotto_pack_state said;
    hq_pack_next last;
    hq_pack_rows rows, base;
    uint64_t release;
    char dictionary_path[HQ_PATH_MAX], policy_path[HQ_PATH_MAX];
    hq_pack_made made;
} order;

static sotto_status find_release(order *o, sotto_diag *diag)
{
    hq_repo repo = {0};
    sotto_status status = hq_repo_read(&repo, o->dir, diag);
    if (status == SOTTO_OK && repo.role[HQ_ROLE_TARGETS].version == 0)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NOT_FOUND),
                                "no release was published yet, so there is no dictionary");
    o->release = repo.role[HQ_ROLE_TARGETS].version;
    if (status == SOTTO_OK && o->dictionary == NULL) {
        status = target_path(o->dir, &repo, hq_bundle_name(HQ_BUNDLE_DICTIONARY), o->dictionary_path, diag);
        o->dictionary = o->dictionary_path;
    }
    if (status == SOTTO_OK && o->policy == NULL) {
        status = target_path(o->dir, &repo, hq_bundle_name(HQ_BUNDLE_POLICY), o->policy_path, diag);
        o->policy = o->policy_path;
    }
    hq_repo_free(&repo);
    return status;
}

static sotto_status find_device(const char *dir, const char *id, hq_device *out, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    if (!hq_device_id_valid(id))
        return sotto_diag_set(diag, SOTTO_ERR(HQ, USAGE), "'%.64s' is not a device id", id);
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = hq_office_registry(dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_device(registry, id, out, diag);
    hq_registry_close(registry);
    if (status == SOTTO_OK && out->state != HQ_DEVICE_ENROLLED)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, DENIED), "%s is %s: tags go to enrolled terminals only",
                                id, hq_device_state_name(out->state));
    return status;
}

/* ---- make ---- */

/* What the terminal holds is built on, where it is still known here. */
static sotto_status find_base(order *o, bool *found, sotto_diag *diag)
{
    char name[32], path[HQ_PATH_MAX];
    *found = false;
    if (o->full || o->said.held == 0)
        return SOTTO_OK;
    (void)snprintf(name, sizeof name, "%llu.list", (unsigned long long)o->said.held);
    sotto_status status = hq_pack_path(o->dir, o->device, name, path, diag);
    if (status != SOTTO_OK || !sotto_port_exists(path))
        return status;
    *found = true;
    return hq_pack_list_read(&o->base, path, diag);
}

static uint64_t next_number(const order *o)
{
    uint64_t largest = o->last.seq;
    if (o->said.held > largest)
        largest = o->said.held;
    if (o->said.refused > largest)
        largest = o->said.refused;
    return largest + 1;
}

static void drop(const order *o, uint64_t seq, const char *kind)
{
    char name[32], path[HQ_PATH_MAX];
    (void)snprintf(name, sizeof name, "%llu.%s", (unsigned long long)seq, kind);
    if (hq_pack_path(o->dir, o->device, name, path, NULL) == SOTTO_OK)
        (void)!sotto_port_remove_file(path, NULL); /* it may be gone */
}

/* List and pack first, then the word that they are there; what a pack before had goes last. */
static sotto_status keep(const order *o, const sotto_vec *pack, sotto_diag *diag)
{
    char name[32], path[HQ_PATH_MAX];
    const unsigned long long seq = o->made.seq;
    const hq_pack_next next = {.seq = o->made.seq, .base = o->made.base, .bytes = o->made.bytes};
    (void)snprintf(name, sizeof name, "%llu.list", seq);
    sotto_status status = hq_pack_path(o->dir, o->device, name, path, diag);
    if (status == SOTTO_OK)
        status = hq_pack_list_write(&o->rows, path, diag);
    (void)snprintf(name, sizeof name, "%llu.pack", seq);
    if (status == SOTTO_OK)
        status = hq_pack_path(o->dir, o->device, name, path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(pack), 0600, diag);
    if (status == SOTTO_OK && o->copy != NULL)
        status = sotto_port_write_file(o->copy, sotto_vec_span(pack), 0600, diag);
    if (status == SOTTO_OK)
        status = hq_pack_next_write(o->dir, o->device, &next, diag);
    if (status != SOTTO_OK || o->last.seq == 0 || o->last.seq == o->made.seq)
        return status;
    drop(o, o->last.seq, "pack");
    if (o->last.seq != o->said.held)
        drop(o, o->last.seq, "list");
    return SOTTO_OK;
}

static sotto_status seal(order *o, sotto_diag *diag)
{
    sotto_vec pack;
    bool delta = false;
    sotto_vec_init(&pack, (size_t)SOTTO_PACK_CHUNKS_MAX * SOTTO_PACK_SEALED_BYTES / 2);
    sotto_status status = find_base(o, &delta, diag);
    sotto_pack_head head = {
        .seq = next_number(o), .base = delta ? o->said.held : 0, .release = o->release, .made_s = hq_now()};
    (void)snprintf(head.device, sizeof head.device, "%s", o->device);
    if (status == SOTTO_OK)
        status = hq_pack_make(&o->rows, delta ? &o->base : NULL, &head, o->said.key, o->dir, &pack, &o->made,
                              diag);
    if (status == SOTTO_OK && pack.len > 0)
        status = keep(o, &pack, diag);
    sotto_vec_free(&pack);
    return status;
}

static sotto_status make(order *o, sotto_diag *diag)
{
    sotto_port_lock lock = {.fd = -1};
    char path[HQ_PATH_MAX];
    sotto_status status = hq_office_own(o->dir, diag);
    if (status == SOTTO_OK)
        status = find_device(o->dir, o->device, &o->known, diag);
    if (status == SOTTO_OK)
        status = hq_pack_said(o->dir, o->device, &o->said, diag);
    if (status == SOTTO_OK) /* what lies in the folder may not be what the terminal said */
        status = sotto_pack_state_check(&o->said, o->known.report_key, diag);
    if (status == SOTTO_OK)
        status = hq_pack_path(o->dir, o->device, "lock", path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_lock_take(&lock, path, diag);
    if (status == SOTTO_OK)
        status = hq_pack_next_read(o->dir, o->device, &o->last, diag);
    if (status == SOTTO_OK)
        status = find_release(o, diag);
    const hq_pack_source source = {
        .table = o->table, .customer_column = o->column, .dictionary = o->dictionary, .policy = o->policy};
    if (status == SOTTO_OK)
        status = hq_pack_rows_read(&o->rows, &source, diag);
    if (status == SOTTO_OK)
        status = seal(o, diag);
    sotto_port_lock_drop(&lock);
    return status;
}

static void print_made(const order *o)
{
    const hq_pack_made *m = &o->made;
    const unsigned long long seq = m->seq, base = m->base, set = m->set, forgotten = m->forgotten,
                             bytes = m->bytes;
    if (o->as_json) {
        printf("{\"device\":\"%s\",\"seq\":%llu,\"base\":%llu,\"customers\":%zu,\"set\":%llu,\"forgotten\":%"
               "llu,\"bytes\":%llu,\"without_profiling\":%llu,\"without_measurement\":%llu}\n",
               o->device, bytes == 0 ? 0 : seq, base, o->rows.count, set, forgotten, bytes,
               (unsigned long long)o->rows.without_profiling,
               (unsigned long long)o->rows.without_measurement);
        return;
    }
    if (bytes == 0)
        printf("Nothing has changed since pack %llu, which %s holds: no pack is needed.\n", base, o->device);
    else if (base == 0)
        printf("Pack %llu for %s: all %llu customer%s, %llu bytes.\n", seq, o->device, set, sotto_plural(set),
               bytes);
    else
        printf("Pack %llu for %s: %llu customer%s set and %llu forgotten since pack %llu, %llu bytes.\n", seq,
               o->device, set, sotto_plural(set), forgotten, base, bytes);
    if (o->rows.without_profiling > 0)
        printf("%llu of %zu have not agreed to profiling: tags that need it stay here.\n",
               (unsigned long long)o->rows.without_profiling, o->rows.count);
}

static int run_make(int argc, char **argv)
{
    sotto_diag diag = {0};
    order *o = calloc(1, sizeof *o);
    if (o == NULL)
        return sotto_status_exit_code(SOTTO_ERR(HQ, NO_MEMORY));
    o->column = "customer";
    const hq_option options[] = {{"--dir", HQ_TEXT, &o->dir, .required = true},
                                 {"--device", HQ_TEXT, &o->device, .required = true},
                                 {"--from", HQ_TEXT, &o->table, .required = true},
                                 {"--customer-column", HQ_TEXT, &o->column, .required = false},
                                 {"--dictionary", HQ_TEXT, &o->dictionary, .required = false},
                                 {"--policy", HQ_TEXT, &o->policy, .required = false},
                                 {"--full", HQ_FLAG, &o->full, .required = false},
                                 {"-o", HQ_TEXT, &o->copy, .required = false},
                                 {"--json", HQ_FLAG, &o->as_json, .required = false}};
    bool good = hq_options(argc, argv, options, SOTTO_COUNT(options));
    sotto_status status = good ? make(o, &diag) : SOTTO_OK;
    if (good && status == SOTTO_OK)
        print_made(o);
    hq_pack_rows_free(&o->rows);
    hq_pack_rows_free(&o->base);
    free(o);
    return !good ? 2 : status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

/* ---- show ---- */

static sotto_status read_head(const char *path, sotto_vec *file, sotto_pack_head *head, sotto_diag *diag)
{
    sotto_status status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_part(path, 0, SOTTO_PACK_HEAD_BYTES, file, diag);
    if (status == SOTTO_OK)
        status = hq_in_file(sotto_pack_read(head, sotto_vec_span(file), diag), path, diag);
    return status;
}

static int run_show(int argc, char **argv)
{
    sotto_diag diag = {0};
    sotto_pack_head head;
    sotto_vec file;
    char made[21], kind[64] = "full: the whole list of customers";
    const char *path = NULL;
    const hq_option options[] = {{"the pack's file", HQ_POSITION, &path, .required = true}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_vec_init(&file, SOTTO_PACK_HEAD_BYTES);
    sotto_status status = read_head(path, &file, &head, &diag);
    if (status == SOTTO_OK) {
        sotto_time_format(head.made_s, made);
        if (head.base != 0)
            (void)snprintf(kind, sizeof kind, "what has changed since pack %llu",
                           (unsigned long long)head.base);
        printf("Pack %llu for %s, made %s for release %llu or later\n%s; %lu chunk%s, sealed\n",
               (unsigned long long)head.seq, head.device, made, (unsigned long long)head.release, kind,
               (unsigned long)head.chunks, sotto_plural(head.chunks));
    }
    sotto_vec_free(&file);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

/* ---- accept ---- */

static sotto_status accept_statement(const char *dir, const char *path, sotto_pack_state *said,
                                     sotto_diag *diag)
{
    hq_device device;
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PACK_STATE_MAX);
    sotto_status status = hq_office_own(dir, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &file, diag);
    while (status == SOTTO_OK && file.len > 0 && file.ptr[file.len - 1] == '\n')
        file.len--;
    if (status == SOTTO_OK)
        status = hq_in_file(sotto_pack_state_read(said, sotto_vec_span(&file), diag), path, diag);
    if (status == SOTTO_OK)
        status = find_device(dir, said->device, &device, diag);
    if (status == SOTTO_OK)
        status = hq_pack_take_statement(dir, &device, sotto_vec_span(&file), said, diag);
    sotto_vec_free(&file);
    return status;
}

static int run_accept(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL, *from = NULL;
    sotto_pack_state said;
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = true},
                                 {"--from", HQ_TEXT, &from, .required = true}};
    if (!hq_options(argc, argv, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = accept_statement(dir, from, &said, &diag);
    if (status == SOTTO_OK)
        printf("%s holds pack %llu; its key for the next one is known.\n", said.device,
               (unsigned long long)said.held);
    return status == SOTTO_OK ? 0 : hq_fail(status, &diag);
}

int hq_cmd_pack(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"make", run_make}, {"show", run_show}, {"accept", run_accept}};
    for (size_t i = 0; argc > 1 && i < SOTTO_COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0) {
            argv[1] = argv[0]; /* a mistake is told as pack's: its help is the one there is */
            return verbs[i].run(argc - 1, argv + 1);
        }
    return hq_usage("pack", "needs make, show or accept");
}
