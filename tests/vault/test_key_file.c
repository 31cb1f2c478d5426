#include "vault_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "vault_priv.h"

/* The root secret 00 01 ... 1f; the check line is the first 8 bytes of SHA-256("sotto key file v1" || root),
 * computed apart from this code. */
static const char GOLDEN[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
                             "check 9584499986f2b4f5\n";

static int start(void **state)
{
    (void)state;
    return sotto_vault_start(NULL) == SOTTO_OK ? 0 : -1;
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static void golden_file_reads_and_writes(void **state)
{
    (void)state;
    uint8_t root[SOTTO_KEY_BYTES];
    char again[SOTTO_KEY_FILE_BYTES + 1];
    assert_ok(sotto_vault_key_file_parse(sotto_span_str(GOLDEN), root, NULL));
    for (unsigned i = 0; i < sizeof root; i++)
        assert_int_equal(root[i], i);
    assert_ok(sotto_vault_key_file_format(root, again));
    assert_string_equal(again, GOLDEN);
}

static void every_change_is_refused(void **state)
{
    (void)state;
    char text[sizeof GOLDEN];
    uint8_t root[SOTTO_KEY_BYTES], zero[SOTTO_KEY_BYTES] = {0};
    for (size_t i = 0; i < sizeof GOLDEN - 1; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            sotto_diag diag = {0};
            memcpy(text, GOLDEN, sizeof text);
            text[i] = (char)(text[i] ^ (1 << bit));
            assert_cause(sotto_vault_key_file_parse(sotto_span_of(text, SOTTO_KEY_FILE_BYTES), root, &diag),
                         CORRUPT);
            assert_memory_equal(root, zero, sizeof root);
            assert_int_equal(diag.status, SOTTO_ERR(VAULT, CORRUPT));
        }
}

static void every_other_length_is_refused(void **state)
{
    (void)state;
    uint8_t root[SOTTO_KEY_BYTES];
    for (size_t len = 0; len < 2 * SOTTO_KEY_FILE_BYTES; len++) {
        char *text = calloc(1, len + 1);
        assert_non_null(text);
        memcpy(text, GOLDEN, len < sizeof GOLDEN ? len : sizeof GOLDEN);
        if (len != SOTTO_KEY_FILE_BYTES)
            assert_cause(sotto_vault_key_file_parse(sotto_span_of(text, len), root, NULL), CORRUPT);
        free(text);
    }
}

static void creates_once_and_loads(void **state)
{
    (void)state;
    test_place place = place_make();
    sotto_key_provider provider = sotto_key_provider_file(place.file);
    uint8_t root[SOTTO_KEY_BYTES], got[SOTTO_KEY_BYTES], first = 0;
    struct stat info;
    sotto_diag diag = {0};
    assert_string_equal(provider.name, "file");
    assert_cause(provider.load(provider.ctx, got, &diag), NOT_FOUND);
    assert_string_equal(diag.where, place.file);
    assert_ok(count_up(&first, root, sizeof root));
    assert_ok(provider.create(provider.ctx, root, NULL));
    assert_int_equal(stat(place.file, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, SOTTO_KEY_FILE_BYTES);
    assert_ok(provider.load(provider.ctx, got, NULL));
    assert_memory_equal(got, root, sizeof got);
    root[0] = 99;
    assert_cause(provider.create(provider.ctx, root, &diag), EXISTS);
    assert_ok(provider.load(provider.ctx, got, NULL));
    assert_int_equal(got[0], 0);
    place_remove(&place);
}

static void refuses_a_file_that_others_can_use(void **state)
{
    (void)state;
    static const mode_t OPEN_MODES[] = {0604, 0640, 0602, 0620, 0601, 0610, 0644, 0666, 0777};
    test_place place = place_make();
    sotto_key_provider provider = sotto_key_provider_file(place.file);
    uint8_t root[SOTTO_KEY_BYTES];
    for (size_t i = 0; i < SOTTO_COUNT(OPEN_MODES); i++) {
        sotto_diag diag = {0};
        put_file(place.file, GOLDEN, OPEN_MODES[i]);
        assert_cause(provider.load(provider.ctx, root, &diag), DENIED);
        assert_string_equal(diag.where, place.file);
    }
    put_file(place.file, GOLDEN, 0400);
    assert_ok(provider.load(provider.ctx, root, NULL));
    place_remove(&place);
}

static void a_damaged_file_says_so_and_tells_nothing(void **state)
{
    (void)state;
    test_place place = place_make();
    sotto_key_provider provider = sotto_key_provider_file(place.file);
    uint8_t root[SOTTO_KEY_BYTES];
    char long_text[4 * SOTTO_KEY_FILE_BYTES], shown[512];
    sotto_diag diag = {0};
    put_file(place.file, "", 0600);
    assert_cause(provider.load(provider.ctx, root, &diag), CORRUPT);
    assert_string_equal(diag.where, place.file);
    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    put_file(place.file, long_text, 0600);
    diag = (sotto_diag){0};
    assert_cause(provider.load(provider.ctx, root, &diag), CORRUPT);
    (void)sotto_diag_format(&diag, shown, sizeof shown);
    assert_non_null(strstr(shown, place.file));
    assert_null(strstr(shown, "aaaa"));
    place_remove(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_file_reads_and_writes),
        cmocka_unit_test(every_change_is_refused),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(creates_once_and_loads),
        cmocka_unit_test(refuses_a_file_that_others_can_use),
        cmocka_unit_test(a_damaged_file_says_so_and_tells_nothing),
    };
    return cmocka_run_group_tests_name("vault.key_file", tests, start, NULL);
}
