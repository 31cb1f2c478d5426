/* Any bytes as the self-test of a release, as they are and with right checksums of the decisions: refused
 * with words, or run to its end, and the profile is clear afterwards. */
#include "fuzz.h"

#include <string.h>

#include "sotto/selftest.h"

#define RECORDS_AT                                                                                           \
    48 /* of a file without rows: magic, version, two numbers; the log's magic, version, four lengths */

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":[{\"number\":1,\"id\":\"age\",\"kind\":\"count\",\"purpose\":[\"marketing\"]},"
    "{\"number\":2,\"id\":\"consent\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":3,\"id\":\"nick\",\"kind\":\"text\",\"purpose\":[\"marketing\"]}]}";
static const char CATALOGUE[] =
    "{\"version\":1,\"currency\":\"EUR\",\"products\":[{\"id\":\"saver\",\"category\":"
    "\"savings\",\"risk\":1,\"value\":40}]}";
static const char POLICY[] = "{\"version\":1,\"profiling_tag\":\"consent\",\"campaigns\":[{\"number\":1,"
                             "\"id\":\"a\",\"product\":\"saver\","
                             "\"caps\":{\"day\":1},\"who\":{\">\":[{\"var\":\"age\"},20]},"
                             "\"creatives\":[{\"language\":\"en\",\"title\":\"T\",\"text\":\"W\"}]}]}";

static sotto_selftest_release release;

static void load(void)
{
    static uint8_t memory[1 << 20];
    static sotto_profile profile;
    static sotto_dictionary *dictionary;
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    require(sotto_dictionary_load(&dictionary, sotto_span_str(DICTIONARY), "d", &arena, NULL) == SOTTO_OK);
    const sotto_plan_sources sources = {.dictionary = dictionary,
                                        .catalogue = sotto_span_str(CATALOGUE),
                                        .policy = sotto_span_str(POLICY),
                                        .catalogue_name = "c",
                                        .policy_name = "p"};
    release.dictionary = dictionary;
    release.profile = &profile;
    require(sotto_plan_load(&release.plan, &sources, &arena, NULL) == SOTTO_OK);
    require(sotto_profile_init(&profile, dictionary, &arena) == SOTTO_OK);
    release.scratch = sotto_arena_take(&arena, sotto_decide_scratch_size(release.plan));
    require(release.scratch != NULL);
}

static void check(sotto_span file)
{
    static sotto_selftest_work work;
    sotto_selftest_sum sum;
    sotto_diag diag = {0};
    sotto_status status = sotto_selftest_run(file, "selftest", &release, &work, &sum, &diag);
    require(status == diag.status);
    require(sum.rows == 0 && sum.decisions <= file.len / 4);
    for (size_t i = 0; i < sotto_dictionary_count(release.dictionary); i++)
        require(!release.profile->values[i].present);
}

static void mend(uint8_t *bytes, size_t size)
{
    for (size_t at = RECORDS_AT; size >= 4 && at <= size - 4;) {
        size_t len = (size_t)bytes[at] | (size_t)bytes[at + 1] << 8 | (size_t)bytes[at + 2] << 16;
        if (bytes[at + 3] != 0 || len < 4 || len > size - at - 4)
            return;
        uint32_t crc = sotto_crc32(0, sotto_span_of(bytes + at + 4, len - 4));
        for (unsigned i = 0; i < 4; i++)
            bytes[at + len + i] = (uint8_t)(crc >> 8 * i);
        at += 4 + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (release.plan == NULL)
        load();
    check(sotto_span_of(data, size));
    uint8_t *copy = malloc(size + 1);
    require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    mend(copy, size);
    check(sotto_span_of(copy, size));
    free(copy);
    return 0;
}
