/* JSON when the heap gives nothing, at each of its requests in turn; and JSON with every byte cut off or
 * changed. */
#include "codec_test.h"

static unsigned requests, failing = 0; /* 0 = none fails */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static bool fails_now(void)
{
    return ++requests == failing;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return fails_now() ? NULL : __real_realloc(ptr, size);
}

/* Parses, reads every kind of value and makes the canonical form. */
static sotto_status use(sotto_span text, sotto_vec *canonical, sotto_diag *diag)
{
    sotto_json *doc;
    sotto_status status = sotto_json_parse(&doc, text, "t.json", diag);
    if (status != SOTTO_OK) {
        assert_null(doc);
        return status;
    }
    for (size_t i = 0; i < sotto_json_count(sotto_json_root(doc)); i++) {
        sotto_span s;
        int64_t v;
        bool b;
        sotto_json_node child = sotto_json_member_at(sotto_json_root(doc), i, &s);
        (void)!sotto_json_as_str(child, &s, diag);
        (void)!sotto_json_as_i64(child, -9, 9, &v, diag);
        (void)!sotto_json_as_bool(child, &b, diag);
        (void)!sotto_json_as_decimal(child, 2, &v, diag);
        (void)!sotto_json_as_array(child, 0, 2, diag);
    }
    status = sotto_json_canonical(sotto_json_root(doc), canonical, diag);
    sotto_json_free(doc);
    return status;
}

static sotto_vec large_text(void)
{
    sotto_vec text;
    sotto_vec_init(&text, 1 << 20);
    assert_int_equal(sotto_vec_printf(&text, "{\"a\":[1,{\"b\":\"c\"}]"), SOTTO_OK);
    for (unsigned i = 0; i < 100; i++) /* more names than the check keeps on the stack */
        assert_int_equal(sotto_vec_printf(&text, ",\"n%u\":{\"x\":%u,\"y\":[]}", i, i), SOTTO_OK);
    assert_int_equal(sotto_vec_printf(&text, "}"), SOTTO_OK);
    return text;
}

static void each_request_fails_once(void **state)
{
    (void)state;
    sotto_vec text = large_text(), out;
    sotto_status status = SOTTO_ERR(CODEC, NO_MEMORY);
    unsigned n = 0;
    while (status != SOTTO_OK) {
        sotto_diag diag = {0};
        sotto_vec_init(&out, 1 << 20);
        requests = 0;
        failing = ++n;
        status = use(sotto_vec_span(&text), &out, &diag);
        failing = 0;
        if (status != SOTTO_OK) {
            assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_NO_MEMORY);
            assert_int_equal(diag.status, status);
            assert_int_equal(out.len, 0);
        }
        sotto_vec_free(&out);
    }
    assert_true(n > 100); /* parse, names, one list for each object of the canonical form, growing output */
    sotto_vec_free(&text);
}

static const char GOOD[] =
    "{\"a\":[1,-2503,\"x\\u00e9\xc3\xa9\"],\n\"b\":{\"c\":null,\"d\":true},\"e\":\"\"}";

/* No proper beginning of an object is JSON, so each must be refused, with a place inside the text. */
static void cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof GOOD - 1; len++) {
        sotto_json *doc;
        sotto_diag diag = {0};
        uint8_t *copy = tight_copy(sotto_span_of(GOOD, len));
        assert_int_equal(sotto_json_parse(&doc, sotto_span_of(copy, len), "t", &diag),
                         SOTTO_ERR(CODEC, MALFORMED));
        assert_true(diag.offset <= len && diag.line >= 1 && diag.line <= 2);
        free(copy);
    }
}

static bool has_control(sotto_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20)
            return true;
    return false;
}

/* What is still taken has a canonical form that is its own canonical form, if it has one at all. */
static void every_byte_changed(void **state)
{
    (void)state;
    uint8_t *copy = tight_copy(sotto_span_of(GOOD, sizeof GOOD - 1));
    unsigned taken = 0;
    for (size_t i = 0; i < sizeof GOOD - 1; i++)
        for (unsigned c = 0; c < 256; c++) {
            sotto_vec once, twice;
            sotto_diag diag = {0};
            sotto_vec_init(&once, 1000);
            sotto_vec_init(&twice, 1000);
            copy[i] = (uint8_t)c;
            sotto_status status = use(sotto_span_of(copy, sizeof GOOD - 1), &once, &diag);
            copy[i] = (uint8_t)GOOD[i];
            /* The form leaves control characters as they are, which is why TUF compares it and never parses
             * it. */
            if (status == SOTTO_OK && !has_control(sotto_vec_span(&once))) {
                (void)!use(sotto_vec_span(&once), &twice, NULL);
                assert_true(sotto_span_equal(sotto_vec_span(&once), sotto_vec_span(&twice)));
            }
            taken += status == SOTTO_OK;
            assert_true(status == SOTTO_OK || diag.status == status);
            sotto_vec_free(&once);
            sotto_vec_free(&twice);
        }
    free(copy);
    assert_true(taken > 500); /* letters of a name or string, digits of a number */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_fails_once),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(every_byte_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
