/* What training left in a model about itself, and what the command line says instead. */
#include "learn/learn.h"

#include <string.h>

void learn_provenance(const sotto_model *m, const char *name, char *out, size_t cap)
{
    sotto_span all = sotto_model_provenance(m);
    size_t len = strlen(name), at = 0;
    out[0] = '\0';
    while (at < all.len) {
        const uint8_t *end = memchr(all.ptr + at, '\n', all.len - at);
        size_t stop = end == NULL ? all.len : (size_t)(end - all.ptr);
        if (stop - at > len && memcmp(all.ptr + at, name, len) == 0 && all.ptr[at + len] == '=') {
            sotto_span value = sotto_span_of(all.ptr + at + len + 1, stop - at - len - 1);
            if (sotto_span_to_str(value, out, cap) != SOTTO_OK)
                out[0] = '\0';
            return;
        }
        at = stop + 1;
    }
}

void learn_choose(const char *given, const sotto_model *m, const char *name, char out[static 256])
{
    if (given != NULL)
        (void)snprintf(out, 256, "%s", given);
    else
        learn_provenance(m, name, out, 256);
}

int64_t learn_choose_number(int64_t given, const sotto_model *m, const char *name, int64_t otherwise)
{
    char text[256];
    int64_t number = 0;
    if (given >= 0)
        return given;
    learn_provenance(m, name, text, sizeof text);
    return sotto_parse_i64(sotto_span_str(text), &number) == SOTTO_OK ? number : otherwise;
}

const char *learn_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}
