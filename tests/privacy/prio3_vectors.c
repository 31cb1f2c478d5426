/*
 * vdaf-vectors DIR: runs every Prio3*.json and Xof*.json of DIR (other JSON files are skipped, one line
 * each), in the form in which the drafts of VDAF publish their test vectors (draft-irtf-cfrg-vdaf-20, section
 * "Test Vectors", "Schema"): the operations in their order, each compared with the bytes of the file, the bad
 * ones refused where the file says so. One line a file, then 'N passed, N failed, N skipped'. Status 0: none
 * failed; 1: some did; 77: nothing to do.
 */
#include "sotto/codec/json.h"
#include "sotto/prio3.h"

#include "prio3_priv.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 64 << 20, FILE_MAX = 32 << 20, ARRAY_MAX = 1 << 20 };

enum outcome { PASSED, FAILED, SKIPPED };

typedef struct vector {
    sotto_arena *arena;
    sotto_json_node root;
    sotto_prio3 prio3;
    sotto_span ctx;
    uint8_t **states; /* of report i, aggregator a: states[i * shares + a]; NULL before verify_init */
    void *scratch;
    size_t scratch_len;
    char why[320];
} vector;

static enum outcome fail(vector *v, const char *what)
{
    if (v->why[0] == '\0')
        (void)snprintf(v->why, sizeof v->why, "%s", what);
    return FAILED;
}

static void *take(vector *v, size_t bytes)
{
    void *memory = sotto_arena_take(v->arena, bytes);
    if (memory == NULL) {
        (void)fprintf(stderr, "vdaf-vectors: out of memory\n");
        exit(1);
    }
    return memory;
}

/* ---- JSON ---- */

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool as_bytes(vector *v, sotto_json_node node, sotto_span *out)
{
    sotto_span text;
    *out = sotto_span_of(NULL, 0);
    if (sotto_json_as_str(node, &text, NULL) != SOTTO_OK || text.len % 2 != 0)
        return false;
    uint8_t *bytes = take(v, text.len / 2);
    for (size_t i = 0; i < text.len; i += 2) {
        int high = nibble(text.ptr[i]), low = nibble(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out = sotto_span_of(bytes, text.len / 2);
    return true;
}

static bool get_bytes(vector *v, sotto_json_node object, const char *name, sotto_span *out)
{
    return as_bytes(v, sotto_json_member(object, name), out);
}

/* An integer of 0 .. 2^64 - 1, or a boolean. */
static bool as_u64(sotto_json_node node, uint64_t *out)
{
    char text[32];
    sotto_span digits;
    bool flag;
    *out = 0;
    if (sotto_json_as_bool(node, &flag, NULL) == SOTTO_OK) {
        *out = flag;
        return true;
    }
    if (sotto_json_as_number_text(node, &digits, NULL) != SOTTO_OK || digits.len == 0 ||
        sotto_span_to_str(digits, text, sizeof text) != SOTTO_OK)
        return false;
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && text[0] != '-';
}

static uint64_t get_u64(sotto_json_node object, const char *name)
{
    uint64_t value;
    return as_u64(sotto_json_member(object, name), &value) ? value : UINT64_MAX;
}

static uint32_t get_u32(sotto_json_node object, const char *name)
{
    uint64_t value = get_u64(object, name);
    return value > UINT32_MAX ? 0 : (uint32_t)value; /* 0 is refused by every maker */
}

/* One number, or a list of them. */
static bool as_numbers(vector *v, sotto_json_node node, uint64_t **out, size_t *count)
{
    if (sotto_json_type(node) != SOTTO_JSON_ARR) {
        *out = take(v, sizeof **out);
        *count = 1;
        return as_u64(node, *out);
    }
    *count = sotto_json_count(node);
    *out = take(v, *count * sizeof **out);
    for (size_t i = 0; i < *count; i++)
        if (!as_u64(sotto_json_at(node, i), &(*out)[i]))
            return false;
    return true;
}

/* ---- operations: each says whether the library accepted, and fails when what it made differs ---- */

typedef struct operation {
    sotto_json_node report;
    size_t report_index;
    uint32_t aggregator;
    size_t round;
    bool success;
} operation;

static bool same(vector *v, sotto_json_node expected, const uint8_t *bytes, size_t len)
{
    sotto_span want;
    return as_bytes(v, expected, &want) && want.len == len && (len == 0 || memcmp(want.ptr, bytes, len) == 0);
}

static enum outcome accepted(vector *v, const operation *op, sotto_status status, const sotto_diag *diag)
{
    if ((status == SOTTO_OK) == op->success)
        return PASSED;
    char text[256];
    (void)sotto_diag_format(diag, text, sizeof text);
    return fail(v, op->success ? text : "was not refused");
}

static enum outcome run_shard(vector *v, const operation *op)
{
    const sotto_prio3 *prio3 = &v->prio3;
    uint64_t *measurement;
    size_t count;
    sotto_span nonce, rand;
    sotto_diag diag = {0};
    if (!as_numbers(v, sotto_json_member(op->report, "measurement"), &measurement, &count) ||
        !get_bytes(v, op->report, "nonce", &nonce) || nonce.len != SOTTO_PRIO3_NONCE_BYTES ||
        !get_bytes(v, op->report, "rand", &rand))
        return op->success ? fail(v, "shard: bad arguments") : PASSED;
    uint8_t *shares[SOTTO_PRIO3_SHARES_MAX];
    for (uint32_t i = 0; i < prio3->shares; i++)
        shares[i] = take(v, sotto_prio3_input_share_size(prio3, i));
    size_t public_size = sotto_prio3_public_share_size(prio3);
    sotto_prio3_report report = {take(v, public_size), shares};
    sotto_status status = sotto_prio3_shard(prio3, v->ctx, measurement, count, nonce.ptr, rand, &report,
                                            v->scratch, v->scratch_len, &diag);
    if (status != SOTTO_OK || !op->success)
        return accepted(v, op, status, &diag);
    if (!same(v, sotto_json_member(op->report, "public_share"), report.public_share, public_size))
        return fail(v, "shard: other public share");
    sotto_json_node want = sotto_json_member(op->report, "input_shares");
    for (uint32_t i = 0; i < prio3->shares; i++)
        if (!same(v, sotto_json_at(want, i), shares[i], sotto_prio3_input_share_size(prio3, i)))
            return fail(v, "shard: other input share");
    return PASSED;
}

static enum outcome run_verify_init(vector *v, const operation *op)
{
    const sotto_prio3 *prio3 = &v->prio3;
    sotto_span key, nonce;
    sotto_prio3_received received;
    sotto_diag diag = {0};
    sotto_json_node inputs = sotto_json_member(op->report, "input_shares");
    if (!get_bytes(v, v->root, "verify_key", &key) || key.len != SOTTO_PRIO3_VERIFY_KEY_BYTES ||
        !get_bytes(v, op->report, "nonce", &nonce) || nonce.len != SOTTO_PRIO3_NONCE_BYTES ||
        !get_bytes(v, op->report, "public_share", &received.public_share) ||
        !as_bytes(v, sotto_json_at(inputs, op->aggregator), &received.input_share))
        return op->success ? fail(v, "verify_init: bad arguments") : PASSED;
    received.nonce = nonce.ptr;
    uint8_t *state = take(v, sotto_prio3_verify_state_size(prio3));
    size_t share_size = sotto_prio3_verifier_share_size(prio3);
    uint8_t *share = take(v, share_size);
    sotto_status status = sotto_prio3_verify_init(prio3, key.ptr, v->ctx, op->aggregator, &received, state,
                                                  share, v->scratch, v->scratch_len, &diag);
    v->states[op->report_index * prio3->shares + op->aggregator] = status == SOTTO_OK ? state : NULL;
    if (status != SOTTO_OK || !op->success)
        return accepted(v, op, status, &diag);
    sotto_json_node round = sotto_json_at(sotto_json_member(op->report, "verifier_shares"), 0);
    if (!same(v, sotto_json_at(round, op->aggregator), share, share_size))
        return fail(v, "verify_init: other verifier share");
    return PASSED;
}

static enum outcome run_message(vector *v, const operation *op)
{
    const sotto_prio3 *prio3 = &v->prio3;
    sotto_span shares[SOTTO_PRIO3_SHARES_MAX];
    sotto_diag diag = {0};
    sotto_json_node round = sotto_json_at(sotto_json_member(op->report, "verifier_shares"), op->round);
    for (uint32_t i = 0; i < prio3->shares; i++)
        if (!as_bytes(v, sotto_json_at(round, i), &shares[i]))
            return fail(v, "verifier_shares_to_message: bad arguments");
    size_t size = sotto_prio3_verifier_message_size(prio3);
    uint8_t *message = take(v, size);
    sotto_status status = sotto_prio3_verifier_shares_to_message(prio3, v->ctx, shares, prio3->shares,
                                                                 message, v->scratch, v->scratch_len, &diag);
    if (status != SOTTO_OK || !op->success)
        return accepted(v, op, status, &diag);
    if (!same(v, sotto_json_at(sotto_json_member(op->report, "verifier_messages"), op->round), message, size))
        return fail(v, "verifier_shares_to_message: other message");
    return PASSED;
}

static enum outcome run_verify_next(vector *v, const operation *op)
{
    const sotto_prio3 *prio3 = &v->prio3;
    const uint8_t *state = v->states[op->report_index * prio3->shares + op->aggregator];
    sotto_span message;
    sotto_diag diag = {0};
    sotto_json_node messages = sotto_json_member(op->report, "verifier_messages");
    if (state == NULL || op->round != 1 || !as_bytes(v, sotto_json_at(messages, 0), &message))
        return fail(v, "verify_next: bad arguments");
    size_t size = sotto_prio3_agg_share_size(prio3);
    uint8_t *out = take(v, size);
    sotto_status status = sotto_prio3_verify_next(prio3, state, message, out, &diag);
    if (status != SOTTO_OK || !op->success)
        return accepted(v, op, status, &diag);
    if (!same(v, sotto_json_at(sotto_json_member(op->report, "out_shares"), op->aggregator), out, size))
        return fail(v, "verify_next: other output share");
    return PASSED;
}

static enum outcome run_aggregate(vector *v, const operation *op)
{
    const sotto_prio3 *prio3 = &v->prio3;
    sotto_json_node reports = sotto_json_member(v->root, "reports");
    uint8_t *agg = take(v, sotto_prio3_agg_share_size(prio3));
    sotto_status status = SOTTO_OK;
    sotto_diag diag = {0};
    sotto_prio3_agg_init(prio3, agg);
    for (size_t i = 0; i < sotto_json_count(reports) && status == SOTTO_OK; i++) {
        sotto_span out;
        sotto_json_node outs = sotto_json_member(sotto_json_at(reports, i), "out_shares");
        if (!as_bytes(v, sotto_json_at(outs, op->aggregator), &out))
            return fail(v, "aggregate: bad arguments");
        status = sotto_prio3_agg_update(prio3, agg, out, &diag);
    }
    if (status != SOTTO_OK || !op->success)
        return accepted(v, op, status, &diag);
    sotto_json_node want = sotto_json_at(sotto_json_member(v->root, "agg_shares"), op->aggregator);
    return same(v, want, agg, sotto_prio3_agg_share_size(prio3)) ? PASSED : fail(v, "aggregate: other share");
}

static enum outcome run_unshard(vector *v, const operation *op)
{
    const sotto_prio3 *prio3 = &v->prio3;
    sotto_span shares[SOTTO_PRIO3_SHARES_MAX];
    sotto_diag diag = {0};
    sotto_json_node nodes = sotto_json_member(v->root, "agg_shares");
    for (uint32_t i = 0; i < prio3->shares; i++)
        if (!as_bytes(v, sotto_json_at(nodes, i), &shares[i]))
            return fail(v, "unshard: bad arguments");
    uint64_t *result = take(v, prio3->length * sizeof *result), *want;
    size_t count;
    sotto_status status = sotto_prio3_unshard(prio3, shares, prio3->shares, result, &diag);
    if (status != SOTTO_OK || !op->success)
        return accepted(v, op, status, &diag);
    if (!as_numbers(v, sotto_json_member(v->root, "agg_result"), &want, &count) || count != prio3->length ||
        memcmp(result, want, count * sizeof *want) != 0)
        return fail(v, "unshard: other result");
    return PASSED;
}

static enum outcome run_operation(vector *v, sotto_json_node node)
{
    static const struct {
        const char *name;
        enum outcome (*run)(vector *, const operation *);
        bool of_report, of_aggregator;
    } OPERATIONS[] = {{"shard", run_shard, true, false},
                      {"verify_init", run_verify_init, true, true},
                      {"verifier_shares_to_message", run_message, true, false},
                      {"verify_next", run_verify_next, true, true},
                      {"aggregate", run_aggregate, false, true},
                      {"unshard", run_unshard, false, false}};
    operation op = {0};
    sotto_span name;
    sotto_json_node reports = sotto_json_member(v->root, "reports");
    if (sotto_json_get_str(node, "operation", &name, NULL) != SOTTO_OK ||
        sotto_json_get_bool(node, "success", &op.success, NULL) != SOTTO_OK)
        return fail(v, "an operation without name or outcome");
    for (size_t i = 0; i < SOTTO_COUNT(OPERATIONS); i++) {
        if (!sotto_span_is(name, OPERATIONS[i].name))
            continue;
        uint64_t report = OPERATIONS[i].of_report ? get_u64(node, "report_index") : 0;
        uint64_t aggregator = OPERATIONS[i].of_aggregator ? get_u64(node, "aggregator_id") : 0;
        uint64_t round = get_u64(node, "round");
        if (report >= sotto_json_count(reports) || aggregator >= v->prio3.shares)
            return fail(v, "an operation on no report or aggregator");
        op.report_index = (size_t)report;
        op.report = sotto_json_at(reports, op.report_index);
        op.aggregator = (uint32_t)aggregator;
        op.round = round > 1 ? 0 : (size_t)round;
        return OPERATIONS[i].run(v, &op);
    }
    return fail(v, "an unknown operation");
}

/* ---- files ---- */

/* False when the name is of no variant that the library has. */
static bool make(vector *v, sotto_span name, sotto_status *status, sotto_diag *diag)
{
    sotto_json_node root = v->root;
    sotto_prio3 *out = &v->prio3;
    uint32_t shares = get_u32(root, "shares"), length = get_u32(root, "length");
    uint32_t chunk = get_u32(root, "chunk_length");
    uint64_t max = get_u64(root, "max_measurement");
    if (sotto_span_is(name, "Prio3Count")) {
        *status = sotto_prio3_count(out, shares, diag);
    } else if (sotto_span_is(name, "Prio3Sum")) {
        *status = sotto_prio3_sum(out, shares, max, diag);
    } else if (sotto_span_is(name, "Prio3SumVec")) {
        *status = sotto_prio3_sum_vec(out, shares, length, max, chunk, diag);
    } else if (sotto_span_is(name, "Prio3SumVecWithMultiproof")) {
        /* The published files do not name the number of proofs: they have three, over Field64. */
        uint32_t proofs = get_u32(root, "proofs");
        *status =
            sotto_prio3_sum_vec_multiproof(out, shares, length, max, chunk, proofs == 0 ? 3 : proofs, diag);
    } else if (sotto_span_is(name, "Prio3Histogram")) {
        *status = sotto_prio3_histogram(out, shares, length, chunk, diag);
    } else if (sotto_span_is(name, "Prio3MultihotCountVec")) {
        *status = sotto_prio3_multihot(out, shares, length, get_u32(root, "max_weight"), chunk, diag);
    } else {
        return false;
    }
    return true;
}

static enum outcome run_prio3(vector *v, sotto_span name)
{
    sotto_status status;
    sotto_diag diag = {0};
    if (!make(v, name, &status, &diag)) {
        (void)snprintf(v->why, sizeof v->why, "not a variant that the library has");
        return SKIPPED;
    }
    if (status != SOTTO_OK)
        return fail(v, diag.text);
    if (!get_bytes(v, v->root, "ctx", &v->ctx))
        return fail(v, "no ctx");
    sotto_span agg_param;
    if (!get_bytes(v, v->root, "agg_param", &agg_param) || agg_param.len != 0)
        return fail(v, "Prio3 takes no aggregation parameter");
    size_t shard = sotto_prio3_shard_scratch_size(&v->prio3);
    size_t verify = sotto_prio3_verify_scratch_size(&v->prio3);
    v->scratch_len = shard > verify ? shard : verify;
    v->scratch = take(v, v->scratch_len);
    size_t reports = sotto_json_count(sotto_json_member(v->root, "reports"));
    v->states = take(v, reports * v->prio3.shares * sizeof *v->states);
    sotto_json_node operations = sotto_json_member(v->root, "operations");
    size_t count = sotto_json_count(operations);
    if (count == 0)
        return fail(v, "no operations");
    for (size_t i = 0; i < count; i++)
        if (run_operation(v, sotto_json_at(operations, i)) != PASSED)
            return FAILED;
    return PASSED;
}

/* The extendable output function alone: a seed, and a vector over Field128. */
static enum outcome run_xof(vector *v, sotto_span name)
{
    sotto_span seed, dst, binder;
    uint8_t derived[SOTTO_PRIO3_SEED_BYTES];
    prio3_xof xof;
    if (!sotto_span_is(name, "XofTurboShake128")) {
        (void)snprintf(v->why, sizeof v->why, "Prio3 does not use this function");
        return SKIPPED;
    }
    uint32_t length = get_u32(v->root, "length");
    if (!get_bytes(v, v->root, "seed", &seed) || seed.len != PRIO3_XOF_SEED || length > ARRAY_MAX ||
        !get_bytes(v, v->root, "dst", &dst) || !get_bytes(v, v->root, "binder", &binder))
        return fail(v, "bad arguments");
    for (unsigned pass = 0; pass < 2; pass++) {
        prio3_xof_init(&xof, dst.ptr, dst.len, seed.ptr);
        prio3_turboshake_absorb(&xof, binder.ptr, binder.len);
        prio3_xof_start(&xof);
        if (pass == 0)
            prio3_turboshake_squeeze(&xof, derived, sizeof derived);
    }
    void *elements = take(v, (size_t)length * 16);
    uint8_t *bytes = take(v, (size_t)length * 16);
    prio3_engine128.expand(elements, length, &xof);
    prio3_engine128.store(bytes, elements, length);
    if (!same(v, sotto_json_member(v->root, "derived_seed"), derived, sizeof derived))
        return fail(v, "other seed");
    if (!same(v, sotto_json_member(v->root, "expanded_vec_field128"), bytes, (size_t)length * 16))
        return fail(v, "other vector");
    return PASSED;
}

static bool read_file(const char *path, sotto_vec *out)
{
    uint8_t piece[1 << 14];
    FILE *file = fopen(path, "rb");
    bool good = file != NULL;
    while (good) {
        size_t n = fread(piece, 1, sizeof piece, file);
        if (n == 0)
            break;
        good = sotto_vec_put(out, piece, n) == SOTTO_OK;
    }
    if (file != NULL)
        (void)fclose(file);
    return good;
}

static enum outcome run_file(vector *v, const char *path, const char *base)
{
    if (strncmp(base, "Prio3", 5) != 0 && strncmp(base, "Xof", 3) != 0) {
        (void)snprintf(v->why, sizeof v->why, "neither Prio3 nor its function");
        return SKIPPED;
    }
    sotto_vec text;
    sotto_json *json = NULL;
    sotto_diag diag = {0};
    enum outcome outcome = FAILED;
    sotto_vec_init(&text, FILE_MAX);
    size_t stem = strcspn(base, "_.");
    if (!read_file(path, &text))
        (void)fail(v, "cannot be read");
    else if (sotto_json_parse(&json, sotto_vec_span(&text), base, &diag) != SOTTO_OK)
        (void)fail(v, diag.text);
    if (json != NULL) {
        sotto_span name = sotto_span_of(base, stem);
        v->root = sotto_json_root(json);
        outcome = base[0] == 'X' ? run_xof(v, name) : run_prio3(v, name);
    }
    sotto_json_free(json);
    sotto_vec_free(&text);
    return outcome;
}

static int is_vector(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t len = strlen(name);
    return len > 5 && strcmp(name + len - 5, ".json") == 0;
}

int main(int argc, char **argv)
{
    static const char *const WORDS[] = {"pass", "FAIL", "skip"};
    unsigned counts[3] = {0};
    struct dirent **entries;
    if (argc != 2) {
        (void)fprintf(stderr, "usage: vdaf-vectors DIR\n");
        return 2;
    }
    int n = scandir(argv[1], &entries, is_vector, alphasort);
    if (n <= 0) {
        printf("skip %s: %s\n0 passed, 0 failed, 0 skipped\n", argv[1],
               n < 0 ? strerror(errno) : "no JSON files");
        return 77;
    }
    void *memory = malloc(MEMORY);
    for (int i = 0; i < n && memory != NULL; i++) {
        char path[4096];
        sotto_arena arena;
        sotto_arena_init(&arena, memory, MEMORY);
        vector v = {.arena = &arena};
        (void)snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        enum outcome outcome = run_file(&v, path, entries[i]->d_name);
        printf("%s %s%s%s\n", WORDS[outcome], entries[i]->d_name, v.why[0] != '\0' ? ": " : "", v.why);
        counts[outcome]++;
        free(entries[i]);
    }
    free(entries);
    free(memory);
    printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
    return memory != NULL && counts[FAILED] == 0 ? 0 : 1;
}
