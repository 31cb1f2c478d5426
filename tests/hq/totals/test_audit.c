/* An exported audit: every byte that is changed or cut is refused, and the refusal says where. */
#include "../hq_test.h"
#include "totals/audit.h"

enum { STATEMENT_MAX = 16384 };
static terminal *kiosk;
static char file[STATEMENT_MAX];

static int setup(void **state)
{
    if (test_setup(state) != 0)
        return 1;
    kiosk = terminal_new("kiosk-1", 7);
    return 0;
}

static int teardown(void **state)
{
    terminal_free(kiosk);
    return test_teardown(state);
}

static void add(const char *text)
{
    assert_true(strlen(file) + strlen(text) < sizeof file);
    strcat(file, text);
}

static void add_hex(const uint8_t *bytes, size_t len)
{
    static char hex[2 * SOTTO_REPORT_MAX + 1];
    sotto_hex_encode(sotto_span_of(bytes, len), hex, sizeof hex);
    add(hex);
}

/* What kiosk sealed last, as the statement tells it; `epsilon` is what is said of it. */
static void add_report(unsigned epsilon)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    char text[512];
    ok(sotto_sha256(sotto_span_of(kiosk->sealed, kiosk->sealed_len), hash), NULL);
    snprintf(
        text, sizeof text,
        "{\"seq\":%llu,\"sealed_at\":\"2026-11-21T02:00:00Z\",\"acknowledged_at\":null,\"damaged\":false,"
        "\"bytes\":%zu,\"sha256\":\"",
        (unsigned long long)kiosk->seq, kiosk->sealed_len);
    add(text);
    add_hex(hash, sizeof hash);
    snprintf(
        text, sizeof text,
        "\",\"what\":{\"task\":\"offers\",\"id\":1,\"day\":%d,\"days\":1,\"epsilon_ueps\":%u,\"bound\":4,"
        "\"cells\":%zu,\"behind\":12,\"left_out\":0},\"sealed\":\"",
        (int)kiosk->report.period_day, epsilon, kiosk->report.cell_count);
    add(text);
    add_hex(kiosk->sealed, kiosk->sealed_len);
    add("\"}");
}

static void begin(void)
{
    strcpy(file, "{\"format\":\"sotto-audit\",\"version\":1,\"device\":\"kiosk-1\",\"report_key\":\"");
    add_hex(kiosk->report_key, sizeof kiosk->report_key);
    add("\",\"made_at\":\"2026-11-22T02:00:00Z\",\"reports\":[");
}

static void sign(void)
{
    uint8_t signature[SOTTO_SIGNATURE_BYTES];
    ok(sotto_vault_report_sign(kiosk->vault, sotto_span_str(file), signature), NULL);
    add("\n{\"signature\":\"");
    add_hex(signature, sizeof signature);
    add("\"}\n");
}

static void make(size_t reports)
{
    begin();
    kiosk->seq = 0;
    memset(kiosk->previous, 0, sizeof kiosk->previous);
    for (size_t i = 0; i < reports; i++) {
        if (kiosk->seq == 0)
            terminal_seal(kiosk, 1);
        else
            terminal_next(kiosk);
        if (i > 0)
            add(",");
        add_report(500000);
    }
    add("]}");
    sign();
}

static sotto_status judge(const char *text, size_t len, sotto_diag *diag)
{
    hq_audit a = {.path = "audit.json"};
    *diag = (sotto_diag){0};
    return hq_audit_judge(&a, sotto_span_of(text, len), NULL, diag);
}

static void refused(size_t len, size_t at_byte)
{
    sotto_diag diag;
    if (judge(file, len, &diag) == SOTTO_OK)
        fail_msg("byte %zu of %zu was changed or cut, and the audit is good", at_byte, len);
    if (diag.line == 0 || diag.text[0] == '\0' || strstr(diag.where, "audit.json") == NULL)
        fail_msg("byte %zu: refused without a place: %s", at_byte, diag.text);
}

static void refused_with(const char *words)
{
    sotto_diag diag;
    assert_int_not_equal(judge(file, strlen(file), &diag), SOTTO_OK);
    if (strstr(diag.text, words) == NULL)
        fail_msg("said \"%s\", not \"%s\"", diag.text, words);
}

static void what_was_exported_is_good(void **state)
{
    (void)state;
    sotto_diag diag = {0};
    hq_audit a = {.path = "audit.json"};
    make(3);
    ok(hq_audit_judge(&a, sotto_span_str(file), NULL, &diag), &diag);
    assert_int_equal(a.reports, 3);
    assert_int_equal(a.waiting, 3);
    assert_string_equal(a.device, "kiosk-1");
    assert_false(a.key_known);
}

static size_t step(void)
{
    return getenv("SOTTO_EMULATED") != NULL ? 37 : 1;
}

static void every_byte_counts(void **state)
{
    (void)state;
    make(1);
    const size_t len = strlen(file);
    for (size_t i = 0; i < len; i += step()) {
        file[i] ^= 1;
        refused(len, i);
        file[i] ^= 1;
    }
    for (size_t i = len - 145; i < len; i++) { /* the signature's line: case, blanks, newline */
        file[i] ^= 0x20;
        refused(len, i);
        file[i] ^= 0x20;
    }
}

static void every_cut_is_seen(void **state)
{
    (void)state;
    make(1);
    const size_t len = strlen(file);
    for (size_t cut = 0; cut < len; cut += step())
        refused(cut, cut);
    add(" ");
    refused(len + 1, len);
}

/* A signature says that something changed; what is said besides is what and where. */
static void the_place_is_named(void **state)
{
    (void)state;
    make(2);
    char *second = strstr(strstr(file, "\"sealed\":") + 9, "\"sealed\":") + 40;
    *second = *second == '0' ? '1' : '0';
    refused_with("report 2 has other bytes than its hash says");
    make(2);
    *strstr(file, "\"behind\":12") = ' ';
    refused_with("not JSON at byte");
    make(1);
    memcpy(strstr(file, "\"behind\":12"), "\"behind\":99", 11);
    refused_with("each report in it holds, so something beside them was changed");
    make(1);
    memcpy(strstr(file, "\"bound\":4"), "\"bound\":9", 9);
    refused_with("says something else than the statement says of it");
}

static void another_layout_is_told(void **state)
{
    (void)state;
    strcpy(file, "{\n  \"format\": \"sotto-audit\",\n  \"version\": 1\n}\n");
    refused_with("must not be formatted anew");
    strcpy(file, "{\"format\":\"sotto-audit\",\"version\":1}");
    refused_with("ends in its first line");
    strcpy(file, "");
    refused_with("is empty");
}

/* Signed by the terminal, and still not true: a verifier believes the reports, not the words. */
static void signed_lies_are_seen(void **state)
{
    (void)state;
    begin();
    terminal_seal(kiosk, 1);
    add_report(250000);
    add("]}");
    sign();
    refused_with("says something else");
    begin();
    terminal_next(kiosk);
    add_report(500000);
    add("]}");
    sign();
    refused_with("out of sequence");
    begin();
    terminal_seal(kiosk, 1);
    add_report(500000);
    add(",");
    memset(kiosk->previous, 9, sizeof kiosk->previous);
    terminal_seal(kiosk, 2);
    add_report(500000);
    add("]}");
    sign();
    refused_with("does not follow from the one before");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest TESTS[] = {
        TEST(what_was_exported_is_good), TEST(every_byte_counts),      TEST(every_cut_is_seen),
        TEST(the_place_is_named),        TEST(another_layout_is_told), TEST(signed_lies_are_seen),
    };
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
