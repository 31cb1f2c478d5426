/*
 * What is wrong with a terminal, from what head office knows of it, and what to do: the checks of `sotto
 * doctor` under the same names and by the same numbers (sotto/sync.h). Budgets are not among them: they are
 * exact numbers of customers, and stay on the terminal.
 */
#ifndef SOTTO_HQ_ADMIN_DEVICES_H
#define SOTTO_HQ_ADMIN_DEVICES_H

#include "registry/registry.h"

typedef struct hq_newest {
    uint64_t release;    /* that terminals are offered; 0 = none, or it cannot be read */
    int64_t published_s; /* 0 = not known */
    uint32_t days;       /* of its shortest period: a report follows each; 0 = it has no task */
} hq_newest;
/* The newest release of the office's folder. What cannot be read is as if it were not there. */
void hq_newest_read(const char *dir, hq_registry *registry, hq_newest *out);

/* X(NAME, "name"): in the order of sotto doctor. */
#define HQ_CHECKS(X)                                                                                         \
    X(STATE, "state")                                                                                        \
    X(CLOCK, "clock")                                                                                        \
    X(DISK, "disk")                                                                                          \
    X(CERTIFICATE, "certificate")                                                                            \
    X(RELEASE, "release")                                                                                    \
    X(SYNC, "sync")                                                                                          \
    X(OUTBOX, "outbox")
enum hq_check {
#define X(name, text) HQ_CHECK_##name,
    HQ_CHECKS(X)
#undef X
        HQ_CHECK_COUNT
};
const char *hq_check_name(enum hq_check check);

typedef struct hq_finding {
    enum hq_check check;
    char text[128];
    const char *remedy;
} hq_finding;
/* The release that it uses, as far as is known; 0 = none, or not known. */
uint64_t hq_device_release(const hq_device *device, const hq_health *health);
/* When it last spoke with head office; 0 = never since it was enrolled. */
int64_t hq_device_contact(const hq_device *device, const hq_health *health);
/* At most one a check. Of a revoked device there is none: it calls no more, and an alarm tells when it does.
 */
size_t hq_device_judge(const hq_device *device, const hq_health *health, const hq_newest *newest,
                       int64_t now_s, hq_finding out[static HQ_CHECK_COUNT]);

#endif
