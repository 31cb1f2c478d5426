/*
 * Key providers other than a file. Both keep the very text of the key file (docs/formats/keys.md), so that
 * damage is known from a wrong key, and a key can be carried from one provider to another.
 */
#include "vault_priv.h"

#include "sotto/port.h"

#define RUN_MS    INT64_C(30000)
#define EXIT_NONE 2 /* a load program's word for: no key was created yet */

/* Wipes what a program or the kernel said. */
static sotto_status take_text(sotto_vec *text, const char *what, uint8_t root[static SOTTO_KEY_BYTES],
                              sotto_diag *diag)
{
    sotto_status status = sotto_vault_key_file_parse(sotto_vec_span(text), root, diag);
    if (status != SOTTO_OK)
        status = sotto_diag_at(diag, status, what, 0, "does not give a key in the form of a key file");
    return status;
}

static void drop(sotto_vec *text)
{
    if (text->ptr != NULL)
        sotto_wipe(text->ptr, text->cap);
    sotto_vec_free(text);
}

/* ---- command ---- */

static sotto_status command_load(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    const sotto_key_command *command = ctx;
    int code = -1;
    sotto_vec text;
    sotto_vec_init(&text, 2 * SOTTO_KEY_FILE_BYTES);
    sotto_status status = sotto_port_run(command->load, sotto_span_of(NULL, 0), RUN_MS, &text, &code, diag);
    if (status == SOTTO_OK && code == EXIT_NONE)
        status = sotto_diag_at(diag, SOTTO_ERR(VAULT, NOT_FOUND), command->load[0], 0,
                               "says that no key was created yet");
    else if (status == SOTTO_OK && code != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(VAULT, DENIED), command->load[0], 0,
                               "gives no key (exit code %d)", code);
    if (status == SOTTO_OK)
        status = take_text(&text, command->load[0], root, diag);
    drop(&text);
    return status;
}

static sotto_status command_create(void *ctx, const uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    const sotto_key_command *command = ctx;
    char text[SOTTO_KEY_FILE_BYTES + 1];
    uint8_t there[SOTTO_KEY_BYTES];
    int code = -1;
    sotto_diag none = {0};
    sotto_vec said;
    sotto_status status = command_load(ctx, there, &none);
    sotto_wipe(there, sizeof there);
    if (status == SOTTO_OK)
        return sotto_diag_at(diag, SOTTO_ERR(VAULT, EXISTS), command->load[0], 0, "gives a key already");
    if (sotto_status_cause(status) != SOTTO_CAUSE_NOT_FOUND) {
        if (diag != NULL)
            *diag = none;
        return status;
    }
    sotto_vec_init(&said, 4096);
    status = sotto_vault_key_file_format(root, text);
    if (status == SOTTO_OK)
        status = sotto_port_run(command->create, sotto_span_of(text, SOTTO_KEY_FILE_BYTES), RUN_MS, &said,
                                &code, diag);
    if (status == SOTTO_OK && code != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(VAULT, IO), command->create[0], 0,
                               "did not keep the key (exit code %d)", code);
    sotto_wipe(text, sizeof text);
    drop(&said);
    return status;
}

sotto_key_provider sotto_key_provider_command(sotto_key_command *command)
{
    return (sotto_key_provider){
        .ctx = command, .name = "command", .load = command_load, .create = command_create};
}

/* ---- keyring ---- */

static sotto_status keyring_load(void *ctx, uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    sotto_vec text;
    sotto_vec_init(&text, 2 * SOTTO_KEY_FILE_BYTES);
    sotto_status status = sotto_port_keyring_read(ctx, &text, diag);
    if (status == SOTTO_OK)
        status = take_text(&text, ctx, root, diag);
    drop(&text);
    return status;
}

static sotto_status keyring_create(void *ctx, const uint8_t root[static SOTTO_KEY_BYTES], sotto_diag *diag)
{
    char text[SOTTO_KEY_FILE_BYTES + 1];
    sotto_status status = sotto_vault_key_file_format(root, text);
    if (status == SOTTO_OK)
        status = sotto_port_keyring_add(ctx, sotto_span_of(text, SOTTO_KEY_FILE_BYTES), diag);
    sotto_wipe(text, sizeof text);
    return status;
}

sotto_key_provider sotto_key_provider_keyring(char *name)
{
    return (sotto_key_provider){
        .ctx = name, .name = "keyring", .load = keyring_load, .create = keyring_create};
}

/* ---- a device key out of a provider ---- */

typedef struct stream {
    const uint8_t *root;
    uint8_t count;
} stream;

/* Each call gives other bytes, the same ones for the same secret. */
static sotto_status fill(void *ctx, void *buf, size_t len)
{
    stream *s = ctx;
    const uint8_t info[] = {'s', 'o', 't', 't', 'o', ' ', 'v', '1',     ' ',
                            'd', 'e', 'v', 'i', 'c', 'e', ' ', s->count};
    s->count++;
    return sotto_hkdf_sha256(sotto_span_of(s->root, SOTTO_KEY_BYTES), sotto_span_of(NULL, 0),
                             sotto_span_of(info, sizeof info), buf, len);
}

sotto_status sotto_keypair_from_provider(const sotto_key_provider *provider, const sotto_entropy *entropy,
                                         char out[static SOTTO_PEM_MAX], sotto_diag *diag)
{
    uint8_t root[SOTTO_KEY_BYTES];
    sotto_diag detail = {0};
    stream s = {.root = root};
    out[0] = '\0';
    sotto_status status = provider->load(provider->ctx, root, &detail);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND && entropy != NULL) {
        status = sotto_vault_create(provider, entropy, diag);
        if (status == SOTTO_OK)
            status = provider->load(provider->ctx, root, diag);
    } else if (status != SOTTO_OK && diag != NULL) {
        *diag = detail;
    }
    const sotto_entropy derived = {.ctx = &s, .fill = fill};
    if (status == SOTTO_OK)
        status = sotto_keypair_make(&derived, out, diag);
    sotto_wipe(root, sizeof root);
    return status;
}
