/* Rows of a CSV file of any size through a window of memory; its bytes are hashed on the way. */
#ifndef SOTTO_KIOSK_ENGINE_ROWS_H
#define SOTTO_KIOSK_ENGINE_ROWS_H

#include "sotto/codec.h"
#include "sotto/vault.h"

typedef struct kiosk_rows kiosk_rows;
SOTTO_MUST_USE sotto_status kiosk_rows_open(kiosk_rows **out, const char *path, sotto_diag *diag);
const sotto_csv *kiosk_rows_csv(const kiosk_rows *rows); /* the header at first, then the current row */
SOTTO_MUST_USE sotto_status kiosk_rows_next(kiosk_rows *rows, bool *more, sotto_diag *diag);
/* Reads on to the end; the rows cannot be read any more. */
SOTTO_MUST_USE sotto_status kiosk_rows_sha256(kiosk_rows *rows, uint8_t sha256[static SOTTO_SHA256_BYTES],
                                              sotto_diag *diag);
void kiosk_rows_close(kiosk_rows *rows); /* NULL allowed */
/* Told on a terminal only. */
void kiosk_progress(const char *what, uint64_t rows, bool last);

#endif
