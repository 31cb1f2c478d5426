/* Numbers of model files: decimal texts of float32. Head office only, so libc's correctly rounding strtof may
 * be used (glibc manual, "Parsing of Floats"). */
#include "forge_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool sotto_forge_parse_float(sotto_span text, float *out)
{
    char buf[128];
    /* Only what a decimal number is made of: strtof also reads "nan", "inf" and hexadecimal. */
    if (text.len == 0 || text.len >= sizeof buf)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (strchr("0123456789+-.eE", text.ptr[i]) == NULL || text.ptr[i] == '\0')
            return false;
    memcpy(buf, text.ptr, text.len);
    buf[text.len] = '\0';
    char *end = NULL;
    *out = strtof(buf, &end);
    return end == buf + text.len && isfinite(*out);
}

int32_t sotto_forge_float_key(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return sotto_fixed_float_key(bits);
}
