/*
 * json: reading through typed getters that say which member is wrong and on which line; writing without
 * allocation.
 *
 * Reading: strict RFC 8259, UTF-8 checked, depth at most 64, duplicate member names refused (RFC 8259 section
 * 4 leaves them open; two readers that disagree are an attack). The document owns a copy of what it needs;
 * nodes are valid while it lives. Every getter's diag gets where = "name:path" (such as "policy.json:
 * campaigns[2].cap") and the line of the offending value. A document with its nodes is for one thread at a
 * time, also for reading: it remembers the child it gave last.
 */
#ifndef SOTTO_CODEC_JSON_H
#define SOTTO_CODEC_JSON_H

#include "sotto/base.h"

typedef struct sotto_json sotto_json;

typedef struct sotto_json_node {
    const sotto_json *doc;
    const void *val; /* NULL = absent */
} sotto_json_node;

/* Parses text (<= 64 MiB). *out is NULL on failure. MALFORMED with line and offset, NO_MEMORY. */
SOTTO_MUST_USE sotto_status sotto_json_parse(sotto_json **out, sotto_span text, const char *name,
                                             sotto_diag *diag);
/* The same for files of one's own that may be larger, <= 1 GiB: trained models. */
SOTTO_MUST_USE sotto_status sotto_json_parse_large(sotto_json **out, sotto_span text, const char *name,
                                                   sotto_diag *diag);
void sotto_json_free(sotto_json *doc); /* NULL allowed */
sotto_json_node sotto_json_root(const sotto_json *doc);

enum sotto_json_type {
    SOTTO_JSON_ABSENT,
    SOTTO_JSON_NULL,
    SOTTO_JSON_BOOL,
    SOTTO_JSON_INT,
    SOTTO_JSON_REAL,
    SOTTO_JSON_STR,
    SOTTO_JSON_ARR,
    SOTTO_JSON_OBJ
};
enum sotto_json_type sotto_json_type(sotto_json_node node);

/* Member of an object by name; a node with val NULL when absent or when obj is not an object. */
sotto_json_node sotto_json_member(sotto_json_node obj, const char *name);
/* Elements of an array / members of an object, in file order. For an object element, *name is its name. */
size_t sotto_json_count(sotto_json_node node);
sotto_json_node sotto_json_at(sotto_json_node node, size_t index);
sotto_json_node sotto_json_member_at(sotto_json_node obj, size_t index, sotto_span *name);

/* Typed reading of a node itself. MALFORMED when it has another type (or is absent), RANGE outside [min,
 * max]. */
SOTTO_MUST_USE sotto_status sotto_json_as_str(sotto_json_node node, sotto_span *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_json_as_i64(sotto_json_node node, int64_t min, int64_t max, int64_t *out,
                                              sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_json_as_bool(sotto_json_node node, bool *out, sotto_diag *diag);
/* A JSON number with at most `decimals` digits behind the point, as mantissa * 10^-decimals, exact (read from
 * its text, never through a double). */
SOTTO_MUST_USE sotto_status sotto_json_as_decimal(sotto_json_node node, unsigned decimals, int64_t *out,
                                                  sotto_diag *diag);
/* Any JSON number as its text (for float model files: exact conversion is the caller's). */
SOTTO_MUST_USE sotto_status sotto_json_as_number_text(sotto_json_node node, sotto_span *out,
                                                      sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_json_as_array(sotto_json_node node, size_t min_count, size_t max_count,
                                                sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_json_as_object(sotto_json_node node, sotto_diag *diag);

/* The same for a required member of obj. */
SOTTO_MUST_USE sotto_status sotto_json_get_str(sotto_json_node obj, const char *name, sotto_span *out,
                                               sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_json_get_i64(sotto_json_node obj, const char *name, int64_t min,
                                               int64_t max, int64_t *out, sotto_diag *diag);
SOTTO_MUST_USE sotto_status sotto_json_get_bool(sotto_json_node obj, const char *name, bool *out,
                                                sotto_diag *diag);
/* Refuses what is no object, and members that are not in allowed[0..n): a misspelt name must not be silently
 * ignored. */
SOTTO_MUST_USE sotto_status sotto_json_only(sotto_json_node obj, const char *const *allowed, size_t n,
                                            sotto_diag *diag);
/* Sets diag to the place of node and returns status: for checks that the getters cannot make. */
SOTTO_PRINTF(4, 5)
sotto_status sotto_json_bad(sotto_json_node node, sotto_diag *diag, sotto_status status, const char *format,
                            ...);

/* Canonical JSON of a node (OLPC form that TUF signs: sorted names, no spaces, integers only, minimal
 * escapes). MALFORMED for reals. */
SOTTO_MUST_USE sotto_status sotto_json_canonical(sotto_json_node node, sotto_vec *out, sotto_diag *diag);

/* ---- Writer: into a bounded buffer, no allocation, commas by itself. The first failure (NO_SPACE) sticks;
 * check _end. -- */

typedef struct sotto_json_writer {
    sotto_buf *out;
    sotto_status status;
    uint8_t depth;
    bool fresh; /* nothing yet in the innermost container, or a name was just written */
} sotto_json_writer;

sotto_json_writer sotto_json_writer_of(sotto_buf *out);
void sotto_json_obj(sotto_json_writer *w);
void sotto_json_obj_end(sotto_json_writer *w);
void sotto_json_arr(sotto_json_writer *w);
void sotto_json_arr_end(sotto_json_writer *w);
void sotto_json_name(sotto_json_writer *w, const char *name);
void sotto_json_str(sotto_json_writer *w,
                    sotto_span text); /* escaped; bytes that are not UTF-8 become U+FFFD */
void sotto_json_cstr(sotto_json_writer *w, const char *text);
void sotto_json_i64(sotto_json_writer *w, int64_t v);
void sotto_json_u64(sotto_json_writer *w, uint64_t v);
void sotto_json_bool(sotto_json_writer *w, bool v);
void sotto_json_null(sotto_json_writer *w);
void sotto_json_decimal(sotto_json_writer *w, int64_t mantissa,
                        unsigned decimals);                 /* a JSON number with that many digits */
void sotto_json_raw(sotto_json_writer *w, sotto_span json); /* a complete value made elsewhere */
/* OK when nothing failed and every container is closed. */
SOTTO_MUST_USE sotto_status sotto_json_writer_end(const sotto_json_writer *w);

#endif
