/* Any bytes as a packed history, as they are and with a right checksum: refused with nothing left, or a
 * history that packs and comes back the same, takes events, and from which every tag can be derived on any
 * day. */
#include "fuzz.h"

#include <limits.h>
#include <string.h>

#include "sotto/history.h"

#define P "\"purpose\":[\"marketing\"]"
static const char DICTIONARY[] =
    "{\"version\":1,\"tags\":["
    "{\"number\":1,\"id\":\"a\",\"kind\":\"date\"," P
    ",\"derive\":{\"rule\":\"last\",\"events\":[\"purchase\"]}},"
    "{\"number\":2,\"id\":\"b\",\"kind\":\"count\"," P
    ",\"derive\":{\"rule\":\"days_since\",\"events\":[\"page\"],\"grades\":[30,7]}},"
    "{\"number\":3,\"id\":\"c\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"sum\",\"events\":[\"purchase\",\"deposit\"],\"days\":366}},"
    "{\"number\":4,\"id\":\"d\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"balance_change\",\"days\":183}},"
    "{\"number\":5,\"id\":\"e\",\"kind\":\"flag\"," P ",\"derive\":{\"rule\":\"holds\",\"product\":\"x\"}},"
    "{\"number\":6,\"id\":\"f\",\"kind\":\"date\"," P ",\"derive\":{\"rule\":\"due\",\"product\":\"x\"}},"
    "{\"number\":7,\"id\":\"g\",\"kind\":\"choice\",\"choices\":[\"new\",\"rising\",\"stable\",\"leaving\"]"
    "," P ",\"derive\":{\"rule\":\"stage\",\"events\":[\"card_in\",\"purchase\"],\"days\":30}},"
    "{\"number\":8,\"id\":\"h\",\"kind\":\"choice\",\"choices\":[\"x\",\"y\"]," P
    ",\"derive\":{\"rule\":\"favourite\",\"of\":\"page\",\"rank\":2}},"
    "{\"number\":9,\"id\":\"i\",\"kind\":\"count\"," P
    ",\"derive\":{\"rule\":\"favourite\",\"of\":\"hour\"}},"
    "{\"number\":10,\"id\":\"j\",\"kind\":\"amount\"," P
    ",\"derive\":{\"rule\":\"largest\",\"events\":[\"deposit\",\"withdrawal\"],\"days\":366}}]}";

static sotto_history h, again;

static void derive_all(sotto_profile *p)
{
    static const int32_t DAYS[] = {INT32_MIN, 0, 20778, INT32_MAX};
    char text[256];
    for (size_t k = 0; k < SOTTO_COUNT(DAYS); k++) {
        sotto_profile_clear(p);
        sotto_history_derive(&h, DAYS[k], p);
        for (size_t i = 0; i < sotto_dictionary_count(p->dictionary); i++)
            require(sotto_tag_format(sotto_dictionary_at(p->dictionary, i), &p->values[i], text,
                                     sizeof text) == SOTTO_OK);
    }
}

static size_t pack(const sotto_history *from, uint8_t *out)
{
    sotto_buf buf = sotto_buf_of(out, SOTTO_HISTORY_MAX);
    require(sotto_history_pack(from, &buf) == SOTTO_OK);
    return buf.len;
}

static void check(const sotto_dictionary *d, sotto_profile *p, sotto_span packed)
{
    static uint8_t one[SOTTO_HISTORY_MAX], two[SOTTO_HISTORY_MAX];
    sotto_diag diag = {0};
    sotto_status status = sotto_history_unpack(&h, packed, &diag);
    require(status == diag.status);
    if (status != SOTTO_OK) {
        require(!h.any && h.cell_count == 0);
        return;
    }
    size_t len = pack(&h, one);
    require(len == packed.len && memcmp(one, packed.ptr, len) == 0);
    derive_all(p);
    for (unsigned kind = 1; kind < SOTTO_EVENT_KINDS; kind++) {
        const sotto_event event = {.kind = (enum sotto_event_kind)kind,
                                   .at_s = ((int64_t)h.latest_day - (int64_t)kind) * 86400,
                                   .id = kind,
                                   .has_balance = kind % 2 == 0,
                                   .balance = -SOTTO_EVENT_MONEY_MAX,
                                   .product = sotto_span_str("x"),
                                   .page = sotto_span_str("y")};
        if (h.latest_day > 0 && sotto_history_apply(&h, d, &event, true) == SOTTO_HISTORY_TAKEN)
            require(sotto_history_look(&h, kind, event.at_s) == SOTTO_HISTORY_REPEATED ||
                    h.seen_count == SOTTO_HISTORY_IDS_MAX);
    }
    len = pack(&h, one);
    require(sotto_history_unpack(&again, sotto_span_of(one, len), NULL) == SOTTO_OK);
    require(pack(&again, two) == len && memcmp(one, two, len) == 0);
    derive_all(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[32768];
    sotto_arena arena;
    sotto_dictionary *d;
    sotto_profile p;
    sotto_arena_init(&arena, memory, sizeof memory);
    require(sotto_dictionary_load(&d, sotto_span_str(DICTIONARY), "d", &arena, NULL) == SOTTO_OK);
    require(sotto_profile_init(&p, d, &arena) == SOTTO_OK);
    check(d, &p, sotto_span_of(data, size));
    uint8_t *sealed = malloc(size + 4);
    require(sealed != NULL);
    sotto_buf buf = sotto_buf_of(sealed, size + 4);
    require(sotto_buf_put(&buf, data, size) == SOTTO_OK);
    require(sotto_put_u32(&buf, sotto_crc32(0, sotto_buf_span(&buf))) == SOTTO_OK);
    check(d, &p, sotto_buf_span(&buf));
    free(sealed);
    return 0;
}
