/*
 * The terminal's two doors. First byte: 'a' for the kiosk application's, anything else for the one of sync;
 * then a line "METHOD TARGET", then the body. Behind them stands a real engine (in memory where the machine
 * has /dev/shm) without a release, with one report in its outbox. Whatever comes, the answer is one of the
 * documented codes and whole JSON; nobody is known afterwards, and the report waits until it is acknowledged
 * by its hash.
 */
#include "fuzz.h"

#include "kiosk_priv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char dir[64];
static kiosk_config config;
static kiosk_engine *engine;

static void forget_files(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    kiosk_engine_close(engine);
    require(system(command) == 0);
}

static void folder(const char *name, char out[static KIOSK_PATH_MAX])
{
    require(kiosk_path(dir, name, out, NULL) == SOTTO_OK);
}

static void make_terminal(void)
{
    char *argv[] = {"init", NULL};
    const sotto_outbox_entry report = {.seq = 1, .sealed_s = 1, .note = "{}"};
    snprintf(dir, sizeof dir, "%s/sotto-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    require(mkdtemp(dir) != NULL);
    folder("vault", config.vault_dir);
    folder("store", config.store_dir);
    folder("release", config.release_dir);
    folder("sync", config.sync_dir);
    folder("run", config.run_dir);
    config.cache_kib = 256;
    require(kiosk_cmd_init(&config, 1, argv) == 0);
    require(kiosk_engine_open(&engine, &config, NULL) == SOTTO_OK);
    engine->log.fd = -1;
    require(sotto_store_outbox_append(engine->store, &report, sotto_span_str("sealed"), NULL) == SOTTO_OK);
    (void)atexit(forget_files);
}

static sotto_span until(sotto_span *rest, uint8_t end)
{
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != end)
        len++;
    sotto_span word = sotto_span_of(rest->ptr, len);
    size_t used = len < rest->len ? len + 1 : len;
    *rest = sotto_span_of(rest->ptr + used, rest->len - used);
    return word;
}

static void check_code(int code, bool api)
{
    static const int both[] = {200, 400, 404, 409}, link_only[] = {204, 422};
    bool known = false;
    for (size_t i = 0; i < SOTTO_COUNT(both); i++)
        known = known || code == both[i];
    for (size_t i = 0; i < SOTTO_COUNT(link_only); i++)
        known = known || (!api && code == link_only[i]);
    require(known);
}

static void check_body(const sotto_reply *reply)
{
    sotto_json *doc = NULL;
    if (reply->content_type == NULL || strcmp(reply->content_type, "application/json") != 0)
        return;
    require(sotto_json_parse(&doc, sotto_vec_span(&reply->body), "answer", NULL) == SOTTO_OK);
    sotto_json_free(doc);
}

/* No request can make a customer, lose the report, or acknowledge other bytes. */
static void check_store(void)
{
    uint64_t customers = 1;
    sotto_outbox_sum sum;
    require(sotto_store_count(engine->store, SOTTO_RECORD_PROFILE, &customers, NULL) == SOTTO_OK);
    require(sotto_store_outbox_sum(engine->store, &sum, NULL) == SOTTO_OK);
    require(customers == 0 && sum.reports == 1 && sum.set_aside == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (dir[0] == '\0')
        make_terminal();
    if (size == 0)
        return 0;
    bool api = data[0] == 'a';
    sotto_span rest = sotto_span_of(data + 1, size - 1), line = until(&rest, '\n');
    sotto_http_message request = {.is_request = true};
    request.method = until(&line, ' ');
    request.target = line;
    request.body = rest;
    sotto_reply reply = {0};
    sotto_vec_init(&reply.body, 1u << 20);
    (api ? kiosk_api_handle : kiosk_link_handle)(engine, &request, NULL, &reply);
    check_code(reply.code, api);
    check_body(&reply);
    check_store();
    sotto_vec_free(&reply.body);
    return 0;
}
