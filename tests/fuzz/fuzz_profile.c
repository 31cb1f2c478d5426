/* Any bytes as a packed profile, as they are and with a right checksum: refused with nothing left, or values
 * that pack and come back the same, and that every purpose and day can read. */
#include "fuzz.h"

#include <string.h>

#include "sotto/tags.h"

static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"a\",\"kind\":\"flag\",\"purpose\":[\"service\"]},"
    "{\"number\":2,\"id\":\"b\",\"kind\":\"choice\",\"purpose\":[\"marketing\"],\"choices\":[\"x\",\"y\"]},"
    "{\"number\":3,\"id\":\"c\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"ttl_days\":9},"
    "{\"number\":7,\"id\":\"d\",\"kind\":\"amount\",\"purpose\":[\"service\",\"marketing\"],\"decimals\":2},"
    "{\"number\":200,\"id\":\"e\",\"kind\":\"date\",\"purpose\":[\"marketing\"]},"
    "{\"number\":201,\"id\":\"f\",\"kind\":\"text\",\"purpose\":[\"service\"]},"
    "{\"number\":65535,\"id\":\"g\",\"kind\":\"count\",\"purpose\":[\"marketing\"],\"from\":\"visit.days_"
    "30\"}]}";

static sotto_profile make_profile(const sotto_dictionary *d, sotto_arena *arena)
{
    sotto_profile p;
    require(sotto_profile_init(&p, d, arena) == SOTTO_OK);
    return p;
}

static void check_reads(const sotto_profile *p)
{
    static const int32_t DAYS[] = {INT32_MIN, -1, 0, 20778, INT32_MAX};
    for (size_t i = 0; i < sotto_dictionary_count(p->dictionary); i++)
        for (size_t k = 0; k < SOTTO_COUNT(DAYS); k++) {
            sotto_tag_value v;
            bool there = sotto_profile_read(p, i, SOTTO_PURPOSE_MARKETING, DAYS[k], &v);
            require(there == v.present);
            if (i == 6 && there)
                require(v.num >= 0 && v.num <= 30);
        }
}

static void check(sotto_profile *p, sotto_profile *q, sotto_span packed)
{
    uint8_t bytes[SOTTO_PROFILE_MAX];
    sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
    size_t unknown = 0;
    sotto_diag diag = {0};
    sotto_status status = sotto_profile_unpack(p, packed, &unknown, &diag);
    require(status == diag.status);
    size_t count = sotto_dictionary_count(p->dictionary);
    if (status != SOTTO_OK) {
        for (size_t i = 0; i < count; i++)
            require(!p->values[i].present);
        return;
    }
    check_reads(p);
    require(sotto_profile_pack(p, &out) == SOTTO_OK);
    require(sotto_profile_unpack(q, sotto_buf_span(&out), &unknown, NULL) == SOTTO_OK && unknown == 0);
    for (size_t i = 0; i < count; i++)
        require(p->values[i].present == q->values[i].present && p->values[i].num == q->values[i].num &&
                p->values[i].set_day == q->values[i].set_day &&
                sotto_span_equal(p->values[i].text, q->values[i].text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[16384];
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_arena_init(&arena, memory, sizeof memory);
    require(sotto_dictionary_load(&d, sotto_span_str(DICTIONARY), "d", &arena, NULL) == SOTTO_OK);
    sotto_profile p = make_profile(d, &arena), q = make_profile(d, &arena);
    check(&p, &q, sotto_span_of(data, size));
    uint8_t *sealed = malloc(size + 4);
    require(sealed != NULL);
    sotto_buf buf = sotto_buf_of(sealed, size + 4);
    require(sotto_buf_put(&buf, data, size) == SOTTO_OK);
    require(sotto_put_u32(&buf, sotto_crc32(0, sotto_buf_span(&buf))) == SOTTO_OK);
    check(&p, &q, sotto_buf_span(&buf));
    free(sealed);
    return 0;
}
