/* What the targets behind the terminal's doors share: a real engine in a folder of its own (in memory where
 * the machine has /dev/shm), gone when the process ends. */
#ifndef SOTTO_FUZZ_DOORS_H
#define SOTTO_FUZZ_DOORS_H

#include "commands.h"
#include "engine/engine.h"
#include "fuzz.h"

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

static void open_terminal(void)
{
    char *argv[] = {"init", NULL};
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

/* An answer that says it is JSON is whole JSON. */
static void check_body(const sotto_reply *reply)
{
    sotto_json *doc = NULL;
    if (reply->content_type == NULL || strcmp(reply->content_type, "application/json") != 0)
        return;
    require(sotto_json_parse(&doc, sotto_vec_span(&reply->body), "answer", NULL) == SOTTO_OK);
    sotto_json_free(doc);
}

#endif
