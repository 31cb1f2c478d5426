/* The key file: only one text is a key's, so what is read must be what would be written. */
#include <stdlib.h>
#include <string.h>

#include "../../src/vault/vault_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t ZERO[SOTTO_KEY_BYTES];
    uint8_t root[SOTTO_KEY_BYTES];
    char again[SOTTO_KEY_FILE_BYTES + 1];
    sotto_diag diag = {0};
    if (sotto_vault_start(NULL) != SOTTO_OK)
        abort();
    memset(root, 0, sizeof root);
    sotto_status status = sotto_vault_key_file_parse(sotto_span_of(data, size), root, &diag);
    if (status != SOTTO_OK && (diag.status != status || memcmp(root, ZERO, sizeof root) != 0))
        abort();
    if (status == SOTTO_OK && (sotto_vault_key_file_format(root, again) != SOTTO_OK ||
                               size != SOTTO_KEY_FILE_BYTES || memcmp(again, data, size) != 0))
        abort();
    return 0;
}
