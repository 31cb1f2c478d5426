/* Numbers of model files: decimal texts of float32. Head office only, so libc's correctly rounding strtof may
 * be used (glibc manual, "Parsing of Floats"). */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Only what a decimal number is made of: strtod also reads "nan", "inf" and hexadecimal. */
static bool copy_number(sotto_span text, char buf[static 128])
{
    if (text.len == 0 || text.len >= 128)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (strchr("0123456789+-.eE", text.ptr[i]) == NULL || text.ptr[i] == '\0')
            return false;
    memcpy(buf, text.ptr, text.len);
    buf[text.len] = '\0';
    return true;
}

bool sotto_forge_parse_float(sotto_span text, float *out)
{
    char buf[128], *end = NULL;
    if (!copy_number(text, buf))
        return false;
    *out = strtof(buf, &end);
    return end == buf + text.len && isfinite(*out);
}

bool sotto_forge_parse_double(sotto_span text, double *out)
{
    char buf[128], *end = NULL;
    if (!copy_number(text, buf))
        return false;
    *out = strtod(buf, &end);
    return end == buf + text.len && isfinite(*out);
}

int32_t sotto_forge_float_key(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return sotto_fixed_float_key(bits);
}

int64_t sotto_forge_double_key(double v)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    if (isnan(v))
        return INT64_MIN;
    return bits < 0 ? -(bits & INT64_MAX) : bits;
}

double sotto_forge_key_double(int64_t key)
{
    uint64_t bits = key < 0 ? (uint64_t)-key | UINT64_C(1) << 63 : (uint64_t)key;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
