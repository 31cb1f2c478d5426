/* The file provider: docs/formats/keys.md. For terminals with no safer place; a TPM or a secure element is
 * another provider behind the same two calls. */
#include "vault_priv.h"

#include "sotto/codec/text.h"
#include "sotto/port.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char CHECK_LABEL[] = "sotto key file v1";
static const char CHECK_WORD[] = "check ";
enum { HEX_BYTES = 2 * SOTTO_KEY_BYTES, CHECK_BYTES = 8, KEY_FILE_MODE = 0600 };

/* Finds a damaged file; cut to 64 bits, it tells nothing usable about 256 random ones. */
static sotto_status checksum(const uint8_t root[static SOTTO_KEY_BYTES], uint8_t out[static CHECK_BYTES])
{
    uint8_t in[sizeof CHECK_LABEL - 1 + SOTTO_KEY_BYTES], digest[SOTTO_SHA256_BYTES];
    memcpy(in, CHECK_LABEL, sizeof CHECK_LABEL - 1);
    memcpy(in + sizeof CHECK_LABEL - 1, root, SOTTO_KEY_BYTES);
    sotto_status status = sotto_sha256(sotto_span_of(in, sizeof in), digest);
    memcpy(out, digest, CHECK_BYTES);
    sotto_wipe(in, sizeof in);
    sotto_wipe(digest, sizeof digest);
    return status;
}

sotto_status sotto_vault_key_file_format(const uint8_t root[static SOTTO_KEY_BYTES],
                                         char out[static SOTTO_KEY_FILE_BYTES + 1])
{
    uint8_t check[CHECK_BYTES];
    sotto_status status = checksum(root, check);
    if (status != SOTTO_OK)
        return status;
    char *at = out;
    sotto_hex_encode(sotto_span_of(root, SOTTO_KEY_BYTES), at, HEX_BYTES + 1);
    at += HEX_BYTES;
    *at++ = '\n';
    memcpy(at, CHECK_WORD, sizeof CHECK_WORD - 1);
    at += sizeof CHECK_WORD - 1;
    sotto_hex_encode(sotto_span_of(check, CHECK_BYTES), at, 2 * CHECK_BYTES + 1);
    at += 2 * CHECK_BYTES;
    *at++ = '\n';
    *at = '\0';
    assert(at - out == SOTTO_KEY_FILE_BYTES);
    return SOTTO_OK;
}

static sotto_status corrupt(sotto_diag *diag, const char *text)
{
    return sotto_diag_set(diag, SOTTO_ERR(VAULT, CORRUPT), "the key file %s", text);
}

/* Reads the digits and compares by writing the file anew, so that only one spelling of a key exists. */
sotto_status sotto_vault_key_file_parse(sotto_span text, uint8_t root[static SOTTO_KEY_BYTES],
                                        sotto_diag *diag)
{
    char again[SOTTO_KEY_FILE_BYTES + 1];
    if (text.len != SOTTO_KEY_FILE_BYTES)
        return sotto_diag_set(diag, SOTTO_ERR(VAULT, CORRUPT), "the key file has %zu bytes instead of %d",
                              text.len, (int)SOTTO_KEY_FILE_BYTES);
    sotto_status status = sotto_hex_decode(sotto_span_of(text.ptr, HEX_BYTES), root, SOTTO_KEY_BYTES);
    if (status != SOTTO_OK)
        status = corrupt(diag, "does not begin with 64 hexadecimal digits");
    else
        status = sotto_vault_key_file_format(root, again);
    if (status == SOTTO_OK && !sotto_equal_secret(text.ptr, again, SOTTO_KEY_FILE_BYTES))
        status = corrupt(diag, "is damaged: its check line does not match");
    if (status != SOTTO_OK)
        sotto_wipe(root, SOTTO_KEY_BYTES);
    sotto_wipe(again, sizeof again);
    return status;
}

static sotto_status load(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    const char *path = ctx;
    sotto_vec text;
    /* At most one growth of the vector for a whole file, so that no copy stays behind in freed memory. */
    sotto_vec_init(&text, 2 * SOTTO_KEY_FILE_BYTES);
    sotto_status status = sotto_port_check_private(path, diag);
    if (status == SOTTO_OK)
        status = sotto_port_read_file(path, &text, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_RANGE)
        status = sotto_diag_at(diag, SOTTO_ERR(VAULT, CORRUPT), path, 0, "the key file is too long");
    else if (status == SOTTO_OK) {
        status = sotto_vault_key_file_parse(sotto_vec_span(&text), root, diag);
        if (status != SOTTO_OK && diag != NULL)
            (void)snprintf(diag->where, sizeof diag->where, "%s", path);
    }
    if (text.cap > 0)
        sotto_wipe(text.ptr, text.cap);
    sotto_vec_free(&text);
    return status;
}

static sotto_status create(void *ctx, const uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    const char *path = ctx;
    char text[SOTTO_KEY_FILE_BYTES + 1];
    sotto_status status = sotto_vault_key_file_format(root, text);
    if (status == SOTTO_OK)
        status = sotto_port_create_file(path, sotto_span_of(text, SOTTO_KEY_FILE_BYTES), KEY_FILE_MODE, diag);
    sotto_wipe(text, sizeof text);
    return status;
}

/* A provider's ctx is not const because other providers have state; this one only reads through it. */
sotto_key_provider sotto_key_provider_file(const char *path)
{
    union {
        const char *in;
        void *out;
    } ctx = {.in = path};
    return (sotto_key_provider){.ctx = ctx.out, .name = "file", .load = load, .create = create};
}
