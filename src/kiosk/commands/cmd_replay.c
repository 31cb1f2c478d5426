/* replay: decisions written down whole are made again, to the bit; and one is written down, by an operator's
 * explicit command. docs/formats/decision-log.md. */
#include "commands.h"
#include "config/args.h"
#include "engine/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LIMIT    (64u << 20)
#define RECORD_LIMIT (SOTTO_PROFILE_MAX + SOTTO_COUNTERS_MAX + SOTTO_TERMINAL_MAX + 1024)
#define ARENA_MORE   (512u << 10) /* dictionary's share, profile, scratch */

/* ---- making them again ---- */

typedef struct player {
    sotto_vec file;
    void *memory;
    sotto_arena arena;
    sotto_replay log;
    const sotto_plan *plan;
    sotto_profile profile;
    void *scratch;
    sotto_replay_memory *work;
    uint64_t records, different;
} player;

static sotto_status load_parts(player *p, sotto_diag *diag)
{
    const sotto_span *part = p->log.part;
    sotto_dictionary *dictionary = NULL;
    sotto_plan_sources sources = {.catalogue = part[2],
                                  .policy = part[3],
                                  .catalogue_name = "catalogue in the log",
                                  .policy_name = "policy in the log"};
    sotto_status status =
        sotto_dictionary_load(&dictionary, part[0], "dictionary in the log", &p->arena, diag);
    sources.dictionary = dictionary;
    if (status == SOTTO_OK && part[4].len > 0)
        status = sotto_items_load(&sources.items, part[4], &p->arena, diag);
    if (status == SOTTO_OK && part[1].len > 0)
        status = sotto_model_load(&sources.model, part[1], &p->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_plan_load(&p->plan, &sources, &p->arena, diag);
    if (status == SOTTO_OK)
        status = sotto_profile_init(&p->profile, dictionary, &p->arena);
    if (status == SOTTO_OK &&
        (p->scratch = sotto_arena_take(&p->arena, sotto_decide_scratch_size(p->plan))) == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_SPACE), "the log's release needs more memory");
    return status;
}

static sotto_status take_memory(player *p, sotto_diag *diag)
{
    const sotto_span *part = p->log.part;
    const sotto_plan_sources sources = {.catalogue = part[2], .policy = part[3]};
    size_t size = ARENA_MORE + part[0].len * 8 + sotto_model_arena_bound(part[1].len) +
                  sotto_items_arena_bound(part[4].len) + sotto_plan_arena_bound(&sources) + (4u << 20);
    p->memory = malloc(size);
    p->work = calloc(1, sizeof *p->work);
    if (p->memory == NULL || p->work == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    sotto_arena_init(&p->arena, p->memory, size);
    p->work->profile = &p->profile;
    return SOTTO_OK;
}

static sotto_status play(player *p, const char *path, sotto_diag *diag)
{
    sotto_status status = sotto_port_read_file(path, &p->file, diag);
    if (status == SOTTO_OK)
        status = sotto_replay_open(&p->log, sotto_vec_span(&p->file), path, diag);
    if (status == SOTTO_OK)
        status = take_memory(p, diag);
    if (status == SOTTO_OK)
        status = load_parts(p, diag);
    while (status == SOTTO_OK && sotto_replay_more(&p->log)) {
        bool same = false;
        status = sotto_replay_next(&p->log, p->plan, p->work, p->scratch, &same, diag);
        p->records++;
        p->different += status == SOTTO_OK && !same;
        if (status == SOTTO_OK && !same)
            fprintf(stderr, "sotto: decision %llu of %s comes out differently here\n",
                    (unsigned long long)p->records, path);
    }
    return status;
}

static int replay(const char *path, bool json)
{
    enum { EXIT_CONFLICT = 9 };
    player p = {0};
    sotto_diag diag = {0};
    sotto_vec_init(&p.file, LOG_LIMIT);
    sotto_status status = play(&p, path, &diag);
    free(p.memory);
    free(p.work);
    sotto_vec_free(&p.file);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    const char *form = json ? "{\"decisions\":%llu,\"different\":%llu}\n"
                            : "%llu decisions made again, %llu came out differently.\n";
    printf(form, (unsigned long long)p.records, (unsigned long long)p.different);
    return p.different == 0 ? 0 : EXIT_CONFLICT;
}

/* ---- writing one down ---- */

static sotto_status put_release(const kiosk_engine *e, sotto_vec *texts, sotto_vec *out, sotto_diag *diag)
{
    static const char *const NAMES[] = {"dictionary.json", "catalogue.json", "policy.json"};
    char dir[KIOSK_PATH_MAX];
    const sotto_tuf_config trust = {.metadata_dir = dir, .now_s = e->clock.utc_s(e->clock.ctx)};
    sotto_status status = kiosk_path(e->config->store_dir, "tuf", dir, diag);
    if (status == SOTTO_OK)
        status = sotto_release_read(e->config->release_dir, e->release.version, &trust, NAMES,
                                    SOTTO_COUNT(NAMES), SOTTO_COUNT(NAMES), texts, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_span part[] = {sotto_vec_span(&texts[0]), sotto_vec_span(&e->release.model_file),
                               sotto_vec_span(&texts[1]), sotto_vec_span(&texts[2]),
                               sotto_vec_span(&e->release.items_file)};
    size_t size = 64 + part[0].len + part[1].len + part[2].len + part[3].len + part[4].len;
    uint8_t *head = malloc(size);
    if (head == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "out of memory");
    sotto_buf buf = sotto_buf_of(head, size);
    status = sotto_replay_head(part, &buf);
    if (status == SOTTO_OK)
        status = sotto_vec_put(out, buf.ptr, buf.len);
    free(head);
    return status;
}

static sotto_status write_down(kiosk_engine *e, const char *path, const char *customer, sotto_diag *diag)
{
    static uint8_t record[RECORD_LIMIT];
    sotto_vec texts[3], out;
    sotto_buf log = sotto_buf_of(record, sizeof record), answer = sotto_buf_of(e->answer, sizeof e->answer);
    const kiosk_ask ask = {.customer = sotto_span_str(customer), .offers = 3, .log = &log};
    for (size_t i = 0; i < SOTTO_COUNT(texts); i++)
        sotto_vec_init(&texts[i], LOG_LIMIT);
    sotto_vec_init(&out, LOG_LIMIT);
    sotto_status status = e->release.version != 0
                              ? put_release(e, texts, &out, diag)
                              : sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND), "no release is in use");
    if (status == SOTTO_OK)
        status = kiosk_decide(e, &ask, &answer, diag);
    if (status == SOTTO_OK)
        status = sotto_vec_put(&out, log.ptr, log.len);
    if (status == SOTTO_OK)
        status = sotto_port_write_file(path, sotto_vec_span(&out), 0600, diag);
    sotto_wipe(record, sizeof record);
    for (size_t i = 0; i < SOTTO_COUNT(texts); i++)
        sotto_vec_free(&texts[i]);
    sotto_vec_free(&out);
    return status;
}

static int record(const kiosk_config *config, const char *path, const char *customer)
{
    sotto_diag diag = {0};
    kiosk_engine *e = NULL;
    sotto_status status = kiosk_engine_open(&e, config, &diag);
    if (status == SOTTO_OK)
        status = write_down(e, path, customer, &diag);
    kiosk_engine_close(e);
    if (status != SOTTO_OK)
        return kiosk_fail_status(status, &diag);
    printf("Written to %s (mode 0600). It holds this customer's tags: erase it when it has been looked at.\n",
           path);
    return 0;
}

int kiosk_cmd_replay(const kiosk_config *config, int argc, char **argv)
{
    const char *customer = NULL, *target = NULL, *file = NULL, *value;
    bool with_tags = false, json = false;
    for (int i = 1; i < argc; i++) {
        if ((value = kiosk_option(argc, argv, &i, "--customer")) != NULL)
            customer = value;
        else if ((value = kiosk_option(argc, argv, &i, "--record")) != NULL)
            target = value;
        else if (strcmp(argv[i], "--with-tags") == 0)
            with_tags = true;
        else if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (argv[i][0] != '-' && file == NULL)
            file = argv[i];
        else
            return kiosk_usage_at(argv[0], argv[i], "unknown option, or one without its value");
    }
    if ((file == NULL) == (target == NULL))
        return kiosk_usage(argv[0], "needs FILE, or --record FILE");
    if (file != NULL)
        return customer != NULL || with_tags ? kiosk_usage(argv[0], "only --record takes a customer")
                                             : replay(file, json);
    if (customer == NULL || !with_tags)
        return kiosk_usage(argv[0], "--record needs --customer NUMBER and --with-tags: the file will hold "
                                    "the customer's tags in the clear");
    return record(config, target, customer);
}
