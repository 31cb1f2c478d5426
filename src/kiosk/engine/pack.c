/*
 * A tag pack from head office: one transaction (docs/formats/tag-pack.md). A first reading judges who made
 * the file and whether it is whole; a second one opens it, chunk by chunk, and what lies on the disk may be
 * another file by then: each chunk proves by itself that it is the next one of that very pack. Memory is
 * that of one chunk.
 */
#include "engine/pack.h"
#include "engine/record.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGEST_NAME     "pack.sha256"
#define GENERATION_NAME "pack.generation"

typedef struct applying {
    kiosk_engine *e;
    FILE *file;
    const char *path;
    uint8_t head_bytes[SOTTO_PACK_HEAD_BYTES];
    sotto_pack_head head;
    sotto_pack_opener opener;
    bool newest; /* sealed to the newest key */
    int64_t now_s;
    kiosk_pack_sum *sum;
    kiosk_pack_rows rows;
    uint8_t sealed[SOTTO_PACK_SEALED_BYTES];
    uint8_t plain[SOTTO_PACK_PLAIN_MAX];
} applying;

/* ---- the file ---- */

static sotto_status read_exactly(applying *a, uint8_t *out, size_t len, sotto_diag *diag)
{
    if (fread(out, 1, len, a->file) == len)
        return SOTTO_OK;
    if (ferror(a->file))
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, IO), a->path, 0, "cannot be read");
    return sotto_diag_at(diag, SOTTO_ERR(KIOSK, TRUNCATED), a->path, 0, "ends too early");
}

static sotto_status check_body(applying *a, sotto_diag *diag)
{
    uint8_t sha256[SOTTO_SHA256_BYTES] = {0};
    sotto_sha256_stream *hash = NULL;
    sotto_status status = sotto_sha256_begin(&hash);
    for (uint32_t i = 0; status == SOTTO_OK && i < a->head.chunks; i++) {
        status = read_exactly(a, a->sealed, sizeof a->sealed, diag);
        if (status == SOTTO_OK)
            status = sotto_sha256_update(hash, sotto_span_of(a->sealed, sizeof a->sealed));
    }
    sotto_status ended = hash != NULL ? sotto_sha256_end(hash, sha256) : SOTTO_OK;
    if (status == SOTTO_OK)
        status = ended;
    if (status == SOTTO_OK && fgetc(a->file) != EOF)
        status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, MALFORMED), a->path, 0, "goes on after its end");
    if (status == SOTTO_OK && memcmp(sha256, a->head.body_sha256, sizeof sha256) != 0)
        status =
            sotto_diag_at(diag, SOTTO_ERR(KIOSK, CORRUPT), a->path, 0, "is not what head office has signed");
    return status;
}

/* ---- may it be applied ---- */

static sotto_status check_device(const applying *a, sotto_diag *diag)
{
    char device[65];
    sotto_status status = kiosk_device_get(a->e, device, diag);
    if (sotto_status_cause(status) == SOTTO_CAUSE_NOT_FOUND)
        return sotto_diag_set(diag, status, "this terminal is not enrolled: sotto enrol CODE");
    if (status == SOTTO_OK && strcmp(device, a->head.device) != 0)
        status = sotto_diag_at(diag, SOTTO_ERR(KIOSK, AUTH), a->path, 0,
                               "is for %s, not for this terminal, %s", a->head.device, device);
    return status;
}

static sotto_status check_signer(const applying *a, sotto_diag *diag)
{
    if (a->e->time.authority.len == 0)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                              "head office's authority cannot be read, so nobody's packs can be taken");
    return sotto_pack_verify(&a->head, sotto_vec_span(&a->e->time.authority), a->now_s, diag);
}

static sotto_status check_release(applying *a, sotto_diag *diag)
{
    if (a->e->release.version != 0 && a->e->release.version >= a->head.release)
        return SOTTO_OK;
    a->sum->waits = true;
    return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NOT_FOUND),
                          "the pack needs release %llu and release %llu is in use: sotto sync first",
                          (unsigned long long)a->head.release, (unsigned long long)a->e->release.version);
}

static bool same_pack(const applying *a)
{
    uint8_t last[SOTTO_SHA256_BYTES];
    sotto_buf buf = sotto_buf_of(last, sizeof last);
    return sotto_store_get_blob(a->e->store, DIGEST_NAME, &buf, NULL) == SOTTO_OK && buf.len == sizeof last &&
           memcmp(last, a->head.body_sha256, sizeof last) == 0;
}

static sotto_status check_order(applying *a, sotto_diag *diag)
{
    uint64_t held = 0;
    sotto_status status = kiosk_pack_held(a->e, &held, diag);
    const unsigned long long seq = a->head.seq, base = a->head.base, have = held;
    if (status != SOTTO_OK)
        return status;
    a->sum->repeated = seq == have && same_pack(a);
    if (a->sum->repeated)
        return SOTTO_OK;
    if (seq <= have)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, ROLLBACK), a->path, 0,
                             "is pack %llu, and pack %llu was applied already", seq, have);
    if (base != 0 && base != have)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, CONFLICT), a->path, 0,
                             "builds on pack %llu and this terminal holds %llu: head office must make a full "
                             "one (sotto-hq pack make --full)",
                             base, have);
    return SOTTO_OK;
}

/* ---- applying ---- */

static sotto_status every_chunk(applying *a, sotto_diag *diag)
{
    sotto_buf plain = sotto_buf_of(a->plain, sizeof a->plain);
    sotto_status status = SOTTO_OK;
    if (fseek(a->file, SOTTO_PACK_HEAD_BYTES, SEEK_SET) != 0)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, IO), a->path, 0, "cannot be read again");
    for (uint32_t i = 0; status == SOTTO_OK && i < a->head.chunks; i++) {
        status = read_exactly(a, a->sealed, sizeof a->sealed, diag);
        if (status == SOTTO_OK)
            status = sotto_pack_next(&a->opener, sotto_span_of(a->sealed, sizeof a->sealed), &plain, diag);
        if (status == SOTTO_OK && plain.len > 0)
            status = kiosk_pack_rows_put(&a->rows, sotto_buf_span(&plain), diag);
    }
    return status;
}

/* A full pack begins a generation, and who is not in it belongs to none; one that builds on it goes on with
 * it. */
static sotto_status begin_generation(applying *a, sotto_diag *diag)
{
    if (a->head.base == 0) {
        a->rows.generation = (int64_t)a->head.seq;
        return sotto_store_set_i64(a->e->store, GENERATION_NAME, a->rows.generation, diag);
    }
    return sotto_store_get_i64(a->e->store, GENERATION_NAME, &a->rows.generation, diag);
}

static sotto_status inside(applying *a, sotto_diag *diag)
{
    kiosk_engine *e = a->e;
    sotto_status status = begin_generation(a, diag);
    if (status == SOTTO_OK)
        status = every_chunk(a, diag);
    if (status == SOTTO_OK && a->head.base == 0)
        status = kiosk_pack_rows_sweep(&a->rows, diag);
    if (status == SOTTO_OK)
        status = kiosk_pack_note(e, a->head.seq, a->newest, a->now_s, diag);
    if (status == SOTTO_OK)
        status = sotto_store_set_blob(e->store, DIGEST_NAME,
                                      sotto_span_of(a->head.body_sha256, sizeof a->head.body_sha256), diag);
    return status;
}

static sotto_status apply(applying *a, sotto_diag *diag)
{
    uint8_t secret[SOTTO_HPKE_PRIVATE_BYTES];
    sotto_status status = kiosk_pack_secret(a->e, &a->head, secret, &a->newest, diag);
    if (status == SOTTO_OK)
        status = sotto_pack_open(&a->opener, &a->head, secret, diag);
    sotto_wipe(secret, sizeof secret);
    if (status == SOTTO_OK)
        status = sotto_store_begin(a->e->store, diag);
    if (status != SOTTO_OK)
        return status;
    status = inside(a, diag);
    if (status == SOTTO_OK)
        status = sotto_store_commit(a->e->store, diag);
    if (status != SOTTO_OK)
        sotto_store_rollback(a->e->store);
    kiosk_recent_clear(a->e);
    return status;
}

/* Genuine and whole, and yet not to be applied here, tonight or ever: head office must make another. A
 * failure of this machine is none of that. */
static bool is_final(sotto_status status)
{
    switch (sotto_status_cause(status)) {
    case SOTTO_CAUSE_AUTH:
    case SOTTO_CAUSE_MALFORMED:
    case SOTTO_CAUSE_RANGE:
    case SOTTO_CAUSE_NOT_FOUND:
    case SOTTO_CAUSE_UNSUPPORTED:
        return true;
    default:
        return false;
    }
}

/* Everything before the pack's own content is touched; what the signed head says comes before the up to 1 GiB
 * behind it. */
static sotto_status judge(applying *a, sotto_diag *diag)
{
    sotto_status status = kiosk_now(a->e, &a->now_s, diag);
    if (status == SOTTO_OK)
        status = read_exactly(a, a->head_bytes, sizeof a->head_bytes, diag);
    if (status == SOTTO_OK)
        status = sotto_pack_read(&a->head, sotto_span_of(a->head_bytes, sizeof a->head_bytes), diag);
    if (status == SOTTO_OK)
        status = check_device(a, diag);
    if (status == SOTTO_OK)
        status = check_signer(a, diag);
    if (status == SOTTO_OK)
        status = check_release(a, diag);
    if (status == SOTTO_OK)
        status = check_order(a, diag);
    return status == SOTTO_OK && !a->sum->repeated ? check_body(a, diag) : status;
}

/* A pipe in its place, put there by whoever has the network, must not hold serve up. */
static sotto_status open_file(applying *a, sotto_diag *diag)
{
    struct stat is;
    int fd = open(a->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, NOT_FOUND), a->path, 0, "cannot be opened");
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode) || (a->file = fdopen(fd, "rb")) == NULL) {
        (void)close(fd);
        return sotto_diag_at(diag, SOTTO_ERR(KIOSK, IO), a->path, 0, "is no file that can be read");
    }
    return SOTTO_OK;
}

static sotto_status run(applying *a, sotto_diag *diag)
{
    sotto_status status = open_file(a, diag);
    if (status == SOTTO_OK)
        status = judge(a, diag);
    a->sum->seq = a->head.seq;
    if (status != SOTTO_OK || a->sum->repeated)
        return status;
    kiosk_pack_rows_begin(&a->rows, a->e, a->now_s, a->sum);
    status = apply(a, diag);
    if (status != SOTTO_OK && is_final(status))
        (void)!kiosk_pack_refuse(a->e, a->head.seq, NULL); /* untold, it is offered and refused once more */
    return status;
}

sotto_status kiosk_pack_apply(kiosk_engine *e, const char *path, kiosk_pack_sum *sum, sotto_diag *diag)
{
    *sum = (kiosk_pack_sum){0};
    applying *a = calloc(1, sizeof *a);
    if (a == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(KIOSK, NO_MEMORY), "no memory to read a pack");
    a->e = e;
    a->path = path;
    a->sum = sum;
    sotto_status status = run(a, diag);
    if (a->file != NULL)
        (void)fclose(a->file);
    sotto_pack_close(&a->opener);
    sotto_wipe(a, sizeof *a);
    free(a);
    return status;
}
