/* What sotto-hq model compile reads, and how it tells one from another when nobody said. */
#include "learn/learn.h"

#include <string.h>

static const learn_source_kind SOURCES[] = {
    {"xgboost", sotto_forge_xgboost, LEARN_SOURCE_XGBOOST},
    {"lightgbm", sotto_forge_lightgbm, LEARN_SOURCE_LIGHTGBM},
    {"onnx", sotto_forge_onnx, LEARN_SOURCE_ONNX},
    {"scorecard", sotto_forge_scorecard, LEARN_SOURCE_SCORECARD},
    {"kmeans", sotto_forge_kmeans, LEARN_SOURCE_KMEANS},
};

const learn_source_kind *learn_source_named(const char *name)
{
    for (size_t i = 0; i < SOTTO_COUNT(SOURCES); i++)
        if (strcmp(name, SOURCES[i].name) == 0)
            return &SOURCES[i];
    return NULL;
}

static bool starts(sotto_span file, const char *text)
{
    size_t len = strlen(text);
    return file.len >= len && memcmp(file.ptr, text, len) == 0;
}

static bool holds(sotto_span text, const char *word)
{
    return memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

static sotto_span first_line(sotto_span file)
{
    const uint8_t *end = memchr(file.ptr, '\n', file.len);
    return sotto_span_of(file.ptr, end == NULL ? file.len : (size_t)(end - file.ptr));
}

/* An ONNX file begins with its ir_version, field 1 of the message, a varint (onnx.proto3, ModelProto). */
static bool is_onnx(sotto_span file)
{
    return file.len > 2 && file.ptr[0] == 0x08 && file.ptr[1] < 0x20;
}

const learn_source_kind *learn_source_guess(sotto_span file)
{
    sotto_span header;
    if (starts(file, "\xef\xbb\xbf"))
        file = sotto_span_of(file.ptr + 3, file.len - 3);
    if (file.len == 0)
        return NULL;
    if (is_onnx(file))
        return learn_source_named("onnx");
    if (starts(file, "tree\n") || starts(file, "tree\r\n"))
        return learn_source_named("lightgbm");
    if (holds(file, "gradient_booster"))
        return learn_source_named("xgboost");
    if (holds(file, "\"sotto-scorecard-1\""))
        return learn_source_named("scorecard");
    if (holds(file, "\"sotto-kmeans-1\""))
        return learn_source_named("kmeans");
    header = first_line(file);
    if (holds(header, "feature") && (holds(header, "points") || holds(header, "coefficient")))
        return learn_source_named("scorecard");
    return starts(header, "cluster") ? learn_source_named("kmeans") : NULL;
}
