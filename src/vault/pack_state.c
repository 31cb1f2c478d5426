/* What a terminal says about its tag packs, signed (docs/formats/tag-pack.md, "Statement"). */
#include "pack_priv.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 512

static void hex_of(const sotto_pack_state *s, char key[static 2 * SOTTO_HPKE_PUBLIC_BYTES + 1])
{
    sotto_hex_encode(sotto_span_of(s->key, sizeof s->key), key, 2 * SOTTO_HPKE_PUBLIC_BYTES + 1);
}

/* The text that is signed. No member can hold a line's end. */
static sotto_span text_of(const sotto_pack_state *s, char out[static TEXT_MAX])
{
    char key[2 * SOTTO_HPKE_PUBLIC_BYTES + 1];
    hex_of(s, key);
    int len = snprintf(out, TEXT_MAX, "sotto pack state 1\n%s\n%s\n%llu\n%llu\n%lld\n", s->device, key,
                       (unsigned long long)s->held, (unsigned long long)s->refused, (long long)s->said_s);
    return sotto_span_of(out, (size_t)len);
}

sotto_status sotto_pack_state_sign(sotto_pack_state *state, const sotto_vault *vault, sotto_diag *diag)
{
    char text[TEXT_MAX];
    sotto_status status = sotto_vault_report_sign(vault, text_of(state, text), state->signature);
    return status == SOTTO_OK ? SOTTO_OK : sotto_diag_set(diag, status, "the statement cannot be signed");
}

sotto_status sotto_pack_state_check(const sotto_pack_state *state,
                                    const uint8_t report_key[static SOTTO_PUBLIC_KEY_BYTES], sotto_diag *diag)
{
    char text[TEXT_MAX];
    sotto_status status = sotto_vault_verify_p256(report_key, text_of(state, text), state->signature);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    return sotto_diag_set(diag, status, "the statement is not signed by that terminal's report key");
}

sotto_status sotto_pack_state_write(const sotto_pack_state *state, sotto_buf *out)
{
    char key[2 * SOTTO_HPKE_PUBLIC_BYTES + 1], signature[2 * SOTTO_SIGNATURE_BYTES + 1], text[TEXT_MAX + 256];
    hex_of(state, key);
    sotto_hex_encode(sotto_span_of(state->signature, sizeof state->signature), signature, sizeof signature);
    int len = snprintf(text, sizeof text,
                       "{\"version\":1,\"device\":\"%s\",\"key\":\"%s\",\"held\":%llu,\"refused\":%llu,"
                       "\"said_s\":%lld,\"signature\":\"%s\"}",
                       state->device, key, (unsigned long long)state->held,
                       (unsigned long long)state->refused, (long long)state->said_s, signature);
    return sotto_buf_put(out, text, (size_t)len);
}

static sotto_status read_hex(sotto_json_node top, const char *name, uint8_t *out, size_t len,
                             sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(top, name, &text, diag);
    if (status == SOTTO_OK && sotto_hex_decode(text, out, len) != SOTTO_OK)
        status = sotto_json_bad(sotto_json_member(top, name), diag, SOTTO_ERR(VAULT, MALFORMED),
                                "must be %zu hexadecimal digits", 2 * len);
    return status;
}

/* Line ends would let one signed text be read in two ways. */
static sotto_status read_device(sotto_json_node top, char out[static SOTTO_PACK_DEVICE_MAX], sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(top, "device", &text, diag);
    if (status != SOTTO_OK)
        return status;
    bool good = text.len > 0;
    for (size_t i = 0; i < text.len; i++)
        good = good && text.ptr[i] > ' ' && text.ptr[i] < 0x7f && text.ptr[i] != '"' && text.ptr[i] != '\\';
    if (!good || sotto_span_to_str(text, out, SOTTO_PACK_DEVICE_MAX) != SOTTO_OK)
        status = sotto_json_bad(sotto_json_member(top, "device"), diag, SOTTO_ERR(VAULT, RANGE),
                                "is not a device id");
    return status;
}

static sotto_status read_members(sotto_pack_state *out, sotto_json_node top, sotto_diag *diag)
{
    static const char *const members[] = {"version", "device", "key",      "held",
                                          "refused", "said_s", "signature"};
    int64_t version, held = 0, refused = 0;
    sotto_status status = sotto_json_only(top, members, SOTTO_COUNT(members), diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(top, "version", 1, 1, &version, diag);
    if (status == SOTTO_OK)
        status = read_device(top, out->device, diag);
    if (status == SOTTO_OK)
        status = read_hex(top, "key", out->key, sizeof out->key, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(top, "held", 0, INT64_MAX - 1, &held, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(top, "refused", 0, INT64_MAX - 1, &refused, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(top, "said_s", 0, INT64_MAX - 1, &out->said_s, diag);
    out->held = (uint64_t)held;
    out->refused = (uint64_t)refused;
    return status == SOTTO_OK ? read_hex(top, "signature", out->signature, sizeof out->signature, diag)
                              : status;
}

sotto_status sotto_pack_state_read(sotto_pack_state *out, sotto_span json, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    memset(out, 0, sizeof *out);
    sotto_status status = sotto_json_parse(&doc, json, "pack statement", diag);
    if (status == SOTTO_OK)
        status = read_members(out, sotto_json_root(doc), diag);
    sotto_json_free(doc);
    return status;
}
