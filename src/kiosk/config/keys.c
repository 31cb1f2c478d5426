/* Where this terminal's two secrets rest: serve's root secret ("key") and the device's TLS key
 * ("device_key"). Each by a provider of the bank's choice. */
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

static const char *const MEMBERS[] = {"provider", "name", "load", "create"};

static sotto_status read_name(sotto_json_node node, kiosk_key *key, sotto_diag *diag)
{
    sotto_span name;
    sotto_status status = sotto_json_get_str(node, "name", &name, diag);
    if (status == SOTTO_OK &&
        (name.len == 0 || sotto_span_to_str(name, key->name, sizeof key->name) != SOTTO_OK))
        status = sotto_json_bad(sotto_json_member(node, "name"), diag, SOTTO_ERR(KIOSK, RANGE),
                                "must have 1 to %zu bytes", sizeof key->name - 1);
    return status;
}

static sotto_status read_words(sotto_json_node node, const char *member,
                               char words[static KIOSK_KEY_WORDS][KIOSK_KEY_WORD_MAX], sotto_diag *diag)
{
    sotto_json_node list = sotto_json_member(node, member);
    sotto_status status = sotto_json_as_array(list, 1, KIOSK_KEY_WORDS, diag);
    size_t count = status == SOTTO_OK ? sotto_json_count(list) : 0;
    for (size_t i = 0; status == SOTTO_OK && i < count; i++) {
        sotto_span word;
        status = sotto_json_as_str(sotto_json_at(list, i), &word, diag);
        if (status == SOTTO_OK &&
            (word.len == 0 || sotto_span_to_str(word, words[i], KIOSK_KEY_WORD_MAX) != SOTTO_OK))
            status = sotto_json_bad(list, diag, SOTTO_ERR(KIOSK, RANGE), "words must have 1 to %d bytes",
                                    KIOSK_KEY_WORD_MAX - 1);
    }
    if (status == SOTTO_OK && words[0][0] != '/')
        status = sotto_json_bad(list, diag, SOTTO_ERR(KIOSK, RANGE), "must begin with a whole path");
    return status;
}

static void point_at(char words[static KIOSK_KEY_WORDS][KIOSK_KEY_WORD_MAX], char **argv)
{
    size_t i = 0;
    for (; i < KIOSK_KEY_WORDS && words[i][0] != '\0'; i++)
        argv[i] = words[i];
    argv[i] = NULL;
}

sotto_status kiosk_key_read(sotto_json_node root, const char *member, kiosk_key *key, sotto_diag *diag)
{
    sotto_span provider;
    sotto_json_node node = sotto_json_member(root, member);
    if (node.val == NULL)
        return SOTTO_OK;
    sotto_status status = sotto_json_only(node, MEMBERS, SOTTO_COUNT(MEMBERS), diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_str(node, "provider", &provider, diag);
    if (status != SOTTO_OK || sotto_span_is(provider, "file"))
        return status;
    if (sotto_span_is(provider, "keyring")) {
        key->kind = KIOSK_KEY_KEYRING;
        return read_name(node, key, diag);
    }
    if (!sotto_span_is(provider, "command"))
        return sotto_json_bad(sotto_json_member(node, "provider"), diag, SOTTO_ERR(KIOSK, UNSUPPORTED),
                              "is file, keyring or command");
    key->kind = KIOSK_KEY_COMMAND;
    status = read_words(node, "load", key->load, diag);
    return status == SOTTO_OK ? read_words(node, "create", key->create, diag) : status;
}

sotto_key_provider kiosk_key_provider(const kiosk_config *config, const kiosk_key *key,
                                      kiosk_key_memory *memory)
{
    memory->key = *key; /* providers point into it */
    if (key->kind == KIOSK_KEY_KEYRING)
        return sotto_key_provider_keyring(memory->key.name);
    if (key->kind == KIOSK_KEY_COMMAND) {
        point_at(memory->key.load, memory->command.load);
        point_at(memory->key.create, memory->command.create);
        return sotto_key_provider_command(&memory->command);
    }
    (void)snprintf(memory->path, sizeof memory->path, "%s/root.key", config->vault_dir);
    return sotto_key_provider_file(memory->path);
}

sotto_status kiosk_key_there(const kiosk_config *config, bool *there, sotto_diag *diag)
{
    kiosk_key_memory memory;
    uint8_t root[SOTTO_KEY_BYTES];
    const sotto_key_provider provider = kiosk_key_provider(config, &config->key, &memory);
    sotto_diag detail = {0};
    if (config->key.kind == KIOSK_KEY_FILE) { /* also one that is damaged, or not for our eyes, is there */
        *there = sotto_port_exists(memory.path);
        return SOTTO_OK;
    }
    sotto_status status = provider.load(provider.ctx, root, &detail);
    sotto_wipe(root, sizeof root);
    *there = status == SOTTO_OK;
    if (status == SOTTO_OK || sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return SOTTO_OK;
    if (diag != NULL)
        *diag = detail;
    return status;
}

/* ---- the device's TLS key ---- */

static sotto_status device_file(const kiosk_config *config, bool make, char out[static SOTTO_PEM_MAX],
                                sotto_diag *diag)
{
    char path[KIOSK_PATH_MAX];
    sotto_vec file;
    sotto_vec_init(&file, SOTTO_PEM_MAX - 1);
    const sotto_entropy entropy = sotto_port_entropy();
    sotto_status status = kiosk_path(config->sync_dir, "device.key", path, diag);
    if (status == SOTTO_OK && make && !sotto_port_exists(path)) {
        status = sotto_keypair_make(&entropy, out, diag);
        if (status == SOTTO_OK)
            status = sotto_port_create_file(path, sotto_span_str(out), 0600, diag);
    } else if (status == SOTTO_OK) {
        status = sotto_port_check_private(path, diag);
        if (status == SOTTO_OK)
            status = sotto_port_read_file(path, &file, diag);
        if (status == SOTTO_OK)
            status = sotto_span_to_str(sotto_vec_span(&file), out, SOTTO_PEM_MAX);
    }
    if (file.ptr != NULL)
        sotto_wipe(file.ptr, file.len);
    sotto_vec_free(&file);
    return status;
}

sotto_status kiosk_device_key(const kiosk_config *config, bool make, char out[static SOTTO_PEM_MAX],
                              sotto_diag *diag)
{
    kiosk_key_memory memory;
    const sotto_entropy entropy = sotto_port_entropy();
    if (config->device_key.kind == KIOSK_KEY_FILE)
        return device_file(config, make, out, diag);
    const sotto_key_provider provider = kiosk_key_provider(config, &config->device_key, &memory);
    return sotto_keypair_from_provider(&provider, make ? &entropy : NULL, out, diag);
}
