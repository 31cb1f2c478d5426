/* csv: RFC 4180 rows from memory, delimiter and quotes chosen or found; UTF-8 checked; line numbers kept. */
#ifndef SOTTO_CODEC_CSV_H
#define SOTTO_CODEC_CSV_H

#include "sotto/base.h"

#define SOTTO_CSV_FIELDS_MAX 1024  /* columns of a row */
#define SOTTO_CSV_ROW_MAX    65536 /* bytes of a row */

/* Some 80 KiB: not for a stack. */
typedef struct sotto_csv {
    sotto_span text;                        /* whole input; owned by the caller */
    const char *name;                       /* file name for messages; may be NULL */
    size_t at;                              /* offset of the next row */
    uint64_t line;                          /* line number (from 1) at which the current row starts */
    uint64_t next_line;                     /* line number of the next row */
    uint8_t delimiter;                      /* ',' ';' or '\t' */
    size_t columns;                         /* of the header; every row must have as many */
    size_t count;                           /* fields of the current row */
    sotto_span field[SOTTO_CSV_FIELDS_MAX]; /* point into text or scratch; valid until the next call */
    uint8_t scratch[SOTTO_CSV_ROW_MAX];     /* unescaped quoted fields */
} sotto_csv;

/* Opens text and reads its header into field[0..columns). delimiter 0 = the commonest of , ; tab in the first
 * line. A UTF-8 byte order mark is skipped; \n and \r\n both end a row. MALFORMED: empty, not UTF-8, a zero
 * byte, a bad quote, a lone \r, two columns of one name; RANGE: a row too long or of too many fields. With
 * file and line. */
SOTTO_MUST_USE sotto_status sotto_csv_open(sotto_csv *csv, sotto_span text, const char *name,
                                           uint8_t delimiter, sotto_diag *diag);
/* Next row into field[]; *more false at the end. Blank last line allowed. Errors as above, and MALFORMED for
 * another number of fields than the header's; the reader stays at the bad row. */
SOTTO_MUST_USE sotto_status sotto_csv_next(sotto_csv *csv, bool *more, sotto_diag *diag);

#endif
