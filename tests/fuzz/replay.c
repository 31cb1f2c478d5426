/* Runs a fuzz target without a fuzzer: over every seed of a folder, cut at every byte, and with its bytes
 * changed one by one. The input is always a block of exactly its size, so that AddressSanitizer sees a step
 * beyond it. Work is bounded for each seed; what a run leaves out of a long seed is spread over it, and the
 * same in every run.
 *
 * replay <folder of seeds, or files> ...      prints how many inputs were tried; status 77 (skipped) when
 * there is no seed. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#ifdef SOTTO_EMULATED
enum { RUNS_OF_A_SEED = 600, CUTS_OF_A_SEED = 128, SEED_MAX = 16 << 20 };
#else
enum { RUNS_OF_A_SEED = 8000, CUTS_OF_A_SEED = 2048, SEED_MAX = 16 << 20 };
#endif

static unsigned long inputs;

static void run(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL)
        exit(1);
    memcpy(copy, bytes, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
    inputs++;
}

static void run_cuts(const uint8_t *seed, size_t len)
{
    size_t step = len / CUTS_OF_A_SEED + 1;
    for (size_t cut = 0; cut < len; cut += step)
        run(seed, cut);
}

/* A short seed gets every value in every byte, a longer one every bit flipped, a long one a bit here and
 * there. */
static void run_changes(uint8_t *seed, size_t len)
{
    size_t values = len * 255 <= RUNS_OF_A_SEED ? 255 : len * 8 <= RUNS_OF_A_SEED ? 8 : 1;
    size_t step = len / RUNS_OF_A_SEED + 1;
    for (size_t i = 0; i < len; i += step)
        for (size_t v = 1; v <= values; v++) {
            uint8_t kept = seed[i];
            unsigned change = values == 255 ? (unsigned)v : 1u << ((values == 8 ? v : i) & 7);
            seed[i] = (uint8_t)(kept ^ change);
            run(seed, len);
            seed[i] = kept;
        }
}

static void run_seed(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *seed = malloc(SEED_MAX);
    if (file == NULL || seed == NULL) {
        perror(path);
        exit(1);
    }
    size_t len = fread(seed, 1, SEED_MAX, file);
    (void)fclose(file);
    run(seed, len);
    run_cuts(seed, len);
    run_changes(seed, len);
    free(seed);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void run_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < n; i++) {
        char name[4096];
        (void)snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        run_seed(name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (is_folder(argv[i]))
            run_folder(argv[i]);
        else
            run_seed(argv[i]);
    }
    printf("%lu inputs\n", inputs);
    return inputs > 0 ? 0 : 77;
}
