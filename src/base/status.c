#include "sotto/base.h"

/* A status is -(room << 8 | cause): both parts fit a byte, so an unknown number still prints as itself. */
static unsigned magnitude(sotto_status status)
{
    return status < 0 ? (unsigned)-(int64_t)status : 0;
}

int sotto_status_cause(sotto_status status)
{
    return (int)(magnitude(status) & 0xff);
}

const char *sotto_status_room_name(sotto_status status)
{
    switch (magnitude(status) >> 8) {
#define X(name, number, text)                                                                                \
    case number:                                                                                             \
        return text;
        SOTTO_ROOMS(X)
#undef X
    default:
        return "?";
    }
}

const char *sotto_status_cause_text(sotto_status status)
{
    if (status == SOTTO_OK)
        return "ok";
    switch (sotto_status_cause(status)) {
#define X(name, number, exit_code, text)                                                                     \
    case number:                                                                                             \
        return text;
        SOTTO_CAUSES(X)
#undef X
    default:
        return "?";
    }
}

int sotto_status_exit_code(sotto_status status)
{
    if (status == SOTTO_OK)
        return 0;
    switch (sotto_status_cause(status)) {
#define X(name, number, exit_code, text)                                                                     \
    case number:                                                                                             \
        return exit_code;
        SOTTO_CAUSES(X)
#undef X
    default:
        return 1; /* an unknown failure is still a failure */
    }
}
