#include "sotto/base.h"

#include "base_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the UTF-8 sequence that this lead byte announces. */
static size_t sequence_len(unsigned char lead)
{
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

size_t sotto_base_clean_line(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    size_t lead = len;
    while (lead > 0 && len - lead < 3 && is_continuation(text[lead - 1]))
        lead--;
    if (lead > 0 && !is_continuation(text[lead - 1]) &&
        sequence_len((unsigned char)text[lead - 1]) > len - (lead - 1))
        return lead - 1;
    return len;
}

static void copy_line(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap);
    bool cut = len == cap;
    if (cut)
        len = cap - 1;
    memmove(out, text, len);
    size_t kept = sotto_base_clean_line(out, len);
    out[cut ? kept : len] = '\0';
}

/* Through a second buffer, so that an argument may be diag's own text ("while reading: %s"). */
SOTTO_PRINTF(2, 0)
static void set_text(sotto_diag *diag, const char *format, va_list args)
{
    char text[sizeof diag->text + 1];
    int n = vsnprintf(text, sizeof text, format, args);
    copy_line(diag->text, sizeof diag->text, n < 0 ? "" : text);
}

static void set_place(sotto_diag *diag, const char *where, uint64_t line, uint64_t offset, bool has_offset)
{
    if (where != NULL)
        copy_line(diag->where, sizeof diag->where, where);
    diag->line = line;
    diag->offset = offset;
    diag->has_offset = has_offset;
}

sotto_status sotto_diag_set(sotto_diag *diag, sotto_status status, const char *format, ...)
{
    if (diag == NULL)
        return status;
    va_list args;
    va_start(args, format);
    set_text(diag, format, args);
    va_end(args);
    diag->status = status;
    return status;
}

sotto_status sotto_diag_at(sotto_diag *diag, sotto_status status, const char *where, uint64_t line,
                           const char *format, ...)
{
    if (diag == NULL)
        return status;
    va_list args;
    va_start(args, format);
    set_text(diag, format, args);
    va_end(args);
    set_place(diag, where, line, 0, false);
    diag->status = status;
    return status;
}

sotto_status sotto_diag_at_offset(sotto_diag *diag, sotto_status status, const char *where, uint64_t offset,
                                  const char *format, ...)
{
    if (diag == NULL)
        return status;
    va_list args;
    va_start(args, format);
    set_text(diag, format, args);
    va_end(args);
    set_place(diag, where, 0, offset, true);
    diag->status = status;
    return status;
}

static size_t format_place(const sotto_diag *diag, char *out, size_t cap)
{
    const char *where = diag->where;
    int n;
    if (diag->line > 0)
        n = snprintf(out, cap, "%s%s%" PRIu64 ": ", where, where[0] ? ":" : "line ", diag->line);
    else if (diag->has_offset)
        n = snprintf(out, cap, "%s%sbyte %" PRIu64 ": ", where, where[0] ? ": " : "", diag->offset);
    else
        n = snprintf(out, cap, "%s%s", where, where[0] ? ": " : "");
    return n < 0 ? 0 : (size_t)n;
}

size_t sotto_diag_format(const sotto_diag *diag, char *out, size_t cap)
{
    if (cap == 0)
        return 0;
    out[0] = '\0';
    size_t at = format_place(diag, out, cap);
    if (at < cap)
        (void)snprintf(out + at, cap - at, "%s (%s: %s)", diag->text, sotto_status_room_name(diag->status),
                       sotto_status_cause_text(diag->status));
    size_t len = strlen(out);
    if (len == cap - 1)
        len = sotto_base_clean_line(out, len);
    out[len] = '\0';
    return len;
}
