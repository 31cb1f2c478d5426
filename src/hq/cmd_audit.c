/*
 * audit verify: a terminal's exported audit (docs/formats/audit.md), judged without the terminal: the
 * statement's signature, each report's own, the numbers, the chain of hashes, and whether what the statement
 * says of a report is what the report says.
 */
#include "hq_priv.h"

#include "sotto/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUDIT_LIMIT (64u << 20)

typedef struct audit {
    const char *path;
    sotto_vec file;
    sotto_span statement;
    uint8_t key[SOTTO_PUBLIC_KEY_BYTES];
    char device[HQ_DEVICE_ID_MAX], made_at[32];
    bool key_known; /* it is the one that head office holds, not only the statement's own word */
    uint64_t reports, waiting, set_aside, last_seq;
    uint8_t last_sha256[SOTTO_SHA256_BYTES];
} audit;

static sotto_status bad(const audit *a, uint64_t seq, sotto_status status, const char *what, sotto_diag *diag)
{
    return sotto_diag_at(diag, status, a->path, 0, "report %llu %s", (unsigned long long)seq, what);
}

/* Two lines: the statement, and its signature. */
static sotto_status split_lines(audit *a, sotto_span *signature, sotto_diag *diag)
{
    sotto_span all = sotto_vec_span(&a->file);
    const uint8_t *end = all.len > 0 ? memchr(all.ptr, '\n', all.len) : NULL;
    if (end == NULL)
        return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), a->path, 1, "is not an exported audit");
    a->statement = sotto_span_of(all.ptr, (size_t)(end - all.ptr));
    *signature = sotto_span_of(end + 1, all.len - a->statement.len - 1);
    return SOTTO_OK;
}

static sotto_status read_hex(sotto_json_node node, const char *member, uint8_t *out, size_t len,
                             sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(node, member, &text, diag);
    if (status == SOTTO_OK && sotto_hex_decode(text, out, len) != SOTTO_OK)
        status = sotto_json_bad(sotto_json_member(node, member), diag, SOTTO_ERR(HQ, MALFORMED),
                                "must be %zu hexadecimal digits", 2 * len);
    return status;
}

static sotto_status read_text(sotto_json_node node, const char *member, char *out, size_t cap,
                              sotto_diag *diag)
{
    sotto_span text;
    sotto_status status = sotto_json_get_str(node, member, &text, diag);
    return status == SOTTO_OK ? sotto_span_to_str(text, out, cap) : status;
}

static sotto_status read_head(audit *a, sotto_json_node root, sotto_diag *diag)
{
    sotto_span format;
    int64_t version;
    sotto_status status = sotto_json_get_str(root, "format", &format, diag);
    if (status == SOTTO_OK && !sotto_span_is(format, "sotto-audit"))
        status = sotto_json_bad(root, diag, SOTTO_ERR(HQ, MALFORMED), "is not an exported audit");
    if (status == SOTTO_OK)
        status = sotto_json_get_i64(root, "version", 1, 1, &version, diag);
    if (status == SOTTO_OK)
        status = read_hex(root, "report_key", a->key, sizeof a->key, diag);
    if (status == SOTTO_OK)
        status = read_text(root, "device", a->device, sizeof a->device, diag);
    return status == SOTTO_OK ? read_text(root, "made_at", a->made_at, sizeof a->made_at, diag) : status;
}

static sotto_status check_signature(const audit *a, sotto_span line, sotto_diag *diag)
{
    uint8_t signature[SOTTO_SIGNATURE_BYTES];
    sotto_json *doc = NULL;
    sotto_status status = sotto_json_parse(&doc, line, a->path, diag);
    if (status == SOTTO_OK)
        status = read_hex(sotto_json_root(doc), "signature", signature, sizeof signature, diag);
    sotto_json_free(doc);
    if (status != SOTTO_OK)
        return status;
    status = sotto_vault_verify_p256(a->key, a->statement, signature);
    return status == SOTTO_OK ? status
                              : sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), a->path, 2,
                                              "the signature is not of this statement and key");
}

/* ---- one report ---- */

static bool number_is(sotto_json_node what, const char *member, int64_t expected)
{
    int64_t value;
    return sotto_json_get_i64(what, member, INT64_MIN, INT64_MAX, &value, NULL) == SOTTO_OK &&
           value == expected;
}

/* What the statement says beside the sealed bytes must be what the bytes say. */
static bool agrees(sotto_json_node what, const sotto_report *head)
{
    return number_is(what, "id", head->task_id) && number_is(what, "day", head->period_day) &&
           number_is(what, "days", head->period_days) &&
           number_is(what, "epsilon_ueps", (int64_t)head->epsilon_ueps) &&
           number_is(what, "bound", head->bound) && number_is(what, "cells", (int64_t)head->cell_count);
}

static sotto_status open_head(const audit *a, sotto_span sealed, sotto_report *head, sotto_diag *diag)
{
    sotto_split_report split;
    if (sotto_split_is(sealed))
        return sotto_split_open(&split, head, sealed, a->key, diag);
    sotto_arena arena;
    void *memory = malloc(SOTTO_REPORT_MAX);
    if (memory == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report");
    sotto_arena_init(&arena, memory, SOTTO_REPORT_MAX);
    sotto_status status = sotto_report_open(head, sealed, a->key, &arena, diag);
    free(memory);
    head->cells = NULL;
    return status;
}

static sotto_status check_sealed(const audit *a, uint64_t seq, sotto_json_node one, sotto_span sealed,
                                 const uint8_t sha256[static SOTTO_SHA256_BYTES], sotto_diag *diag)
{
    uint8_t hash[SOTTO_SHA256_BYTES];
    sotto_report head;
    if (sotto_sha256(sealed, hash) != SOTTO_OK || memcmp(hash, sha256, sizeof hash) != 0)
        return bad(a, seq, SOTTO_ERR(HQ, CORRUPT), "has other bytes than its hash says", diag);
    sotto_status status = open_head(a, sealed, &head, diag);
    if (status != SOTTO_OK)
        return bad(a, seq, status, "is not signed by the terminal's report key, or damaged", diag);
    if (head.seq != seq || strcmp(head.device, a->device) != 0)
        return bad(a, seq, SOTTO_ERR(HQ, CORRUPT), "names another number or device", diag);
    if (seq == a->last_seq + 1 && memcmp(head.previous, a->last_sha256, sizeof hash) != 0)
        return bad(a, seq, SOTTO_ERR(HQ, CORRUPT), "does not follow from the one before", diag);
    if (!agrees(sotto_json_member(one, "what"), &head))
        return bad(a, seq, SOTTO_ERR(HQ, CORRUPT), "says something else than the statement says of it", diag);
    return SOTTO_OK;
}

static sotto_status check_report(audit *a, sotto_json_node one, uint8_t *sealed, sotto_diag *diag)
{
    int64_t seq = 0;
    uint8_t sha256[SOTTO_SHA256_BYTES];
    sotto_span hex = {0};
    bool damaged = false;
    sotto_status status = sotto_json_get_i64(one, "seq", 1, INT64_MAX, &seq, diag);
    if (status == SOTTO_OK)
        status = read_hex(one, "sha256", sha256, sizeof sha256, diag);
    if (status == SOTTO_OK)
        status = sotto_json_get_bool(one, "damaged", &damaged, diag);
    if (status == SOTTO_OK && !damaged)
        status = sotto_json_get_str(one, "sealed", &hex, diag);
    if (status != SOTTO_OK)
        return status;
    /* Only a report that was set aside may stand where others are missing: an old copy was put back. */
    if ((uint64_t)seq <= a->last_seq || ((uint64_t)seq != a->last_seq + 1 && !damaged))
        return bad(a, (uint64_t)seq, SOTTO_ERR(HQ, CORRUPT), "is out of sequence", diag);
    if (!damaged &&
        (hex.len / 2 > SOTTO_REPORT_MAX || sotto_hex_decode(hex, sealed, hex.len / 2) != SOTTO_OK))
        return bad(a, (uint64_t)seq, SOTTO_ERR(HQ, MALFORMED), "has no bytes", diag);
    if (!damaged)
        status = check_sealed(a, (uint64_t)seq, one, sotto_span_of(sealed, hex.len / 2), sha256, diag);
    a->reports++;
    a->set_aside += damaged;
    a->waiting += sotto_json_type(sotto_json_member(one, "acknowledged_at")) == SOTTO_JSON_NULL && !damaged;
    a->last_seq = (uint64_t)seq;
    memcpy(a->last_sha256, sha256, sizeof sha256);
    return status;
}

static sotto_status check_reports(audit *a, sotto_json_node root, sotto_diag *diag)
{
    sotto_json_node reports = sotto_json_member(root, "reports");
    uint8_t *sealed = malloc(SOTTO_REPORT_MAX);
    sotto_status status = sotto_json_as_array(reports, 0, SIZE_MAX, diag);
    if (sealed == NULL)
        status = sotto_diag_set(diag, SOTTO_ERR(HQ, NO_MEMORY), "no memory for a report");
    for (size_t i = 0; i < sotto_json_count(reports) && status == SOTTO_OK; i++)
        status = check_report(a, sotto_json_at(reports, i), sealed, diag);
    free(sealed);
    return status;
}

/* Whose key it is, by head office's registry. */
static sotto_status check_key(audit *a, const char *dir, sotto_diag *diag)
{
    hq_registry *registry = NULL;
    hq_device device;
    sotto_status status = hq_office_registry(dir, &registry, diag);
    if (status == SOTTO_OK)
        status = hq_registry_device(registry, a->device, &device, diag);
    hq_registry_close(registry);
    if (status == SOTTO_OK && memcmp(device.report_key, a->key, sizeof a->key) != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), a->path, 1,
                               "the key is not the one that %s enrolled with", a->device);
    a->key_known = status == SOTTO_OK;
    return status;
}

static sotto_status verify(audit *a, const char *dir, sotto_diag *diag)
{
    sotto_span signature;
    sotto_json *doc = NULL;
    sotto_vec_init(&a->file, AUDIT_LIMIT);
    sotto_status status = sotto_port_read_file(a->path, &a->file, diag);
    if (status == SOTTO_OK)
        status = split_lines(a, &signature, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, a->statement, a->path, diag);
    if (status == SOTTO_OK)
        status = read_head(a, sotto_json_root(doc), diag);
    if (status == SOTTO_OK)
        status = check_signature(a, signature, diag);
    if (status == SOTTO_OK && dir != NULL)
        status = check_key(a, dir, diag);
    if (status == SOTTO_OK)
        status = check_reports(a, sotto_json_root(doc), diag);
    sotto_json_free(doc);
    sotto_vec_free(&a->file);
    return status;
}

static void tell(const audit *a, bool as_json)
{
    if (as_json) {
        printf("{\"device\":\"%s\",\"made_at\":\"%s\",\"reports\":%llu,\"waiting\":%llu,\"set_aside\":%llu,"
               "\"key_known\":%s}\n",
               a->device, a->made_at, (unsigned long long)a->reports, (unsigned long long)a->waiting,
               (unsigned long long)a->set_aside, a->key_known ? "true" : "false");
        return;
    }
    printf("%s said on %s that %llu report%s left it or will; %llu of them wait, %llu are set aside.\n",
           a->device, a->made_at, (unsigned long long)a->reports, a->reports == 1 ? "" : "s",
           (unsigned long long)a->waiting, (unsigned long long)a->set_aside);
    printf(
        "The statement and each report are signed by one key, every report follows from the one before, and "
        "says what\nthe statement says of it.\n");
    printf(a->key_known ? "The key is the one that the terminal enrolled with.\n"
                        : "Whether the key is the terminal's was not checked: --dir DIR does.\n");
}

int hq_cmd_audit(int argc, char **argv)
{
    sotto_diag diag = {0};
    const char *dir = NULL;
    bool as_json = false;
    const hq_option options[] = {{"--dir", HQ_TEXT, &dir, .required = false},
                                 {"--json", HQ_FLAG, &as_json, .required = false}};
    if (argc < 3 || strcmp(argv[1], "verify") != 0)
        return hq_usage("audit", "takes: verify FILE");
    audit a = {.path = argv[2]};
    if (!hq_options(argc - 2, argv + 2, options, SOTTO_COUNT(options)))
        return 2;
    sotto_status status = verify(&a, dir, &diag);
    if (status != SOTTO_OK)
        return hq_fail(status, &diag);
    tell(&a, as_json);
    return 0;
}
