#include "tags_test.h"

static void fill(fixture *f)
{
    set_tag(f, "balance", "1234.56");
    set_tag(f, "age", "41");
    set_tag(f, "segment", "old");
    set_tag(f, "consent", "1");
    set_tag(f, "nickname", "Zo");
    set_tag(f, "joined", "2001-02-03");
    set_tag(f, "visits", "2");
}

static sotto_span pack(const fixture *f, uint8_t *bytes, size_t cap)
{
    sotto_buf out = sotto_buf_of(bytes, cap);
    assert_int_equal(sotto_profile_pack(&f->profile, &out), SOTTO_OK);
    return sotto_buf_span(&out);
}

/* The format document's worked example, byte for byte. */
static void test_bytes_of_the_document(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    set_tag(&f, "age", "41");
    set_tag(&f, "balance", "12.50");
    uint8_t bytes[64];
    sotto_span packed = pack(&f, bytes, sizeof bytes);
    static const uint8_t EXPECTED[] = {0x01, 0x02, 0x01, 0x03, 0xd4, 0xc4, 0x02, 0x52,
                                       0x06, 0x24, 0xd4, 0xc4, 0x02, 0xc4, 0x13};
    assert_int_equal(packed.len, sizeof EXPECTED + 4);
    assert_memory_equal(packed.ptr, EXPECTED, sizeof EXPECTED);
}

static void test_round_trip(void **state)
{
    (void)state;
    fixture f, g;
    fixture_open(&f);
    fixture_open(&g);
    fill(&f);
    uint8_t bytes[256], again[256];
    sotto_span packed = pack(&f, bytes, sizeof bytes);
    size_t unknown = 99;
    assert_int_equal(sotto_profile_unpack(&g.profile, packed, &unknown, NULL), SOTTO_OK);
    assert_int_equal(unknown, 0);
    char text[160];
    assert_string_equal(get_tag(&g, "balance", text), "1234.56");
    assert_string_equal(get_tag(&g, "nickname", text), "Zo");
    assert_string_equal(get_tag(&g, "visits", text), "2");
    assert_string_equal(get_tag(&g, "offer_last", text), "");
    sotto_span second = pack(&g, again, sizeof again);
    assert_true(sotto_span_equal(packed, second));
}

static void test_every_flip_and_cut_is_refused(void **state)
{
    (void)state;
    fixture f, g;
    fixture_open(&f);
    fixture_open(&g);
    fill(&f);
    uint8_t bytes[256], bad[256];
    sotto_span packed = pack(&f, bytes, sizeof bytes);
    for (size_t i = 0; i < packed.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bad, packed.ptr, packed.len);
            bad[i] ^= (uint8_t)(1u << bit);
            fill(&g);
            assert_int_equal(sotto_status_cause(sotto_profile_unpack(
                                 &g.profile, sotto_span_of(bad, packed.len), NULL, NULL)),
                             SOTTO_CAUSE_CORRUPT);
            for (size_t t = 0; t < sotto_dictionary_count(g.d); t++)
                assert_false(g.profile.values[t].present);
        }
    for (size_t len = 0; len < packed.len; len++)
        assert_true(sotto_profile_unpack(&g.profile, sotto_span_of(packed.ptr, len), NULL, NULL) < 0);
}

/* Bodies with a right checksum and senseless contents. */
static void test_hostile_bodies(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[16];
        size_t len;
        enum sotto_cause cause;
    } BODIES[] = {
        {{2, 0}, 2, SOTTO_CAUSE_UNSUPPORTED},
        {{1, 1}, 2, SOTTO_CAUSE_TRUNCATED},
        {{1, 0, 0}, 3, SOTTO_CAUSE_MALFORMED},                         /* bytes left */
        {{1, 1, 0, 3, 0, 0}, 6, SOTTO_CAUSE_MALFORMED},                /* number 0 */
        {{1, 2, 1, 3, 0, 0, 0, 3, 0, 0}, 10, SOTTO_CAUSE_MALFORMED},   /* the same number twice */
        {{1, 1, 0x80, 0x80, 0x04, 3, 0, 0}, 8, SOTTO_CAUSE_MALFORMED}, /* number 65536 */
        {{1, 1, 1, 3, 0xff, 0xff, 0xff, 0xff, 0x7f, 0}, 10, SOTTO_CAUSE_MALFORMED}, /* day beyond 32 bits */
        {{1, 0xff, 0xff, 0xff, 0xff, 0x7f}, 6, SOTTO_CAUSE_TRUNCATED},              /* more tags than bytes */
    };
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < SOTTO_COUNT(BODIES); i++) {
        uint8_t bytes[32];
        sotto_buf out = sotto_buf_of(bytes, sizeof bytes);
        assert_int_equal(sotto_buf_put(&out, BODIES[i].bytes, BODIES[i].len), SOTTO_OK);
        assert_int_equal(sotto_put_u32(&out, sotto_crc32(0, sotto_buf_span(&out))), SOTTO_OK);
        sotto_diag diag = {0};
        sotto_status status = sotto_profile_unpack(&f.profile, sotto_buf_span(&out), NULL, &diag);
        if (sotto_status_cause(status) != (int)BODIES[i].cause)
            fail_msg("body %zu: %s", i, sotto_status_cause_text(status));
        assert_true(diag.has_offset);
    }
}

static void test_another_release(void **state)
{
    (void)state;
    static const char NEWER[] =
        "{\"version\":1,\"tags\":["
        "{\"number\":7,\"id\":\"balance\",\"kind\":\"amount\",\"purpose\":[\"service\"],\"decimals\":3},"
        "{\"number\":1,\"id\":\"age\",\"kind\":\"text\",\"purpose\":[\"service\"]},"
        "{\"number\":300,\"id\":\"segment\",\"kind\":\"choice\",\"purpose\":[\"service\"],\"choices\":[\"x\"]"
        "},"
        "{\"number\":4,\"id\":\"joined\",\"kind\":\"date\",\"purpose\":[\"service\"]}]}";
    fixture f;
    fixture_open(&f);
    fill(&f);
    uint8_t bytes[256], memory[4096];
    sotto_span packed = pack(&f, bytes, sizeof bytes);
    sotto_arena arena;
    sotto_arena_init(&arena, memory, sizeof memory);
    sotto_dictionary *d;
    sotto_profile p;
    assert_int_equal(sotto_dictionary_load(&d, sotto_span_str(NEWER), "n", &arena, NULL), SOTTO_OK);
    assert_int_equal(sotto_profile_init(&p, d, &arena), SOTTO_OK);
    size_t unknown;
    assert_int_equal(sotto_profile_unpack(&p, packed, &unknown, NULL), SOTTO_OK);
    /* gone: consent, nickname, visits; of another kind: age; code no longer there: segment */
    assert_int_equal(unknown, 5);
    assert_int_equal(p.values[0].num, 1234560);
    assert_false(p.values[1].present);
    assert_false(p.values[2].present);
    assert_true(p.values[3].present);
}

static void test_pack_is_all_or_nothing(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fill(&f);
    uint8_t bytes[256], whole[256];
    size_t need = pack(&f, whole, sizeof whole).len;
    for (size_t cap = 0; cap < need; cap++) {
        sotto_buf out = sotto_buf_of(bytes, cap);
        assert_int_equal(sotto_status_cause(sotto_profile_pack(&f.profile, &out)), SOTTO_CAUSE_NO_SPACE);
        assert_int_equal(out.len, 0);
    }
    sotto_buf out = sotto_buf_of(bytes, need);
    assert_int_equal(sotto_profile_pack(&f.profile, &out), SOTTO_OK);
}

static void test_read_obeys_purpose_and_time(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f);
    fill(&f);
    sotto_tag_value v;
    size_t age = tag_index(&f, "age"), consent = tag_index(&f, "consent"), nick = tag_index(&f, "nickname");
    assert_true(sotto_profile_read(&f.profile, age, SOTTO_PURPOSE_MARKETING, TODAY, &v));
    assert_int_equal(v.num, 41);
    assert_false(sotto_profile_read(&f.profile, age, SOTTO_PURPOSE_SERVICE, TODAY, &v));
    assert_false(v.present);
    assert_int_equal(v.num, 0);
    assert_false(
        sotto_profile_read(&f.profile, age, SOTTO_PURPOSE_SERVICE | SOTTO_PURPOSE_MARKETING, TODAY, &v));
    assert_false(sotto_profile_read(&f.profile, consent, SOTTO_PURPOSE_MARKETING, TODAY, &v));
    assert_true(sotto_profile_read(&f.profile, nick, SOTTO_PURPOSE_SERVICE, TODAY + 9, &v));
    assert_false(sotto_profile_read(&f.profile, nick, SOTTO_PURPOSE_SERVICE, TODAY + 10, &v));
    assert_true(sotto_profile_read(&f.profile, nick, SOTTO_PURPOSE_SERVICE, TODAY - 100, &v));
    sotto_profile_clear(&f.profile);
    assert_false(sotto_profile_read(&f.profile, age, SOTTO_PURPOSE_MARKETING, TODAY, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_the_document),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flip_and_cut_is_refused),
        cmocka_unit_test(test_hostile_bodies),
        cmocka_unit_test(test_another_release),
        cmocka_unit_test(test_pack_is_all_or_nothing),
        cmocka_unit_test(test_read_obeys_purpose_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
