#include "sotto/codec/csv.h"

#include "sotto/codec/text.h"

#include <stdio.h>
#include <string.h>

/* One row being read. Nothing of it reaches the reader's position before the whole row is good. */
typedef struct row {
    sotto_csv *csv;
    sotto_diag *diag;
    const uint8_t *text;
    size_t at;
    size_t limit; /* where reading stops: the input's end, or the longest row's */
    size_t scratch;
    size_t count;
    uint64_t line;
    bool more_fields;
} row;

SOTTO_PRINTF(3, 4)
static sotto_status bad(const row *r, sotto_status status, const char *format, ...)
{
    char text[sizeof r->diag->text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return sotto_diag_at(r->diag, status, r->csv->name, r->line, "%s", text);
}

static sotto_status bad_limit(const row *r)
{
    return bad(r, SOTTO_ERR(CODEC, RANGE), "a row longer than %d bytes (a quote that is never closed?)",
               SOTTO_CSV_ROW_MAX);
}

/* True when reading stopped because the row is too long, not because the input ended. */
static bool over_limit(const row *r)
{
    return r->at == r->limit && r->limit < r->csv->text.len;
}

static sotto_status scan_plain(row *r, sotto_span *field)
{
    size_t start = r->at;
    uint8_t delimiter = r->csv->delimiter;
    for (; r->at < r->limit; r->at++) {
        uint8_t c = r->text[r->at];
        if (c == delimiter || c == '\n' || c == '\r')
            break;
        if (c == '"')
            return bad(r, SOTTO_ERR(CODEC, MALFORMED),
                       "a quote inside field %zu, which does not begin with one", r->count + 1);
    }
    if (over_limit(r))
        return bad_limit(r);
    *field = (sotto_span){.ptr = r->text + start, .len = r->at - start};
    return SOTTO_OK;
}

/* The quoted text up to its closing quote, which is passed over; *doubled when it holds "" and must be
 * unescaped. */
static sotto_status scan_quoted_text(row *r, bool *doubled)
{
    uint64_t first_line = r->line;
    *doubled = false;
    for (; r->at < r->limit; r->at++) {
        uint8_t c = r->text[r->at];
        if (c == '\n')
            r->line++;
        if (c != '"')
            continue;
        r->at++;
        if (r->at == r->limit || r->text[r->at] != '"')
            return SOTTO_OK;
        *doubled = true;
    }
    r->line = first_line; /* where the quote opened says more than where the input ended */
    if (over_limit(r))
        return bad_limit(r);
    return bad(r, SOTTO_ERR(CODEC, MALFORMED), "field %zu opens a quote that is never closed", r->count + 1);
}

/* "" becomes ". The result is shorter than the row, and the scratch is as long as the longest row: it always
 * fits. */
static sotto_span unescape(row *r, sotto_span raw)
{
    uint8_t *out = r->csv->scratch + r->scratch;
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        out[n++] = raw.ptr[i];
        i += raw.ptr[i] == '"';
    }
    r->scratch += n;
    return (sotto_span){.ptr = out, .len = n};
}

static sotto_status scan_quoted(row *r, sotto_span *field)
{
    bool doubled;
    size_t start = ++r->at;
    sotto_status status = scan_quoted_text(r, &doubled);
    if (status != SOTTO_OK)
        return status;
    if (over_limit(r))
        return bad_limit(r);
    *field = (sotto_span){.ptr = r->text + start, .len = r->at - 1 - start};
    if (doubled)
        *field = unescape(r, *field);
    return SOTTO_OK;
}

/* What stands behind a field: a delimiter, the end of the row, or something that must not be there. */
static sotto_status scan_separator(row *r)
{
    r->more_fields = false;
    if (r->at == r->limit)
        return SOTTO_OK;
    uint8_t c = r->text[r->at];
    if (c == r->csv->delimiter) {
        r->at++;
        r->more_fields = true;
        return SOTTO_OK;
    }
    if (c == '\r' && r->at + 1 < r->limit && r->text[r->at + 1] == '\n')
        r->at++;
    else if (c == '\r')
        return bad(r, SOTTO_ERR(CODEC, MALFORMED),
                   "a carriage return that no line feed follows, in field %zu", r->count + 1);
    else if (c != '\n')
        return bad(r, SOTTO_ERR(CODEC, MALFORMED), "text after the closing quote of field %zu", r->count + 1);
    r->at++;
    r->line++;
    return SOTTO_OK;
}

static sotto_status check_text(const row *r, size_t start)
{
    size_t offset;
    sotto_span bytes = {.ptr = r->text + start, .len = r->at - start};
    if (!sotto_utf8_valid(bytes, &offset))
        return bad(r, SOTTO_ERR(CODEC, MALFORMED), "not UTF-8 at byte %zu of the file", start + offset);
    if (bytes.len > 0 && memchr(bytes.ptr, 0, bytes.len) != NULL)
        return bad(r, SOTTO_ERR(CODEC, MALFORMED), "a zero byte (is the file UTF-16?)");
    return SOTTO_OK;
}

static row row_at(sotto_csv *csv, sotto_diag *diag)
{
    size_t left = csv->text.len - csv->at;
    return (row){.csv = csv,
                 .diag = diag,
                 .text = csv->text.ptr,
                 .at = csv->at,
                 .limit = csv->at + (left < SOTTO_CSV_ROW_MAX ? left : SOTTO_CSV_ROW_MAX),
                 .line = csv->next_line};
}

/* Reads the row at csv->at into csv->field; r tells where it ended. */
static sotto_status read_row(row *r)
{
    size_t start = r->at;
    uint64_t first_line = r->line, next_line;
    do {
        if (r->count == SOTTO_CSV_FIELDS_MAX)
            return bad(r, SOTTO_ERR(CODEC, RANGE), "more than %d fields in a row", SOTTO_CSV_FIELDS_MAX);
        bool quoted = r->at < r->limit && r->text[r->at] == '"';
        sotto_span *field = &r->csv->field[r->count];
        sotto_status status = quoted ? scan_quoted(r, field) : scan_plain(r, field);
        if (status == SOTTO_OK)
            status = scan_separator(r);
        if (status != SOTTO_OK)
            return status;
        r->count++;
    } while (r->more_fields);
    next_line = r->line;
    r->line = first_line; /* what is wrong with the row as a whole is said of its first line */
    sotto_status status = check_text(r, start);
    r->line = next_line;
    return status;
}

static void accept(sotto_csv *csv, const row *r)
{
    csv->line = csv->next_line;
    csv->next_line = r->line;
    csv->at = r->at;
    csv->count = r->count;
}

static uint8_t find_delimiter(sotto_span text)
{
    static const uint8_t CANDIDATES[] = {',', ';', '\t'};
    size_t seen[SOTTO_COUNT(CANDIDATES)] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.len && i < SOTTO_CSV_ROW_MAX && (quoted || text.ptr[i] != '\n'); i++) {
        quoted ^= text.ptr[i] == '"';
        for (size_t k = 0; k < SOTTO_COUNT(CANDIDATES) && !quoted; k++)
            seen[k] += text.ptr[i] == CANDIDATES[k];
    }
    for (size_t k = 1; k < SOTTO_COUNT(CANDIDATES); k++)
        if (seen[k] > seen[best])
            best = k;
    return CANDIDATES[best];
}

/* Quadratic in the number of columns, which is at most SOTTO_CSV_FIELDS_MAX, once a file. */
static sotto_status check_names(const sotto_csv *csv, const row *r)
{
    for (size_t i = 0; i < csv->columns; i++)
        for (size_t k = 0; k < i; k++)
            if (sotto_span_equal(csv->field[i], csv->field[k]))
                return sotto_diag_at(r->diag, SOTTO_ERR(CODEC, MALFORMED), csv->name, csv->line,
                                     "columns %zu and %zu have the same name", k + 1, i + 1);
    return SOTTO_OK;
}

sotto_status sotto_csv_open(sotto_csv *csv, sotto_span text, const char *name, uint8_t delimiter,
                            sotto_diag *diag)
{
    static const uint8_t BOM[] = {0xef, 0xbb, 0xbf};
    csv->text = text;
    csv->name = name;
    csv->at = text.len >= sizeof BOM && memcmp(text.ptr, BOM, sizeof BOM) == 0 ? sizeof BOM : 0;
    csv->line = csv->next_line = 1;
    csv->columns = csv->count = 0;
    if (csv->at == text.len)
        return sotto_diag_at(diag, SOTTO_ERR(CODEC, MALFORMED), name, 1,
                             "empty, where a header was expected");
    csv->delimiter =
        delimiter != 0 ? delimiter : find_delimiter(sotto_span_of(text.ptr + csv->at, text.len - csv->at));
    row r = row_at(csv, diag);
    sotto_status status = read_row(&r);
    if (status != SOTTO_OK)
        return status;
    accept(csv, &r);
    csv->columns = r.count;
    return check_names(csv, &r);
}

/* The input may end in one blank line (an editor's habit); anywhere else a blank line is a row with too few
 * fields. */
static bool only_blank_line_left(const sotto_csv *csv)
{
    sotto_span rest = {.ptr = csv->text.ptr + csv->at, .len = csv->text.len - csv->at};
    return sotto_span_is(rest, "") || sotto_span_is(rest, "\n") || sotto_span_is(rest, "\r\n");
}

sotto_status sotto_csv_next(sotto_csv *csv, bool *more, sotto_diag *diag)
{
    *more = false;
    csv->count = 0;
    if (only_blank_line_left(csv))
        return SOTTO_OK;
    row r = row_at(csv, diag);
    sotto_status status = read_row(&r);
    if (status != SOTTO_OK)
        return status;
    if (r.count != csv->columns)
        return sotto_diag_at(diag, SOTTO_ERR(CODEC, MALFORMED), csv->name, csv->next_line,
                             "%zu fields, where the header has %zu", r.count, csv->columns);
    accept(csv, &r);
    *more = true;
    return SOTTO_OK;
}
