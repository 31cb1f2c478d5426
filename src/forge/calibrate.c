/* Puts a calibration into a compiled model: the sections as they were, CALI exchanged. docs/formats/model.md.
 */
#include "forge_priv.h"

#include <stdlib.h>
#include <string.h>

enum { FRAME_BYTES = 32, ENTRY_BYTES = 16, SECTION_ALIGN = 16, TRAILER_ALIGN = 8, SECTIONS_MAX = 64 };
static const char OWN_LINES[] = "sotto.calibration";

typedef struct part {
    uint8_t type[4];
    uint32_t flags;
    sotto_span bytes;
} part;

/* The new file in parts, and the memory of those that are new. */
typedef struct rewriting {
    part parts[SECTIONS_MAX + 2];
    size_t count;
    sotto_vec calibration, provenance;
    sotto_status status; /* the first failure sticks */
} rewriting;

static void put(rewriting *w, sotto_vec *out, const void *bytes, size_t len)
{
    if (w->status == SOTTO_OK)
        w->status = sotto_vec_put(out, bytes, len);
}

static void put_le(rewriting *w, sotto_vec *out, uint64_t v, size_t width)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (uint8_t)(v >> (8 * i));
    put(w, out, bytes, width);
}

static void align(rewriting *w, sotto_vec *out, size_t start, size_t to)
{
    while (w->status == SOTTO_OK && (out->len - start) % to != 0)
        put_le(w, out, 0, 1);
}

static void write_calibration(rewriting *w, const sotto_calibration *c)
{
    put_le(w, &w->calibration, c->kind, 2);
    put_le(w, &w->calibration, 0, 2);
    put_le(w, &w->calibration, c->kind == SOTTO_CALIBRATION_ISOTONIC ? c->points : 0, 4);
    if (c->kind == SOTTO_CALIBRATION_PLATT) {
        put_le(w, &w->calibration, (uint64_t)c->slope_q24, 8);
        put_le(w, &w->calibration, (uint64_t)c->offset_q24, 8);
        return;
    }
    for (size_t i = 0; i < c->points; i++)
        put_le(w, &w->calibration, (uint64_t)c->margin_q24[i], 8);
    for (size_t i = 0; i < c->points; i++)
        put_le(w, &w->calibration, c->p_q30[i], 4);
}

/* Lines that an earlier calibration left are dropped. */
static void keep_lines(rewriting *w, sotto_span text)
{
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t next = end == NULL ? text.len : (size_t)(end - text.ptr) + 1;
        bool own =
            next - at > sizeof OWN_LINES - 1 && memcmp(text.ptr + at, OWN_LINES, sizeof OWN_LINES - 1) == 0;
        if (!own)
            put(w, &w->provenance, text.ptr + at, next - at);
        at = next;
    }
}

static void add_part(rewriting *w, const char *type, uint32_t flags, sotto_span bytes)
{
    part *p = &w->parts[w->count++];
    memcpy(p->type, type, sizeof p->type);
    p->flags = flags;
    p->bytes = bytes;
}

/* The model has been loaded: its table is what it says. */
static void take_parts(rewriting *w, sotto_span model)
{
    sotto_cursor c = sotto_cursor_of(sotto_span_of(model.ptr + 12, model.len - 12));
    uint32_t sections = sotto_cursor_u32(&c);
    (void)sotto_cursor_bytes(&c, FRAME_BYTES - 16);
    for (uint32_t i = 0; i < sections; i++) {
        sotto_span type = sotto_cursor_bytes(&c, 4);
        uint32_t flags = sotto_cursor_u32(&c), offset = sotto_cursor_u32(&c), length = sotto_cursor_u32(&c);
        sotto_span bytes = sotto_span_of(model.ptr + offset, length);
        if (sotto_span_is(type, "PROV"))
            keep_lines(w, bytes);
        else if (!sotto_span_is(type, "CALI"))
            add_part(w, (const char *)type.ptr, flags, bytes);
    }
}

static void write_parts(rewriting *w, sotto_vec *out, size_t start)
{
    uint64_t at = FRAME_BYTES + w->count * ENTRY_BYTES;
    for (size_t i = 0; i < w->count; i++) { /* where each will stand is known from the lengths */
        at = (at + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;
        put(w, out, w->parts[i].type, 4);
        put_le(w, out, w->parts[i].flags, 4);
        put_le(w, out, at, 4);
        put_le(w, out, w->parts[i].bytes.len, 4);
        at += w->parts[i].bytes.len;
    }
    for (size_t i = 0; i < w->count; i++) {
        align(w, out, start, SECTION_ALIGN);
        put(w, out, w->parts[i].bytes.ptr, w->parts[i].bytes.len);
    }
    align(w, out, start, TRAILER_ALIGN);
    put_le(w, out, 0, 4);
}

static void write_all(rewriting *w, sotto_span model, sotto_vec *out)
{
    size_t start = out->len, end = FRAME_BYTES + w->count * ENTRY_BYTES;
    for (size_t i = 0; i < w->count; i++)
        end = (end + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN + w->parts[i].bytes.len;
    end = (end + TRAILER_ALIGN - 1) / TRAILER_ALIGN * TRAILER_ALIGN + 8;
    put(w, out, model.ptr, 12);
    put_le(w, out, w->count, 4);
    put_le(w, out, end, 4);
    put_le(w, out, 0, 8);
    put_le(w, out, 0, 4);
    write_parts(w, out, start);
    if (w->status == SOTTO_OK)
        put_le(w, out, sotto_crc32(0, sotto_span_of(out->ptr + start, out->len - start)), 4);
}

/* Loads a file once. It must be aligned as the heap is. */
static sotto_status try_load(sotto_span file, sotto_diag *diag)
{
    size_t cap = sotto_model_arena_bound(file.len);
    void *memory = malloc(cap);
    const sotto_model *model;
    sotto_arena arena;
    if (memory == NULL)
        return sotto_forge_no_memory(diag);
    sotto_arena_init(&arena, memory, cap);
    sotto_status status = sotto_model_load(&model, file, &arena, diag);
    free(memory);
    return status;
}

static sotto_status rewrite(rewriting *w, sotto_span model, const sotto_calibration *c, sotto_span provenance,
                            sotto_vec *out, sotto_diag *diag)
{
    size_t start = out->len;
    take_parts(w, model);
    if (c->kind != SOTTO_CALIBRATION_NONE) {
        write_calibration(w, c);
        add_part(w, "CALI", 1, sotto_vec_span(&w->calibration));
    }
    put(w, &w->provenance, provenance.ptr, provenance.len);
    if (w->provenance.len > 0)
        add_part(w, "PROV", 0, sotto_vec_span(&w->provenance));
    write_all(w, model, out);
    sotto_status status = w->status;
    if (status == SOTTO_OK)
        status = try_load(sotto_span_of(out->ptr + start, out->len - start), diag);
    else
        (void)sotto_diag_set(diag, status, "the calibrated model does not fit");
    if (status != SOTTO_OK)
        out->len = start;
    return status;
}

sotto_status sotto_forge_calibrate(sotto_span model, const sotto_calibration *c, sotto_span provenance,
                                   sotto_vec *out, sotto_diag *diag)
{
    sotto_status status = try_load(model, diag);
    if (status != SOTTO_OK)
        return status;
    rewriting *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sotto_forge_no_memory(diag);
    sotto_vec_init(&w->calibration, SIZE_MAX / 4);
    sotto_vec_init(&w->provenance, SIZE_MAX / 4);
    status = rewrite(w, model, c, provenance, out, diag);
    sotto_vec_free(&w->calibration);
    sotto_vec_free(&w->provenance);
    free(w);
    return status;
}
