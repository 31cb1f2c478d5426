/* No floating point anywhere in the room: a rounded sampler tells neighbouring data sets apart. */
#include "sotto/base.h"

#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* True when `word` stands in text as a token of its own. */
static bool has_token(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += len) {
        bool before = at > text && (isalnum((unsigned char)at[-1]) || at[-1] == '_');
        bool after = isalnum((unsigned char)at[len]) || at[len] == '_';
        if (!before && !after)
            return true;
    }
    return false;
}

static void check_file(const char *folder, const char *name)
{
    static const char *const WORDS[] = {"float", "double", "math.h", "long double"};
    static char text[1 << 16];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    assert_true(len > 0 && len < sizeof text - 1);
    text[len] = '\0';
    fclose(file);
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++)
        if (has_token(text, WORDS[i]))
            fail_msg("%s: %s", name, WORDS[i]);
}

static void sources_hold_no_floating_point(void **state)
{
    (void)state;
    const char *folder = SOTTO_SOURCE_DIR "/src/privacy";
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    unsigned files = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 2 && entry->d_name[len - 2] == '.' && strchr("ch", entry->d_name[len - 1]) != NULL) {
            check_file(folder, entry->d_name);
            files++;
        }
    }
    closedir(dir);
    assert_true(files >= 8);
}

static void tokens_are_found(void **state)
{
    (void)state;
    assert_true(has_token("x = (double)y;", "double"));
    assert_true(has_token("double", "double"));
    assert_false(has_token("doubled undouble double_it", "double"));
}

int main(void)
{
    static const struct CMUnitTest TESTS[] = {cmocka_unit_test(sources_hold_no_floating_point),
                                              cmocka_unit_test(tokens_are_found)};
    return cmocka_run_group_tests(TESTS, NULL, NULL);
}
