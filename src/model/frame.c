/* The frame of a model file: magic, version, section table, CRC. docs/formats/model.md section 1. */
#include "model_priv.h"

#include <stdio.h>
#include <string.h>

static const char MAGIC[] = "SOTTOMDL";
enum { MAJOR_VERSION = 1, FLAG_CRITICAL = 1, SECTION_ALIGN = 16, TRAILER_ALIGN = 8 };

typedef struct entry {
    const uint8_t *at; /* of the entry itself */
    sotto_span type;
    uint32_t flags, offset, length;
} entry;

sotto_status sotto_model_bad(const loader *l, const void *at, sotto_status status, const char *format, ...)
{
    char text[sizeof l->diag->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    uint64_t offset = (uint64_t)((const uint8_t *)at - l->file.ptr);
    return sotto_diag_at_offset(l->diag, status, NULL, offset, "%s", text);
}

static size_t align_up(size_t v, size_t to)
{
    return (v + to - 1) & ~(to - 1);
}

static sotto_status check_zero(const loader *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (l->file.ptr[i] != 0)
            return sotto_model_bad(l, l->file.ptr + i, SOTTO_ERR(MODEL, MALFORMED),
                                   "a byte that must be zero is not");
    return SOTTO_OK;
}

static sotto_status check_header(const loader *l, uint32_t *sections)
{
    const uint8_t *start = l->file.ptr;
    if (l->file.len < FRAME_BYTES + TRAILER_BYTES)
        return sotto_model_bad(l, start + l->file.len, SOTTO_ERR(MODEL, TRUNCATED),
                               "a model file has at least %d bytes", FRAME_BYTES + TRAILER_BYTES);
    sotto_cursor c = sotto_cursor_of(l->file);
    if (!sotto_span_is(sotto_cursor_bytes(&c, sizeof MAGIC - 1), MAGIC))
        return sotto_model_bad(l, start, SOTTO_ERR(MODEL, MALFORMED), "this is not a model file");
    uint16_t major = sotto_cursor_u16(&c);
    (void)sotto_cursor_u16(&c); /* minor: only adds what may be skipped */
    *sections = sotto_cursor_u32(&c);
    uint32_t bytes = sotto_cursor_u32(&c);
    if (major != MAJOR_VERSION)
        return sotto_model_bad(l, start + 8, SOTTO_ERR(MODEL, UNSUPPORTED),
                               "version %u of the format; this program reads version %d", (unsigned)major,
                               MAJOR_VERSION);
    if (bytes > l->file.len)
        return sotto_model_bad(l, start + l->file.len, SOTTO_ERR(MODEL, TRUNCATED),
                               "the file says that it has %u bytes", (unsigned)bytes);
    if (bytes < l->file.len)
        return sotto_model_bad(l, start + bytes, SOTTO_ERR(MODEL, MALFORMED), "bytes behind the end");
    return SOTTO_OK;
}

static sotto_status check_crc(const loader *l)
{
    size_t covered = l->file.len - 4;
    sotto_cursor c = sotto_cursor_of(sotto_span_of(l->file.ptr + covered, 4));
    if (sotto_cursor_u32(&c) != sotto_crc32(0, sotto_span_of(l->file.ptr, covered)))
        return sotto_model_bad(l, l->file.ptr + covered, SOTTO_ERR(MODEL, CORRUPT),
                               "the checksum does not match: the file is damaged");
    return SOTTO_OK;
}

/* Index of a section of this version, or SECTION_COUNT. */
static enum section section_find(sotto_span type)
{
    static const char *const TYPES[] = {
#define X(name, text, needed) text,
        SECTIONS(X)
#undef X
    };
    for (size_t i = 0; i < SOTTO_COUNT(TYPES); i++)
        if (sotto_span_is(type, TYPES[i]))
            return (enum section)i;
    return SECTION_COUNT;
}

/* Takes a section's bytes into the loader, or skips it when it may be skipped. */
static sotto_status keep_section(loader *l, const entry *e)
{
    enum section which = section_find(e->type);
    if (which == SECTION_COUNT && (e->flags & FLAG_CRITICAL) == 0)
        return SOTTO_OK;
    if (which == SECTION_COUNT)
        return sotto_model_bad(l, e->at, SOTTO_ERR(MODEL, UNSUPPORTED),
                               "the model needs a section that this version does not know");
    if (l->section[which].ptr != NULL)
        return sotto_model_bad(l, e->at, SOTTO_ERR(MODEL, MALFORMED), "a section stands twice");
    if (((e->flags & FLAG_CRITICAL) != 0) != (which != SECTION_PROV))
        return sotto_model_bad(l, e->at, SOTTO_ERR(MODEL, MALFORMED), "wrong flags of a section");
    l->section[which] = sotto_span_of(l->file.ptr + e->offset, e->length);
    return SOTTO_OK;
}

/* A section starts where the one before it ended, up to alignment. *end moves on behind it. */
static sotto_status check_entry(const loader *l, const entry *e, size_t limit, size_t *end)
{
    size_t start = align_up(*end, SECTION_ALIGN);
    if (e->flags > FLAG_CRITICAL)
        return sotto_model_bad(l, e->at + 4, SOTTO_ERR(MODEL, MALFORMED), "unknown flags of a section");
    if (e->offset != start || start > limit)
        return sotto_model_bad(l, e->at + 8, SOTTO_ERR(MODEL, MALFORMED),
                               "a section is not where it must be");
    if (e->length > limit - start)
        return sotto_model_bad(l, e->at + 12, SOTTO_ERR(MODEL, MALFORMED),
                               "a section reaches behind the end");
    sotto_status status = check_zero(l, *end, start);
    *end = start + e->length;
    return status;
}

static sotto_status read_table(loader *l, uint32_t sections)
{
    size_t limit = l->file.len - TRAILER_BYTES;
    if (sections == 0 || sections > SECTIONS_MAX || sections * (size_t)ENTRY_BYTES > limit - FRAME_BYTES)
        return sotto_model_bad(l, l->file.ptr + 12, SOTTO_ERR(MODEL, RANGE), "%u sections",
                               (unsigned)sections);
    size_t end = FRAME_BYTES + sections * (size_t)ENTRY_BYTES;
    sotto_cursor c = sotto_cursor_of(sotto_span_of(l->file.ptr + FRAME_BYTES, end - FRAME_BYTES));
    for (uint32_t i = 0; i < sections; i++) {
        entry e = {.at = c.at};
        e.type = sotto_cursor_bytes(&c, 4);
        e.flags = sotto_cursor_u32(&c);
        e.offset = sotto_cursor_u32(&c);
        e.length = sotto_cursor_u32(&c);
        sotto_status status = check_entry(l, &e, limit, &end);
        if (status == SOTTO_OK)
            status = keep_section(l, &e);
        if (status != SOTTO_OK)
            return status;
    }
    if (align_up(end, TRAILER_ALIGN) != limit)
        return sotto_model_bad(l, l->file.ptr + end, SOTTO_ERR(MODEL, MALFORMED),
                               "bytes that belong to no section");
    return check_zero(l, end, l->file.len - 4);
}

static sotto_status check_complete(const loader *l)
{
    static const bool NEEDED[] = {
#define X(name, text, needed) needed,
        SECTIONS(X)
#undef X
    };
    for (size_t i = 0; i < SECTION_COUNT; i++)
        if (NEEDED[i] && l->section[i].ptr == NULL)
            return sotto_model_bad(l, l->file.ptr + FRAME_BYTES, SOTTO_ERR(MODEL, MALFORMED),
                                   "a section that every model has is missing");
    return SOTTO_OK;
}

sotto_status sotto_model_read_frame(loader *l)
{
    uint32_t sections = 0;
    sotto_status status = check_header(l, &sections);
    if (status == SOTTO_OK)
        status = check_crc(l);
    if (status == SOTTO_OK)
        status = check_zero(l, 20, FRAME_BYTES);
    if (status == SOTTO_OK)
        status = read_table(l, sections);
    return status == SOTTO_OK ? check_complete(l) : status;
}
