/* Reports: what is kept, what every kind of bad one gets; doors and paths. */
#include "collector_kit.h"
#include "totals/totals.h"

/* ---- reports ---- */

static void accepted_and_repeated(void **state)
{
    (void)state;
    sotto_reply reply;
    sotto_json *doc;
    sotto_span hex;
    bool repeated = true;
    uint8_t digest[SOTTO_SHA256_BYTES];
    char expected[2 * SOTTO_SHA256_BYTES + 1];
    terminal_seal(one, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&collector, HQ_LISTENER_DEVICES, one, "PUT", "/v1/reports/1",
                             sotto_span_of(one->sealed, one->sealed_len), &reply),
                         200);
        assert_int_equal(sotto_json_parse(&doc, sotto_vec_span(&reply.body), "receipt", NULL), SOTTO_OK);
        assert_int_equal(sotto_json_get_bool(sotto_json_root(doc), "repeated", &repeated, NULL), SOTTO_OK);
        assert_int_equal(repeated, i == 1);
        assert_int_equal(sotto_json_get_str(sotto_json_root(doc), "sha256", &hex, NULL), SOTTO_OK);
        assert_int_equal(sotto_sha256(sotto_span_of(one->sealed, one->sealed_len), digest), SOTTO_OK);
        sotto_hex_encode(sotto_span_of(digest, sizeof digest), expected, sizeof expected);
        assert_true(sotto_span_is(hex, expected));
        sotto_json_free(doc);
        sotto_vec_free(&reply.body);
        assert_int_equal(reports_of("atm-1"), 1);
    }
}

static void other_bytes_conflict(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    one->cells[3] = 17;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 409);
    assert_int_equal(reports_of("atm-1"), 1);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CONFLICT), 1);
}

static void wrong_key(void **state)
{
    (void)state;
    terminal *stranger = terminal_new("atm-1", 3);
    terminal_seal(stranger, 1);
    assert_int_equal(send_bytes(&collector, one, 1, sotto_span_of(stranger->sealed, stranger->sealed_len)),
                     400);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_NOT_GENUINE), 1);
    terminal_free(stranger);
}

/* Signed by this terminal's key, but in another one's name. */
static void wrong_device(void **state)
{
    (void)state;
    memcpy(one->report.device, "atm-2", 6);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 403);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(reports_of("atm-2"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_OTHER_DEVICE), 1);
}

static void number_in_path(void **state)
{
    (void)state;
    terminal_seal(one, 2);
    sotto_span bytes = sotto_span_of(one->sealed, one->sealed_len);
    assert_int_equal(send_bytes(&collector, one, 1, bytes), 400);
    static const char *const targets[] = {"/v1/reports/",
                                          "/v1/reports/0",
                                          "/v1/reports/-1",
                                          "/v1/reports/2x",
                                          "/v1/reports/99999999999999999999",
                                          "/v1/reports/4503599627370497"};
    for (size_t i = 0; i < SOTTO_COUNT(targets); i++)
        assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "PUT", targets[i], bytes), 404);
    assert_int_equal(reports_of("atm-1"), 0);
}

static void gap_heals(void **state)
{
    (void)state;
    uint8_t second[SOTTO_REPORT_MAX];
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one);
    size_t second_len = one->sealed_len;
    memcpy(second, one->sealed, second_len);
    terminal_next(one);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 1);
    assert_int_equal(send_bytes(&collector, one, 2, sotto_span_of(second, second_len)), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_GAP), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 0);
    assert_int_equal(reports_of("atm-1"), 3);
}

static void broken_chain_is_kept(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    terminal_next(one);
    one->previous[5] ^= 1;
    terminal_seal(one, 2);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 2);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 1);
    /* The first report of a chain follows nothing. */
    two->previous[0] = 1;
    terminal_seal(two, 1);
    assert_int_equal(send_report(&collector, two), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-2", HQ_ALARM_BROKEN_CHAIN), 1);
}

/* A late report whose successor followed something else. */
static void broken_chain_is_seen_backwards(void **state)
{
    (void)state;
    one->previous[0] = 9;
    terminal_seal(one, 2);
    one->report.period_day++;
    assert_int_equal(send_report(&collector, one), 200);
    memset(one->previous, 0, sizeof one->previous);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_BROKEN_CHAIN), 1);
}

static void period_counts_once(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    ok(sotto_sha256(sotto_span_of(one->sealed, one->sealed_len), one->previous), NULL);
    terminal_seal(one, 2); /* of the same period */
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(reports_of("atm-1"), 2);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_PERIOD_REPEATED), 1);
    const hq_totals_request request = {
        .first_day = INT32_MIN, .last_day = INT32_MAX, .confidence_ppm = 950000};
    hq_totals totals;
    ok(hq_totals_make(&totals, collector.registry, 1, &request, NULL), NULL);
    assert_int_equal(totals.sums.reports, 1);
    hq_totals_free(&totals);
}

static void refused_with(void (*change)(sotto_report *), enum hq_alarm alarm)
{
    sotto_report keep = one->report;
    uint64_t before = alarm_count(collector.registry, "atm-1", alarm);
    change(&one->report);
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 400);
    assert_int_equal(alarm_count(collector.registry, "atm-1", alarm), before + 1);
    assert_int_equal(reports_of("atm-1"), 0);
    one->report = keep;
}

static void other_release(sotto_report *r)
{
    r->release_version = 2;
}
static void largest_release(sotto_report *r)
{
    r->release_version = UINT64_MAX;
}
static void other_task(sotto_report *r)
{
    r->task_id = 2;
}
static void other_epsilon(sotto_report *r)
{
    r->epsilon_ueps = 600000;
}
static void other_bound(sotto_report *r)
{
    r->bound = 5;
}
static void other_period(sotto_report *r)
{
    r->period_days = 2;
}
static void fewer_cells(sotto_report *r)
{
    r->cell_count--;
}

static void only_what_was_asked(void **state)
{
    (void)state;
    refused_with(other_release, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(largest_release, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_task, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_epsilon, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_bound, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(other_period, HQ_ALARM_UNKNOWN_RELEASE);
    refused_with(fewer_cells, HQ_ALARM_UNKNOWN_RELEASE);
}

static void clock_ahead_is_kept(void **state)
{
    (void)state;
    one->report.period_day = (int32_t)(hq_now() / HQ_DAY_S) + 400;
    terminal_seal(one, 1);
    assert_int_equal(send_report(&collector, one), 200);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_CLOCK_AHEAD), 1);
}

static void truncated_at_each_byte(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    for (size_t len = 0; len < one->sealed_len; len++)
        assert_int_equal(send_bytes(&collector, one, 1, sotto_span_of(one->sealed, len)), 400);
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(alarm_count(collector.registry, "atm-1", HQ_ALARM_NOT_GENUINE), one->sealed_len);
    assert_int_equal(send_report(&collector, one), 200);
}

static void flipped_in_each_byte(void **state)
{
    (void)state;
    terminal_seal(one, 1);
    for (size_t i = 0; i < one->sealed_len; i++) {
        one->sealed[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(send_report(&collector, one), 400);
        one->sealed[i] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(reports_of("atm-1"), 0);
    assert_int_equal(send_report(&collector, one), 200);
}

/* ---- doors and paths ---- */

static void paths_below_the_repository(void **state)
{
    (void)state;
    static const char *const good[] = {"timestamp.json", "1.root.json", "12.targets.json",
                                       "targets/ab.model.sotto"};
    static const char *const bad[] = {"",
                                      ".json",
                                      "..",
                                      "../registry.db",
                                      "../keys/root.key",
                                      "targets/../../keys/root.key",
                                      "targets/",
                                      "targets/.hidden",
                                      "targets/a/b",
                                      "/etc/passwd",
                                      "%2e%2e/registry.db",
                                      "1.root.json?x=1",
                                      "a b.json",
                                      "timestamp.json.new"};
    for (size_t i = 0; i < SOTTO_COUNT(good); i++)
        assert_true(hq_collect_path_valid(sotto_span_str(good[i])));
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++)
        assert_false(hq_collect_path_valid(sotto_span_str(bad[i])));
    assert_false(hq_collect_path_valid(sotto_span_of("a\0.json", 7)));
}

static void release_files(void **state)
{
    (void)state;
    sotto_reply reply;
    sotto_span none = {0};
    assert_int_equal(
        ask(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/1.root.json", none, &reply), 200);
    assert_string_equal(reply.content_type, "application/json");
    sotto_vec file;
    sotto_vec_init(&file, 1 << 20);
    ok(sotto_port_read_file(at("office/repo/1.root.json"), &file, NULL), NULL);
    assert_true(sotto_span_equal(sotto_vec_span(&file), sotto_vec_span(&reply.body)));
    sotto_vec_free(&file);
    sotto_vec_free(&reply.body);
    /* Absent: a plain 404 that does not tell where it was looked for. */
    assert_int_equal(
        ask(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/9.root.json", none, &reply), 404);
    assert_null(memmem(reply.body.ptr, reply.body.len, "/tmp", 4));
    sotto_vec_free(&reply.body);
    assert_int_equal(
        ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", "/v1/release/../registry.db", none), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "PUT", "/v1/release/x.json", none), 404);
}

/* Each door answers for itself alone. */
static void doors(void **state)
{
    (void)state;
    sotto_span none = {0};
    terminal_seal(one, 1);
    sotto_span report = sotto_span_of(one->sealed, one->sealed_len);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_ENROL, one, "PUT", "/v1/reports/1", report), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_ENROL, one, "GET", "/v1/release/timestamp.json", none),
                     404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "POST", "/v1/enrol", none), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_DEVICES, one, "GET", "/healthz", none), 404);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_HEALTH, NULL, "GET", "/healthz", none), 200);
    assert_int_equal(ask_code(&collector, HQ_LISTENER_HEALTH, one, "GET", "/v1/release/timestamp.json", none),
                     404);
    assert_int_equal(reports_of("atm-1"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(accepted_and_repeated),
        T(other_bytes_conflict),
        T(wrong_key),
        T(wrong_device),
        T(number_in_path),
        T(gap_heals),
        T(broken_chain_is_kept),
        T(broken_chain_is_seen_backwards),
        T(period_counts_once),
        T(only_what_was_asked),
        T(clock_ahead_is_kept),
        T(truncated_at_each_byte),
        T(flipped_in_each_byte),
        T(release_files),
        T(doors),
        cmocka_unit_test(paths_below_the_repository),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
