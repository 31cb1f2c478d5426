/* doctor: what its two halves take from each other. doctor_files.c looks at this machine, cmd_doctor.c asks
 * serve. */
#ifndef SOTTO_KIOSK_COMMANDS_DOCTOR_H
#define SOTTO_KIOSK_COMMANDS_DOCTOR_H

#include "config/config.h"

#include "sotto/codec.h"

/* UNSEEN: nothing is known here; no alarm. */
enum verdict { GOOD, WARN, BAD, UNSEEN };

/* X(NAME, "name") - docs/operations.md has a row for each. */
#define CHECKS(X)                                                                                            \
    X(CLOCK, "clock")                                                                                        \
    X(KEY, "key")                                                                                            \
    X(DISK, "disk")                                                                                          \
    X(CERTIFICATE, "certificate")                                                                            \
    X(SERVE, "serve")                                                                                        \
    X(RELEASE, "release")                                                                                    \
    X(SYNC, "sync")                                                                                          \
    X(OUTBOX, "outbox")                                                                                      \
    X(BUDGET, "budget")                                                                                      \
    X(TIME, "time")                                                                                          \
    X(RESTORE, "restore")                                                                                    \
    X(WALL, "wall")
enum check {
#define X(name, text) CHECK_##name,
    CHECKS(X)
#undef X
};

typedef struct findings {
    sotto_json *status; /* what serve says of itself; NULL = it does not answer */
    bool barred;        /* it may be there, but not for this user */
    int64_t now_s;      /* serve's; without it, the machine's */
    bool json, monitor;
    size_t count[4]; /* of each verdict */
    char first[320]; /* with monitor: what is worst, the first of its kind */
    enum verdict worst;
    sotto_buf out; /* with json: all of them, written at the end */
    sotto_json_writer w;
} findings;

/* What a user may not look at is neither well nor bad, and no advice follows from it. */
#define NOT_FOR_THIS_USER "not to be seen by this user"

void kiosk_doctor_tell(findings *f, enum verdict verdict, enum check about, const char *what,
                       const char *remedy);
/* clock, key, disk, certificate. */
void kiosk_doctor_files(findings *f, const kiosk_config *config);

#endif
