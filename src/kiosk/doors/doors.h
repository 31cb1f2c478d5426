/* The doors of `serve`: requests of the kiosk application and of `sync`, answered by the engine. */
#ifndef SOTTO_KIOSK_DOORS_DOORS_H
#define SOTTO_KIOSK_DOORS_DOORS_H

#include "engine/engine.h"

#include "sotto/sync.h"

#define KIOSK_ERROR_MAX                                                                                      \
    4096 /* bytes of an error's JSON: a diagnosis of which every byte is escaped (6 for 1) */

/* The kiosk application's socket; ctx is the engine. POST /v1/decide, /v1/events, /v1/forget; GET /v1/status,
 * /v1/audit. */
void kiosk_api_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                      sotto_reply *reply);
/* The socket of `sotto sync`. GET /v1/identity, /v1/outbox/next; POST /v1/identity, /v1/outbox/<seq>/ack,
 * /v1/release, /v1/night. */
void kiosk_link_handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer,
                       sotto_reply *reply);
/* Its routes about tag packs (link_pack.c). */
SOTTO_MUST_USE sotto_status kiosk_link_get_pack(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                                sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_link_post_pack(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                                 sotto_diag *diag);
SOTTO_MUST_USE sotto_status kiosk_link_post_restate(kiosk_engine *e, sotto_json_node body, sotto_reply *reply,
                                                    sotto_diag *diag);
/* {"error":{...}} with the HTTP code that fits the cause. */
void kiosk_reply_error(sotto_reply *reply, const sotto_diag *diag);
void kiosk_reply_json(sotto_reply *reply, int code, sotto_span json);

#endif
