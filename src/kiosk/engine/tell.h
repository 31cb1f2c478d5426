/* What the terminal says of itself: status for the operator, audit for the privacy officer, health for head
 * office. */
#ifndef SOTTO_KIOSK_ENGINE_TELL_H
#define SOTTO_KIOSK_ENGINE_TELL_H

#include "engine/engine.h"

extern const char *const KIOSK_QUARTER[SOTTO_TALLY_QUARTERS]; /* members of budget.left */
SOTTO_MUST_USE sotto_status kiosk_status_json(kiosk_engine *e, sotto_buf *json, sotto_diag *diag);
/* Every report since the terminal began: years of them, so its size is the caller's to bound. */
SOTTO_MUST_USE sotto_status kiosk_audit_json(kiosk_engine *e, bool with_bytes, sotto_vec *json,
                                             sotto_diag *diag);
/* The same with bytes, as a statement that the report key signs (docs/formats/audit.md). */
SOTTO_MUST_USE sotto_status kiosk_audit_export(kiosk_engine *e, sotto_vec *out, sotto_diag *diag);

/* {"release","good","failed","why","program"}, and of the machine "disk_free_mib", "waiting" and
 * "clock_ahead_min" (docs/formats/wire.md): what sync and head office are told; nothing of any customer. At
 * most 320 bytes. */
SOTTO_MUST_USE sotto_status kiosk_health_json(kiosk_engine *e, sotto_buf *json);

#endif
