/*
 * What encryption costs: the same calls on the store and on a plain SQLite file, in one run.
 *
 *   bench_store [customers]        default 100000; a folder under /tmp, removed at the end
 */
#include "store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RECORD = 300, A_COMMIT = 1000 };

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void need(bool ok)
{
    if (!ok)
        abort();
}

/* Keys as HMACs are: spread evenly. */
static void key_of(uint32_t n, uint8_t key[static SOTTO_CUSTOMER_KEY_BYTES])
{
    need(sotto_sha256(sotto_span_of(&n, sizeof n), key) == SOTTO_OK);
}

static double insert_all(sotto_store *store, uint32_t customers)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES], record[RECORD];
    memset(record, 0x41, sizeof record);
    double start = now_s();
    for (uint32_t n = 0; n < customers; n++) {
        if (n % A_COMMIT == 0)
            need(sotto_store_begin(store, NULL) == SOTTO_OK);
        key_of(n, key);
        need(sotto_store_put(store, SOTTO_RECORD_PROFILE, key, 0, sotto_span_of(record, RECORD), NULL) ==
             SOTTO_OK);
        if (n % A_COMMIT == A_COMMIT - 1 || n == customers - 1)
            need(sotto_store_commit(store, NULL) == SOTTO_OK);
    }
    return now_s() - start;
}

static double look_up(sotto_store *store, uint32_t customers, uint32_t times)
{
    uint8_t key[SOTTO_CUSTOMER_KEY_BYTES], record[RECORD];
    uint32_t n = 1;
    double start = now_s();
    for (uint32_t i = 0; i < times; i++) {
        n = n * 1664525 + 1013904223;
        sotto_buf out = sotto_buf_of(record, sizeof record);
        key_of(n % customers, key);
        need(sotto_store_get(store, SOTTO_RECORD_PROFILE, key, 0, &out, NULL) == SOTTO_OK);
    }
    return now_s() - start;
}

static sotto_store *open_plain(const char *path, uint32_t cache_kib)
{
    char sql[200];
    sotto_store *store = calloc(1, sizeof *store);
    need(store != NULL && sqlite3_open(path, &store->db) == SQLITE_OK);
    store->lock.fd = -1;
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "PRAGMA secure_delete = ON; PRAGMA cache_size = -%u",
                   (unsigned)cache_kib);
    need(sotto_store_exec(store->db, sql, "set up", NULL) == SOTTO_OK);
    need(sotto_store_migrate(store->db, sotto_store_steps, sotto_store_step_count, NULL) == SOTTO_OK);
    return store;
}

static sotto_store *open_encrypted(const char *path, uint32_t cache_kib)
{
    sotto_store *store = NULL;
    sotto_store_config config = {.path = path, .create = true, .cache_kib = cache_kib};
    memset(config.key, 3, sizeof config.key);
    need(sotto_store_open(&store, &config, NULL) == SOTTO_OK);
    return store;
}

static void measure(const char *name, sotto_store *(*open)(const char *, uint32_t), const char *path,
                    uint32_t customers)
{
    static const uint32_t CACHES_KIB[] = {2048, 65536};
    enum { LOOK_UPS = 50000 };
    sotto_store *store = open(path, CACHES_KIB[0]);
    (void)printf("%-10s %u inserts %.2f s", name, (unsigned)customers, insert_all(store, customers));
    sotto_store_close(store);
    for (size_t i = 0; i < SOTTO_COUNT(CACHES_KIB); i++) {
        double start = now_s();
        store = open(path, CACHES_KIB[i]);
        double opened = now_s() - start;
        (void)look_up(store, customers, LOOK_UPS);
        double seconds = look_up(store, customers, LOOK_UPS);
        (void)printf("; %u KiB cache: open %.1f ms, look-up %.1f us", (unsigned)CACHES_KIB[i], opened * 1e3,
                     seconds / LOOK_UPS * 1e6);
        sotto_store_close(store);
    }
    (void)printf("\n");
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/sotto-bench-XXXXXX", command[64], path[64];
    uint32_t customers = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
    need(customers > 0 && mkdtemp(folder) != NULL && sotto_vault_start(NULL) == SOTTO_OK);
    (void)snprintf(path, sizeof path, "%s/plain.db", folder);
    measure("plain", open_plain, path, customers);
    (void)snprintf(path, sizeof path, "%s/store.db", folder);
    measure("encrypted", open_encrypted, path, customers);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? 0 : 1;
}
