/*
 * A terminal's exported audit (docs/formats/audit.md), judged without the terminal: the statement's
 * signature, each report's own, the numbers, the chain of hashes, and whether what the statement says of a
 * report is what the report says.
 */
#include "totals/audit.h"
#include "office/office.h"

#include "sotto/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef hq_audit audit;

static sotto_status bad(const audit *a, uint64_t seq, sotto_status status, const char *what, sotto_diag *diag)
{
    return sotto_diag_at(diag, status, a->path, 1, "report %llu %s", (unsigned long long)seq, what);
}

/* The second line has one form, so that a byte of it cannot be another and say the same. */
static const char SIGNATURE_HEAD[] = "{\"signature\":\"", SIGNATURE_TAIL[] = "\"}\n";
enum { SIGNATURE_LINE = sizeof SIGNATURE_HEAD - 1 + 2 * SOTTO_SIGNATURE_BYTES + sizeof SIGNATURE_TAIL - 1 };

static sotto_status no_audit(const audit *a, uint64_t line, const char *why, sotto_diag *diag)
{
    return sotto_diag_at(diag, SOTTO_ERR(HQ, MALFORMED), a->path, line, "%s", why);
}

static bool is_signature_line(sotto_span line, uint8_t signature[static SOTTO_SIGNATURE_BYTES])
{
    char again[SIGNATURE_LINE + 1], hex[2 * SOTTO_SIGNATURE_BYTES + 1];
    const size_t head = sizeof SIGNATURE_HEAD - 1;
    if (line.len != SIGNATURE_LINE ||
        sotto_hex_decode(sotto_span_of(line.ptr + head, 2 * SOTTO_SIGNATURE_BYTES), signature,
                         SOTTO_SIGNATURE_BYTES) != SOTTO_OK)
        return false;
    sotto_hex_encode(sotto_span_of(signature, SOTTO_SIGNATURE_BYTES), hex, sizeof hex);
    (void)snprintf(again, sizeof again, "%s%s%s", SIGNATURE_HEAD, hex, SIGNATURE_TAIL);
    return memcmp(line.ptr, again, SIGNATURE_LINE) == 0;
}

/* Two lines: the statement, and its signature. */
static sotto_status split_lines(audit *a, sotto_span all, sotto_diag *diag)
{
    const uint8_t *end = all.len > 0 ? memchr(all.ptr, '\n', all.len) : NULL;
    if (all.len == 0)
        return no_audit(a, 1, "is empty: an exported audit has two lines", diag);
    if (end == NULL)
        return no_audit(a, 1, "ends in its first line: an exported audit has two, the second its signature",
                        diag);
    a->statement = sotto_span_of(all.ptr, (size_t)(end - all.ptr));
    sotto_span rest = sotto_span_of(end + 1, all.len - a->statement.len - 1);
    if (is_signature_line(rest, a->signature))
        return SOTTO_OK;
    end = rest.len > 0 ? memchr(rest.ptr, '\n', rest.len) : NULL;
    if (end != NULL && (size_t)(end - rest.ptr) + 1 < rest.len)
        return no_audit(a, 3,
                        "has more than two lines: the statement's bytes are signed as the terminal wrote "
                        "them, so it must not be formatted anew",
                        diag);
    return no_audit(a, 2, "is not the statement's signature, or was cut or formatted anew", diag);
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

/* A signature says that a byte changed, not where: what does not hold by itself says more. */
static sotto_status check_signature(const audit *a, sotto_json_node root, sotto_diag *diag)
{
    audit look = *a;
    sotto_diag inner = {0};
    sotto_status status = sotto_vault_verify_p256(a->key, a->statement, a->signature);
    if (status == SOTTO_OK)
        return SOTTO_OK;
    bool whole = check_reports(&look, root, &inner) == SOTTO_OK;
    return sotto_diag_at(diag, SOTTO_ERR(HQ, AUTH), a->path, 2,
                         "the signature is not of this statement and key%s%s",
                         whole ? ": each report in it holds, so something beside them was changed, or the key"
                               : "; in the statement, ",
                         whole ? "" : inner.text);
}

sotto_status hq_audit_judge(hq_audit *a, sotto_span file, const char *dir, sotto_diag *diag)
{
    sotto_json *doc = NULL;
    sotto_status status = split_lines(a, file, diag);
    if (status == SOTTO_OK)
        status = sotto_vault_start(diag);
    if (status == SOTTO_OK)
        status = sotto_json_parse(&doc, a->statement, a->path, diag);
    if (status == SOTTO_OK)
        status = read_head(a, sotto_json_root(doc), diag);
    if (status == SOTTO_OK)
        status = check_signature(a, sotto_json_root(doc), diag);
    if (status == SOTTO_OK && dir != NULL)
        status = check_key(a, dir, diag);
    if (status == SOTTO_OK)
        status = check_reports(a, sotto_json_root(doc), diag);
    sotto_json_free(doc);
    return status;
}
