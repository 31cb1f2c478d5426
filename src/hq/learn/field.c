/* Fields of a training table: numbers, labels, dates. */
#include "learn/learn.h"

#include "sotto/predict.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

float learn_key_float(int32_t key)
{
    uint32_t bits = sotto_fixed_float_bits(key);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Hexadecimal is not for tables. */
bool learn_field_key(const sotto_model *m, size_t feature, sotto_span text, int32_t *key)
{
    return sotto_predict_key(m, feature, text, key);
}

double learn_field_value(sotto_span text)
{
    char buf[128];
    return text.len == 0 || sotto_span_to_str(text, buf, sizeof buf) != SOTTO_OK ? NAN : strtod(buf, NULL);
}

bool learn_field_label(sotto_span text, const char *positive, uint8_t *out)
{
    static const char *const WORDS[] = {"0", "1", "no", "yes", "false", "true"};
    if (text.len == 0)
        return false;
    if (positive != NULL) {
        *out = sotto_span_is(text, positive);
        return true;
    }
    for (size_t i = 0; i < SOTTO_COUNT(WORDS); i++)
        if (sotto_span_is(text, WORDS[i])) {
            *out = (uint8_t)(i & 1);
            return true;
        }
    return false;
}

bool learn_field_date(sotto_span text, int32_t *day)
{
    char stamp[] = "YYYY-MM-DDT00:00:00Z";
    int64_t at_s = 0;
    if (text.len != 10)
        return false;
    memcpy(stamp, text.ptr, text.len);
    if (sotto_time_parse(sotto_span_str(stamp), &at_s) != SOTTO_OK)
        return false;
    *day = (int32_t)sotto_floor_div_i64(at_s, 86400);
    return true;
}

void learn_column_id(sotto_span name, char out[static 65])
{
    size_t len = name.len < 64 ? name.len : 64;
    for (size_t i = 0; i < len; i++) {
        int c = tolower(name.ptr[i]);
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("_.-", c) != NULL;
        out[i] = (char)(allowed && c != 0 ? c : '_');
    }
    out[len] = '\0';
}
