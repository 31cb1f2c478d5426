/* The terminal's configuration: one JSON file, its folders and its clock. Read once, then shared and
 * constant. */
#ifndef SOTTO_KIOSK_CONFIG_CONFIG_H
#define SOTTO_KIOSK_CONFIG_CONFIG_H

#include "sotto/base.h"
#include "sotto/port.h"

#define KIOSK_PATH_MAX 256

enum kiosk_key_kind { KIOSK_KEY_FILE, KIOSK_KEY_KEYRING, KIOSK_KEY_COMMAND };
#define KIOSK_KEY_WORDS    8
#define KIOSK_KEY_WORD_MAX 128
typedef struct kiosk_key { /* where a secret rests */
    enum kiosk_key_kind kind;
    char name[65]; /* in the kernel keyring */
    char load[KIOSK_KEY_WORDS][KIOSK_KEY_WORD_MAX], create[KIOSK_KEY_WORDS][KIOSK_KEY_WORD_MAX];
} kiosk_key;
typedef struct kiosk_config {
    char vault_dir[KIOSK_PATH_MAX];   /* root.key: serve only */
    char store_dir[KIOSK_PATH_MAX];   /* sotto.db, tuf/: serve only */
    char release_dir[KIOSK_PATH_MAX]; /* sync writes, serve reads */
    char sync_dir[KIOSK_PATH_MAX];    /* device.key, device.pem: sync only */
    char run_dir[KIOSK_PATH_MAX];     /* api/sotto.sock, link/sotto.sock */
    char url[KIOSK_PATH_MAX];         /* head office, both certificates */
    char enrol_url[KIOSK_PATH_MAX];   /* head office, for enrolment */
    char authority[KIOSK_PATH_MAX]; /* PEM file of the authority that head office's certificate comes from */
    char proxy[KIOSK_PATH_MAX];     /* "http://host:port" on the way to head office; "" = none */
    char proxy_credentials[KIOSK_PATH_MAX]; /* file with user:password for it; "" = none */
    char root[KIOSK_PATH_MAX];              /* TUF root metadata trusted from the start */
    char channel[33];
    char branch_group[33], terminal_model[33]; /* what campaigns may ask for; empty = not said */
    char customer_column[65];
    int32_t utc_offset_min;
    int64_t clock_offset_s; /* rehearsals of another day */
    uint32_t cache_kib;
    uint32_t max_bytes_per_s;    /* of a night's downloads; 0 = as fast as the line is */
    uint32_t release_memory_kib; /* what a release may take: its arena, model and items */
    kiosk_key key, device_key;   /* serve's root secret; sync's TLS key */
    bool require_walls; /* refuse to run where the kernel cannot enforce the wall between serve and sync */
} kiosk_config;

/* Reads a configuration file; relative paths stand as they are. Errors name the member and line. */
SOTTO_MUST_USE sotto_status kiosk_config_load(kiosk_config *out, const char *path, sotto_diag *diag);
/* dir "/" name into out; RANGE when it does not fit. */
SOTTO_MUST_USE sotto_status kiosk_path(const char *dir, const char *name, char out[static KIOSK_PATH_MAX],
                                       sotto_diag *diag);
sotto_clock kiosk_clock(const kiosk_config *config);

#endif
