/* src/fixed must work on a core without floating point: no such type is named in its code. (The compiler's
 * own flag against it is set in src/fixed/CMakeLists.txt where there is one; where a core has none, a stray
 * operation would quietly become a library call.) */
#include "fixed_test.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

static bool is_word(int c)
{
    return isalnum(c) || c == '_';
}

/* Passes a comment that begins at the character just read, if one does. */
static void pass_comment(FILE *file, int c)
{
    int next = c == '/' ? getc(file) : EOF;
    if (next != '*') {
        if (c == '/' && next != EOF)
            (void)ungetc(next, file);
        return;
    }
    for (int before = 0; (next = getc(file)) != EOF && !(before == '*' && next == '/');)
        before = next;
}

static unsigned count_words(FILE *file, const char *const *words, size_t n)
{
    char word[64];
    size_t len = 0;
    unsigned found = 0;
    for (int c = getc(file);; c = getc(file)) {
        if (c != EOF && is_word(c) && len + 1 < sizeof word) {
            word[len++] = (char)c;
            continue;
        }
        word[len] = '\0';
        for (size_t i = 0; i < n; i++)
            found += len > 0 && strcmp(word, words[i]) == 0;
        len = 0;
        if (c == EOF)
            return found;
        pass_comment(file, c);
    }
}

static unsigned count_in(const char *name, const char *const *words, size_t n)
{
    char path[512];
    (void)snprintf(path, sizeof path, SOTTO_SOURCE_DIR "/src/fixed/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned found = count_words(file, words, n);
    assert_int_equal(fclose(file), 0);
    return found;
}

static void no_such_type_is_named(void **state)
{
    (void)state;
    static const char *const FORBIDDEN[] = {"float", "double", "_Complex", "math"};
    static const char *const EXPECTED[] = {"uint64_t"}; /* proves that words are found at all */
    DIR *dir = opendir(SOTTO_SOURCE_DIR "/src/fixed");
    unsigned sources = 0, expected = 0;
    if (dir == NULL) {
        print_message("skipped: the sources are not on this machine\n");
        skip();
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len < 3 ||
            (strcmp(entry->d_name + len - 2, ".c") != 0 && strcmp(entry->d_name + len - 2, ".h") != 0))
            continue;
        sources++;
        expected += count_in(entry->d_name, EXPECTED, SOTTO_COUNT(EXPECTED));
        if (count_in(entry->d_name, FORBIDDEN, SOTTO_COUNT(FORBIDDEN)) != 0)
            fail_msg("src/fixed/%s names a floating-point type", entry->d_name);
    }
    assert_int_equal(closedir(dir), 0);
    assert_true(sources >= 6 && expected > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_such_type_is_named)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
