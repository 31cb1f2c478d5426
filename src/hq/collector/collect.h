/*
 * collect: requests of terminals -> registry -> replies. One collector is one worker's, in one thread; other
 * workers, and other machines, may serve the same registry.
 */
#ifndef SOTTO_HQ_COLLECTOR_COLLECT_H
#define SOTTO_HQ_COLLECTOR_COLLECT_H

#include "collector/metrics.h"
#include "registry/registry.h"

#include "sotto/port.h"
#include "sotto/privacy.h"
#include "sotto/sync.h"
#include "sotto/vault.h"

enum hq_listener { HQ_LISTENER_DEVICES, HQ_LISTENER_ENROL, HQ_LISTENER_HEALTH, HQ_LISTENER_COUNT };
#define HQ_DEVICE_CERT_DAYS 365
/* How long after its end a certificate can still be renewed without a code. */
#define HQ_RENEW_GRACE_DAYS 90
#define HQ_REPORT_MEMORY    (2u << 20) /* to open one report, and the tasks it is held against */
#define HQ_TOKEN_HEX        32
/* A report that was opened and verified, or a continuation token that was shown, on its way into the
 * registry. */
typedef struct hq_pending {
    hq_device device;
    bool night;                                          /* a token */
    char have[HQ_TOKEN_HEX + 1], next[HQ_TOKEN_HEX + 1]; /* have: "" = none */
    sotto_report report;
    int64_t *cells;    /* report's; freed when it is settled */
    sotto_span sealed; /* stays until it is settled */
    uint8_t sha256[SOTTO_SHA256_BYTES];
    int64_t received_s;
    bool clock_ahead;
    sotto_reply *reply; /* NULL allowed */
    /* What became of it: */
    bool repeated;
    hq_shown shown; /* of a token */
    bool final;     /* refused for what it is, and never for what our disk, memory or database says */
    unsigned alarms;
    sotto_status status;
    sotto_diag diag;
} hq_pending;
typedef struct hq_collector {
    const char *dir;
    hq_registry *registry;
    sotto_clock clock;
    sotto_entropy entropy;
    const sotto_log *log;
    /* ca.pem: its first certificate issues, by authority_key or, where that is elsewhere (""), the signer. */
    char authority_key[SOTTO_PEM_MAX], authority_cert[SOTTO_PEM_MAX];
    int64_t authority_until_s;                              /* end of the one that issues */
    struct hq_signer *signer;                               /* NULL: this office issues itself */
    char time_key[SOTTO_PEM_MAX], time_cert[SOTTO_PEM_MAX]; /* who tells the time; key "": nobody */
    bool time_due;                                          /* its certificate is absent or near its end */
    int64_t time_told_s;    /* when the log last had why nobody here tells it; 0 = not since somebody did */
    void *memory;           /* for one report, and the tasks that it is held against */
    sotto_tasks tasks;      /* of tasks_release, in that memory */
    uint64_t tasks_release; /* 0: of none */
    hq_metrics *metrics;    /* NULL allowed; the caller's */
    /* NULL: each report is a transaction of its own. Otherwise SOTTO_SERVER_BATCH_MAX places, and the server
     * calls hq_collect_commit. */
    hq_pending *pending;
    size_t pending_count;
    bool stopping; /* not ready any more */
} hq_collector;
SOTTO_MUST_USE sotto_status hq_collector_open(hq_collector *out, const char *dir, const sotto_log *log,
                                              sotto_diag *diag);
/* The same with a program that signs for an authority elsewhere (signer.h); sign_command NULL: as above. */
SOTTO_MUST_USE sotto_status hq_collector_open_for(hq_collector *out, const char *dir,
                                                  const char *sign_command, const sotto_log *log,
                                                  sotto_diag *diag);
void hq_collector_close(hq_collector *collector);
/* Answers what the signer has ended meanwhile; between two steps of the server. Whether some still run. */
bool hq_collect_signed(hq_collector *c, sotto_server *server);
/* Looks at the certificate with which the time is told, as it lies in the folder now. issues: gets another
 * when it is due; of several processes one does. waits: it may take as long as the signer. */
void hq_collect_time_keep(hq_collector *c, bool issues, bool waits);
/* How long a worker waits until it looks again: not long while it cannot tell the time, since another one may
 * have got the certificate. */
int64_t hq_collect_look_every_s(const hq_collector *c);
/* The server's handler; ctx is the collector. Paths: docs/formats/wire.md. */
void hq_collect(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply);
/* The server's commit: all that is pending in one transaction, then the answers. */
void hq_collect_commit(void *ctx);
/* Parts of it: */
/* Everything that can be said about a report before the registry is asked. Raises alarms of what is refused.
 */
SOTTO_MUST_USE sotto_status hq_collect_open(hq_collector *c, const hq_device *device, uint64_t seq,
                                            sotto_span sealed, hq_pending *out, sotto_diag *diag);
/* Keeps them in one transaction and answers; at most SOTTO_SERVER_BATCH_MAX. */
void hq_collect_settle(hq_collector *c, hq_pending *pending, size_t count);
void hq_collect_answer(hq_collector *c, hq_pending *pending);
void hq_collect_tell(const hq_collector *c, const hq_device *device, uint64_t seq, unsigned alarms);
void hq_collect_accuse(hq_collector *c, const hq_device *device, uint64_t seq, enum hq_alarm alarm);
SOTTO_MUST_USE sotto_status hq_collect_enrol(hq_collector *c, sotto_span body, sotto_reply *reply,
                                             sotto_diag *diag);
/* {"have","next"}, to be settled; its status is then DENIED when the device is, or has just been,
 * quarantined. */
SOTTO_MUST_USE sotto_status hq_collect_night(const hq_collector *c, const hq_device *device, sotto_span body,
                                             hq_pending *out, sotto_diag *diag);
/* {"release","good","failed","why","program"} and perhaps "disk_free_mib", "waiting", "clock_ahead_min": is
 * kept, and raises or clears the alarm RELEASE_FAILED. */
SOTTO_MUST_USE sotto_status hq_collect_health(hq_collector *c, const hq_device *device, sotto_span body,
                                              sotto_diag *diag);
/* {"seq","sha256","reason"} of a report that will not come. */
SOTTO_MUST_USE sotto_status hq_collect_absent(hq_collector *c, const hq_device *device, uint64_t seq,
                                              sotto_span body, bool *repeated, sotto_diag *diag);
/* {"csr"}, from a device that shows certificate `used`; its next one into reply->body, or reply->later, as
 * for enrolment. BUSY, and 429 in reply->code, when it renews too often (hq_registry_renewal_wait). */
SOTTO_MUST_USE sotto_status hq_collect_renew(hq_collector *c, const hq_device *device,
                                             const uint8_t used[static SOTTO_SHA256_BYTES], sotto_span body,
                                             sotto_reply *reply, sotto_diag *diag);
/* {"csr","certificate"}, from whoever can sign by the certificate's key: as above. DENIED when the
 * certificate is not one that serves, EXPIRED when it lapsed more than HQ_RENEW_GRACE_DAYS ago, AUTH when the
 * request is another key's. */
SOTTO_MUST_USE sotto_status hq_collect_recover(hq_collector *c, sotto_span body, sotto_reply *reply,
                                               sotto_diag *diag);
/* Signs {nonce, now}. MALFORMED; UNSUPPORTED while nobody here may tell the time. */
SOTTO_MUST_USE sotto_status hq_collect_time(const hq_collector *c, sotto_span nonce, sotto_vec *answer,
                                            sotto_diag *diag);
/* GET of a file of the repository: 200, 206 or 416; NOT_FOUND. */
SOTTO_MUST_USE sotto_status hq_collect_release(hq_collector *c, const sotto_http_message *request,
                                               sotto_span name, sotto_reply *reply, sotto_diag *diag);
/* POST /v1/pack: *none when there is nothing to send. */
SOTTO_MUST_USE sotto_status hq_collect_pack(hq_collector *c, const hq_device *device, sotto_span body,
                                            sotto_vec *answer, bool *none, sotto_diag *diag);
/* GET /v1/pack/<seq>/<part> */
SOTTO_MUST_USE sotto_status hq_collect_pack_part(const hq_collector *c, const hq_device *device,
                                                 sotto_span rest, sotto_vec *answer, sotto_diag *diag);
/* A path below repo that may be served: metadata at the top, or targets/ and a plain file name. */
bool hq_collect_path_valid(sotto_span path);

#endif
