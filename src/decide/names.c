#include "decide_priv.h"

typedef struct exclusion_name {
    const char *code, *text;
} exclusion_name;

static const exclusion_name NAMES[] = {{"none", "not excluded"},
#define X(name, code, text) {code, text},
                                       SOTTO_EXCLUSIONS(X)
#undef X
};

static const exclusion_name *name_of(enum sotto_exclusion e)
{
    static const exclusion_name UNKNOWN = {"?", "?"};
    return (size_t)e < SOTTO_COUNT(NAMES) ? &NAMES[e] : &UNKNOWN;
}

const char *sotto_exclusion_code(enum sotto_exclusion e)
{
    return name_of(e)->code;
}

const char *sotto_exclusion_text(enum sotto_exclusion e)
{
    return name_of(e)->text;
}
