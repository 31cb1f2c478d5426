/* Says what the loader says of files: for each line "catalogue PATH" or "policy PATH" on standard input one
 * line "loads", or "refused LINE WORDS". The other file and the dictionary are those of the folder given. */
#include "decide_test.h"

#include <stdio.h>

enum { FILE_MAX = 1 << 18 };
static uint8_t memory[8 << 20];
static char other[3][FILE_MAX], asked[FILE_MAX];

static sotto_span read_file(const char *path, char *text)
{
    FILE *file = fopen(path, "rb");
    size_t len = file == NULL ? 0 : fread(text, 1, FILE_MAX, file);
    if (file == NULL || len == 0 || len == FILE_MAX || fclose(file) != 0) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    return sotto_span_of(text, len);
}

static void judge(const char *kind, const char *path, const sotto_span part[3])
{
    sotto_arena arena;
    sotto_dictionary *dictionary;
    const sotto_plan *plan;
    sotto_diag diag = {0};
    sotto_arena_init(&arena, memory, sizeof memory);
    if (sotto_dictionary_load(&dictionary, part[0], "dictionary.json", &arena, &diag) != SOTTO_OK)
        exit(2);
    bool policy = strcmp(kind, "policy") == 0;
    sotto_span text = read_file(path, asked);
    const sotto_plan_sources sources = {.dictionary = dictionary,
                                        .catalogue = policy ? part[1] : text,
                                        .policy = policy ? text : part[2],
                                        .catalogue_name = "catalogue.json",
                                        .policy_name = "policy.json"};
    if (sotto_plan_load(&plan, &sources, &arena, &diag) == SOTTO_OK)
        puts("loads");
    else
        printf("refused %llu %s: %s\n", (unsigned long long)diag.line, diag.where, diag.text);
}

int main(int argc, char **argv)
{
    static const char *const NAMES[] = {"dictionary.json", "catalogue.json", "policy.json"};
    char path[1024], kind[16];
    sotto_span part[3];
    if (argc != 2)
        return 2;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], NAMES[i]);
        part[i] = read_file(path, other[i]);
    }
    while (scanf("%15s %1023s", kind, path) == 2)
        judge(kind, path, part);
    return 0;
}
