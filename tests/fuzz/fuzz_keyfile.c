/* The key file: only one text is a key's, so what is read must be what would be written. */
#include "fuzz.h"

#include <string.h>

#include "../../src/vault/vault_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ZERO[SOTTO_KEY_BYTES];
    uint8_t root[SOTTO_KEY_BYTES] = {0};
    char again[SOTTO_KEY_FILE_BYTES + 1];
    sotto_diag diag = {0};
    require(sotto_vault_start(NULL) == SOTTO_OK);
    sotto_status status = sotto_vault_key_file_parse(sotto_span_of(data, size), root, &diag);
    if (status != SOTTO_OK) {
        require(diag.status == status && memcmp(root, ZERO, sizeof root) == 0);
        return 0;
    }
    require(size == SOTTO_KEY_FILE_BYTES && sotto_vault_key_file_format(root, again) == SOTTO_OK);
    require(memcmp(again, data, size) == 0);
    return 0;
}
