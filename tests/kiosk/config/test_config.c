/* The configuration file: every member, and every way it can be wrong, with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../temp.h"

#define FOLDERS                                                                                              \
    "\"version\":1,\"vault\":\"/v\",\"store\":\"/s\",\"release\":\"/r\",\"sync\":\"/y\",\"run\":\"/n\""

static sotto_status load(const char *text, kiosk_config *config, sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    temp_path("sotto.json", path);
    assert_int_equal(sotto_port_write_file(path, sotto_span_str(text), 0600, NULL), SOTTO_OK);
    *diag = (sotto_diag){0};
    return kiosk_config_load(config, path, diag);
}

static void reads_every_member(void **state)
{
    (void)state;
    kiosk_config c;
    sotto_diag diag;
    const char *text =
        "{" FOLDERS ",\"head_office\":{\"url\":\"https://a:1\",\"enrol_url\":\"https://a:2\","
        "\"authority\":\"/ca\",\"root\":\"/root\",\"proxy\":\"http://p:3128\",\"proxy_credentials\":\"/"
        "pc\"},\"channel\":\"atm\",\"cache_kib\":512,"
        "\"customer_column\":\"no\",\"utc_offset_min\":-90,\"clock_offset_s\":3600,\"require_walls\":false,"
        "\"night\":{\"max_bytes_per_s\":65536}}";
    assert_int_equal(load(text, &c, &diag), SOTTO_OK);
    assert_string_equal(c.vault_dir, "/v");
    assert_string_equal(c.store_dir, "/s");
    assert_string_equal(c.release_dir, "/r");
    assert_string_equal(c.sync_dir, "/y");
    assert_string_equal(c.run_dir, "/n");
    assert_string_equal(c.url, "https://a:1");
    assert_string_equal(c.enrol_url, "https://a:2");
    assert_string_equal(c.proxy, "http://p:3128");
    assert_string_equal(c.proxy_credentials, "/pc");
    assert_string_equal(c.channel, "atm");
    assert_string_equal(c.customer_column, "no");
    assert_int_equal(c.cache_kib, 512);
    assert_int_equal(c.utc_offset_min, -90);
    assert_int_equal(c.clock_offset_s, 3600);
    assert_int_equal(c.max_bytes_per_s, 65536);
    assert_false(c.require_walls);
}

static void has_safe_defaults(void **state)
{
    (void)state;
    kiosk_config c;
    sotto_diag diag;
    assert_int_equal(load("{" FOLDERS "}", &c, &diag), SOTTO_OK);
    assert_true(c.require_walls);
    assert_int_equal(c.clock_offset_s, 0);
    assert_int_equal(c.max_bytes_per_s, 0);
    assert_string_equal(c.url, "");
    assert_string_equal(c.customer_column, "customer");
}

static void says_where_it_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t line;
        const char *place;
    } bad[] = {
        {"{\n\"version\":1,\n\"vault\":7}", 3, "vault"},
        {"{" FOLDERS ",\n\"vualt\":\"/x\"}", 2, "vualt"},
        {"{" FOLDERS ",\n\"utc_offset_min\":9999}", 2, "utc_offset_min"},
        {"{" FOLDERS ",\n\"cache_kib\":\"big\"}", 2, "cache_kib"},
        {"{" FOLDERS ",\n\"require_walls\":1}", 2, "require_walls"},
        {"{" FOLDERS ",\n\"channel\":\"\"}", 2, "channel"},
        {"{" FOLDERS ",\n\"night\":{\"max_bytes_per_s\":100}}", 2, "max_bytes_per_s"},
        {"{" FOLDERS ",\n\"head_office\":{\"url\":\"https://a\"}}", 2, "head_office"},
        {"{" FOLDERS ",\n\"head_office\":\n[]}", 3, "head_office"},
    };
    for (size_t i = 0; i < SOTTO_COUNT(bad); i++) {
        kiosk_config c;
        sotto_diag diag;
        assert_int_not_equal(load(bad[i].text, &c, &diag), SOTTO_OK);
        assert_int_equal(diag.line, bad[i].line);
        assert_non_null(strstr(diag.where, bad[i].place));
        assert_int_equal(sotto_status_exit_code(diag.status), 3);
    }
}

static void refuses_any_truncation(void **state)
{
    (void)state;
    const char *text = "{" FOLDERS ",\"channel\":\"atm\"}";
    for (size_t len = 0; len < strlen(text); len++) {
        char cut[512];
        kiosk_config c;
        sotto_diag diag;
        snprintf(cut, sizeof cut, "%.*s", (int)len, text);
        assert_int_not_equal(load(cut, &c, &diag), SOTTO_OK);
        assert_true(diag.text[0] != '\0');
    }
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    kiosk_config c;
    sotto_diag diag = {0};
    char path[KIOSK_PATH_MAX];
    temp_path("nowhere.json", path);
    sotto_status status = kiosk_config_load(&c, path, &diag);
    assert_int_equal(sotto_status_cause(status), SOTTO_CAUSE_NOT_FOUND);
    assert_non_null(strstr(diag.where, "nowhere.json"));
}

static void a_long_path_is_refused(void **state)
{
    (void)state;
    char dir[KIOSK_PATH_MAX], out[KIOSK_PATH_MAX];
    memset(dir, 'a', sizeof dir - 1);
    dir[sizeof dir - 1] = '\0';
    assert_int_equal(sotto_status_cause(kiosk_path(dir, "x", out, NULL)), SOTTO_CAUSE_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_member),          cmocka_unit_test(has_safe_defaults),
        cmocka_unit_test(says_where_it_is_wrong),      cmocka_unit_test(refuses_any_truncation),
        cmocka_unit_test(a_missing_file_is_not_found), cmocka_unit_test(a_long_path_is_refused),
    };
    temp_make();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    temp_remove();
    return failed;
}
