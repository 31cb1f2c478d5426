/* Any bytes as a log of decisions (`sotto replay FILE`), as they are and with every record's checksum put
 * right: the head is refused with a place, or its release is loaded from the file's own parts as the program
 * does, and every record is refused with a place or made again, twice with the same verdict. A record only
 * ever moves the log forward, and what was read from the file is the only thing that is written to. */
#include "fuzz.h"

#include <string.h>

#include "sotto/decide.h"

enum { HEAD_BYTES = 12, RECORDS_MAX = 32 };

typedef struct player {
    sotto_arena arena;
    sotto_dictionary *dictionary;
    const sotto_plan *plan;
    sotto_profile profile;
    void *scratch;
} player;

static sotto_status load(player *p, const sotto_replay *log)
{
    sotto_plan_sources sources = {.catalogue = log->part[2],
                                  .policy = log->part[3],
                                  .catalogue_name = "catalogue in the log",
                                  .policy_name = "policy in the log"};
    sotto_diag diag = {0};
    sotto_status status = sotto_dictionary_load(&p->dictionary, log->part[0], "d", &p->arena, &diag);
    if (status == SOTTO_OK && log->part[4].len > 0)
        status = sotto_items_load(&sources.items, log->part[4], &p->arena, &diag);
    if (status == SOTTO_OK && log->part[1].len > 0)
        status = sotto_model_load(&sources.model, log->part[1], &p->arena, &diag);
    sources.dictionary = p->dictionary;
    if (status == SOTTO_OK)
        status = sotto_plan_load(&p->plan, &sources, &p->arena, &diag);
    require(status == diag.status && (status == SOTTO_OK || diag.text[0] != '\0'));
    if (status == SOTTO_OK)
        status = sotto_profile_init(&p->profile, p->dictionary, &p->arena);
    if (status == SOTTO_OK &&
        (p->scratch = sotto_arena_take(&p->arena, sotto_decide_scratch_size(p->plan))) == NULL)
        status = SOTTO_ERR(DECIDE, NO_SPACE);
    return status;
}

static void play(player *p, sotto_replay log, size_t size)
{
    static sotto_replay_memory first, second;
    first.profile = second.profile = &p->profile;
    for (size_t i = 0; i < RECORDS_MAX && sotto_replay_more(&log); i++) {
        sotto_replay again = log;
        bool same = true, same_again = true;
        sotto_diag diag = {0};
        sotto_status status = sotto_replay_next(&log, p->plan, &first, p->scratch, &same, &diag);
        require(sotto_replay_next(&again, p->plan, &second, p->scratch, &same_again, NULL) == status);
        require(same == same_again && log.at == again.at && log.at <= size);
        require(status == diag.status && (status == SOTTO_OK || (diag.has_offset && diag.offset <= size)));
        int cause = (int)sotto_status_cause(status);
        if (cause == (int)SOTTO_CAUSE_CORRUPT || cause == (int)SOTTO_CAUSE_TRUNCATED)
            return; /* there is no next one */
        if (status == SOTTO_OK)
            require(first.decision.id == second.decision.id &&
                    first.decision.offer_count <= SOTTO_OFFERS_MAX);
    }
}

static void try_file(sotto_span file)
{
    static uint8_t memory[8 << 20];
    player p;
    sotto_replay log;
    sotto_diag diag = {0};
    sotto_status status = sotto_replay_open(&log, file, "log", &diag);
    require(status == diag.status && (status != SOTTO_OK || log.at <= file.len));
    if (status != SOTTO_OK) {
        require(diag.has_offset && diag.offset <= file.len && !sotto_replay_more(&log));
        return;
    }
    sotto_arena_init(&p.arena, memory, sizeof memory);
    if (load(&p, &log) == SOTTO_OK)
        play(&p, log, file.len);
}

static uint32_t u32_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Records stand behind the parts: lengths are believed as far as the file goes. */
static void seal(uint8_t *file, size_t size, size_t at)
{
    while (size - at >= 8) {
        size_t len = u32_at(file + at);
        if (len < 4 || len > size - at - 4)
            return;
        uint32_t crc = sotto_crc32(0, sotto_span_of(file + at + 4, len - 4));
        for (size_t i = 0; i < 4; i++)
            file[at + len + i] = (uint8_t)(crc >> (8 * i));
        at += 4 + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_replay log;
    sotto_span given = sotto_span_of(data, size);
    try_file(given);
    if (size < HEAD_BYTES || sotto_replay_open(&log, given, "log", NULL) != SOTTO_OK)
        return 0;
    uint8_t *sealed = malloc(size);
    require(sealed != NULL);
    memcpy(sealed, data, size);
    seal(sealed, size, log.at);
    try_file(sotto_span_of(sealed, size));
    free(sealed);
    return 0;
}
