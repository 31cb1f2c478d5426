/* What of the office ends when: certificates and metadata, for devices, serve and its metrics. */
#ifndef SOTTO_HQ_COLLECTOR_EXPIRY_H
#define SOTTO_HQ_COLLECTOR_EXPIRY_H

#include "release/tuf.h"

#define HQ_EXPIRIES (7 + HQ_TEAMS_MAX)
typedef struct hq_expiry {
    char what[HQ_TEAM_NAME_MAX + 16];
    const char *remedy;
    int64_t until_s; /* 0 = there is none yet; and near: it cannot be read */
    bool near;       /* somebody should act */
} hq_expiry;
/* The number of them: what cannot be read is an entry as well. After sotto_vault_start. */
size_t hq_office_expiries(const char *dir, int64_t now_s, hq_expiry out[static HQ_EXPIRIES]);

#endif
