/*
 * base: what every room stands on. Status and diagnosis, spans and buffers, an arena, checked arithmetic,
 * structured log lines, and the two seams (clock, entropy) that are handed into pure code.
 *
 * Floor 0: includes nothing but libc. No global state. Every function is re-entrant; an object may be used by
 * one thread at a time.
 */
#ifndef SOTTO_BASE_H
#define SOTTO_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOTTO_MUST_USE           __attribute__((warn_unused_result))
#define SOTTO_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define SOTTO_COUNT(array)       (sizeof(array) / sizeof((array)[0]))

/* ---- Status: 0, or a negative number that carries the room it came from and its cause ---- */

typedef int32_t sotto_status;

#define SOTTO_OK 0

/* X(NAME, number, "name") - the number is part of what is printed and logged: never reused. */
#define SOTTO_ROOMS(X)                                                                                       \
    X(BASE, 1, "base")                                                                                       \
    X(FIXED, 2, "fixed")                                                                                     \
    X(CODEC, 3, "codec")                                                                                     \
    X(PORT, 4, "port")                                                                                       \
    X(TAGS, 5, "tags")                                                                                       \
    X(VAULT, 6, "vault")                                                                                     \
    X(MODEL, 7, "model")                                                                                     \
    X(STORE, 8, "store")                                                                                     \
    X(PRIVACY, 9, "privacy")                                                                                 \
    X(DECIDE, 10, "decide")                                                                                  \
    X(TALLY, 11, "tally")                                                                                    \
    X(FORGE, 12, "forge")                                                                                    \
    X(SYNC, 13, "sync")                                                                                      \
    X(KIOSK, 14, "kiosk")                                                                                    \
    X(HQ, 15, "hq")

/* X(NAME, number, exit code, "what it means"). Exit codes are part of the command line's contract. */
#define SOTTO_CAUSES(X)                                                                                      \
    X(INTERNAL, 1, 1, "internal error")                                                                      \
    X(USAGE, 2, 2, "wrong use of a command or function")                                                     \
    X(MALFORMED, 3, 3, "input is not of the form it must have")                                              \
    X(TRUNCATED, 4, 3, "input ends too early")                                                               \
    X(RANGE, 5, 3, "a value is outside its range")                                                           \
    X(UNSUPPORTED, 6, 3, "a valid input uses something this version does not do")                            \
    X(CORRUPT, 7, 3, "a checksum, page or chain does not match")                                             \
    X(NOT_FOUND, 8, 4, "not found")                                                                          \
    X(EXISTS, 9, 4, "already there")                                                                         \
    X(DENIED, 10, 5, "permission denied")                                                                    \
    X(AUTH, 11, 5, "wrong key, signature or certificate")                                                    \
    X(EXPIRED, 12, 5, "expired, or not valid yet")                                                           \
    X(ROLLBACK, 13, 5, "older than what was accepted before")                                                \
    X(IO, 14, 6, "input or output failed")                                                                   \
    X(FULL, 15, 6, "disk full")                                                                              \
    X(NO_SPACE, 16, 6, "the given buffer or arena is too small")                                             \
    X(NO_MEMORY, 17, 6, "out of memory")                                                                     \
    X(BUSY, 18, 7, "in use by another process")                                                              \
    X(NETWORK, 19, 8, "network error")                                                                       \
    X(TIMEOUT, 20, 8, "deadline passed")                                                                     \
    X(PROTOCOL, 21, 8, "the peer broke the protocol")                                                        \
    X(CONFLICT, 22, 9, "contradicts what is stored")                                                         \
    X(SPENT, 23, 9, "privacy budget is spent")

enum sotto_room {
#define X(name, number, text) SOTTO_ROOM_##name = number,
    SOTTO_ROOMS(X)
#undef X
};

enum sotto_cause {
#define X(name, number, exit_code, text) SOTTO_CAUSE_##name = number,
    SOTTO_CAUSES(X)
#undef X
};

/* SOTTO_ERR(STORE, FULL) is the status "store: disk full". A constant expression. */
#define SOTTO_ERR(room, cause) ((sotto_status)(-((SOTTO_ROOM_##room << 8) | SOTTO_CAUSE_##cause)))

/* The cause of a status (0 for SOTTO_OK); the same cause compares equal whatever room it came from. */
int sotto_status_cause(sotto_status status);
/* Names are static strings, never NULL; an unknown number gives "?". */
const char *sotto_status_room_name(sotto_status status);
const char *sotto_status_cause_text(sotto_status status);
/* In sentences that count: "" for one, "s" for any other number. */
static inline const char *sotto_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}
/* 0 for SOTTO_OK, otherwise the exit code in SOTTO_CAUSES. */
int sotto_status_exit_code(sotto_status status);

/* ---- Diagnosis: where bad input went wrong, in words ---- */

/* Every function that takes a `sotto_diag *` accepts NULL, and writes it only when it fails. */
typedef struct sotto_diag {
    sotto_status status;
    char where[128]; /* file name, or a JSON path such as "campaigns[2].cap"; "" when not known */
    uint64_t line;   /* from 1; 0 = does not apply */
    uint64_t offset; /* byte offset from 0; meaningful when has_offset */
    bool has_offset;
    char text[256]; /* one sentence, no newline; never a tag value, customer number or key */
} sotto_diag;

/* Fills diag (when not NULL) and returns status, so that `return sotto_diag_set(...)` reads well. Keeps a
 * place set before. */
SOTTO_PRINTF(3, 4)
sotto_status sotto_diag_set(sotto_diag *diag, sotto_status status, const char *format, ...);
/* The same with a place. `where` may be NULL; line 0 = does not apply. */
SOTTO_PRINTF(5, 6)
sotto_status sotto_diag_at(sotto_diag *diag, sotto_status status, const char *where, uint64_t line,
                           const char *format, ...);
SOTTO_PRINTF(5, 6)
sotto_status sotto_diag_at_offset(sotto_diag *diag, sotto_status status, const char *where, uint64_t offset,
                                  const char *format, ...);
/* "where:line: text (room: cause)" into out, always ended by NUL. Returns the length written. */
size_t sotto_diag_format(const sotto_diag *diag, char *out, size_t cap);

/* ---- Spans and buffers ---- */

/* Read-only bytes owned by somebody else. ptr may be NULL only when len is 0. */
typedef struct sotto_span {
    const uint8_t *ptr;
    size_t len;
} sotto_span;

/* Bytes being written into memory owned by the caller; never grows. len <= cap at all times. */
typedef struct sotto_buf {
    uint8_t *ptr;
    size_t cap;
    size_t len;
} sotto_buf;

sotto_span sotto_span_of(const void *ptr, size_t len);
sotto_span sotto_span_str(const char *text); /* without the NUL */
bool sotto_span_equal(sotto_span a, sotto_span b);
bool sotto_span_is(sotto_span a, const char *text);
sotto_buf sotto_buf_of(void *ptr, size_t cap);
sotto_span sotto_buf_span(const sotto_buf *buf);
/* Appends all of bytes or nothing. NO_SPACE when it does not fit. */
SOTTO_MUST_USE sotto_status sotto_buf_put(sotto_buf *buf, const void *bytes, size_t len);
/* Copies a span into a C string. NO_SPACE when it does not fit, MALFORMED when it holds a NUL; out is ""
 * then. */
SOTTO_MUST_USE sotto_status sotto_span_to_str(sotto_span span, char *out, size_t cap);

/* A buffer on the heap that grows up to a limit; for paths where allocation is allowed (import, sync, head
 * office). */
typedef struct sotto_vec {
    uint8_t *ptr; /* NULL while empty */
    size_t len;
    size_t cap;
    size_t limit; /* bytes it may never exceed */
} sotto_vec;

void sotto_vec_init(sotto_vec *vec, size_t limit);
/* Appends all or nothing. RANGE past the limit, NO_MEMORY when the heap gives nothing; vec is unchanged then.
 */
SOTTO_MUST_USE sotto_status sotto_vec_put(sotto_vec *vec, const void *bytes, size_t len);
SOTTO_PRINTF(2, 3)
SOTTO_MUST_USE sotto_status sotto_vec_printf(sotto_vec *vec, const char *format, ...);
sotto_span sotto_vec_span(const sotto_vec *vec);
void sotto_vec_free(sotto_vec *vec); /* also resets to empty; the limit stays */

/* ---- Arena: memory taken once, handed out in order, given back all at once ---- */

typedef struct sotto_arena {
    uint8_t *base; /* caller's memory, lives longer than everything taken from it */
    size_t cap;
    size_t used;
} sotto_arena;

void sotto_arena_init(sotto_arena *arena, void *memory, size_t cap);
/* Zeroed memory aligned to 16 bytes, or NULL when it does not fit (nothing is taken then). size 0 gives a
 * valid pointer. */
void *sotto_arena_take(sotto_arena *arena, size_t size);
/* count * size with overflow checked. */
void *sotto_arena_array(sotto_arena *arena, size_t count, size_t size);
/* Copies text and a NUL. */
char *sotto_arena_str(sotto_arena *arena, sotto_span text);
size_t sotto_arena_mark(const sotto_arena *arena);
void sotto_arena_reset(sotto_arena *arena, size_t mark);

/* ---- Checked arithmetic: false when the result does not fit (out is then unspecified) ---- */

static inline SOTTO_MUST_USE bool sotto_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline SOTTO_MUST_USE bool sotto_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline SOTTO_MUST_USE bool sotto_add_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline SOTTO_MUST_USE bool sotto_sub_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_sub_overflow(a, b, out);
}
static inline SOTTO_MUST_USE bool sotto_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
/* Saturating forms, for counters that must never wrap. */
int64_t sotto_add_sat_i64(int64_t a, int64_t b);
uint32_t sotto_add_sat_u32(uint32_t a, uint32_t b);

/* ---- Seams handed into pure code ---- */

/* Seconds since 1970-01-01 UTC (may step), and milliseconds that never go back. */
typedef struct sotto_clock {
    void *ctx;
    int64_t (*utc_s)(void *ctx);
    int64_t (*mono_ms)(void *ctx);
} sotto_clock;

/* Fills all of buf with unpredictable bytes, or fails and the caller must not go on. */
typedef struct sotto_entropy {
    void *ctx;
    sotto_status (*fill)(void *ctx, void *buf, size_t len);
} sotto_entropy;

/* ---- Log: one line an event, key=value, never a tag value, customer key or key material ---- */

enum sotto_log_level { SOTTO_LOG_ERROR, SOTTO_LOG_WARN, SOTTO_LOG_INFO, SOTTO_LOG_DEBUG };

typedef struct sotto_log {
    int fd; /* -1 = silent */
    enum sotto_log_level level;
    sotto_clock clock; /* utc_s may be NULL: no time stamp */
    const char *program;
} sotto_log;

/* Writes "2026-11-21T19:02:03Z info serve.start pid=12 ..." in one write(2); a line longer than 1 KiB is cut.
 * `log` may be NULL. */
SOTTO_PRINTF(4, 5)
void sotto_log_event(const sotto_log *log, enum sotto_log_level level, const char *event, const char *format,
                     ...);

/* Writes "YYYY-MM-DDThh:mm:ssZ" (21 bytes with the NUL); years outside 0..9999 are clamped. */
void sotto_time_format(int64_t utc_s, char out[static 21]);
/* The inverse, that form only. MALFORMED or RANGE. */
SOTTO_MUST_USE sotto_status sotto_time_parse(sotto_span text, int64_t *utc_s);
/* Days since 1970-01-01 of a civil date, and back (proleptic Gregorian; Hinnant, "chrono-Compatible Low-Level
 * Date Algorithms"). */
int64_t sotto_time_days_from_civil(int64_t year, unsigned month, unsigned day);
void sotto_time_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);
/* floor(a / b) for b > 0: days of negative seconds round down. */
int64_t sotto_floor_div_i64(int64_t a, int64_t b);

#endif
