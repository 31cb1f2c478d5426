/* TUF metadata from a repository that nobody has vouched for: refused with words, or of a form that every
 * later step may rely on; a root that claims to be signed by itself has its signatures looked into. */
#include "fuzz.h"

#include "sotto/sync.h"

#include <string.h>

static bool is_known_type(const char *type)
{
    static const char *const TYPES[] = {"root", "timestamp", "snapshot", "targets"};
    for (size_t i = 0; i < SOTTO_COUNT(TYPES); i++)
        if (strcmp(type, TYPES[i]) == 0)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sotto_tuf_info info = {.version = -1};
    sotto_diag diag = {.status = SOTTO_OK};
    require(sotto_vault_start(NULL) == SOTTO_OK);
    sotto_status status = sotto_tuf_info_read(sotto_span_of(data, size), &info, &diag);
    require(status == diag.status);
    if (status == SOTTO_OK)
        require(is_known_type(info.type) && info.version > 0 && (!info.self_signed || info.signatures > 0));
    else
        require(diag.text[0] != '\0' && info.version == -1);
    return 0;
}
