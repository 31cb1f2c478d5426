/*
 * What `sync` does, and what else speaks to head office. It has the network and no key: nothing here sees the
 * engine, its sockets (config/socket.h) apart.
 */
#ifndef SOTTO_KIOSK_NIGHT_NIGHT_H
#define SOTTO_KIOSK_NIGHT_NIGHT_H

#include "config/config.h"

#include "sotto/sync.h"
#include "sotto/vault.h"

/* office.c: a client of head office, by the proxy where one is configured. MALFORMED, DENIED: its
 * credentials' file. */
SOTTO_MUST_USE sotto_status kiosk_office_client(const kiosk_config *config, bool enrolling, sotto_tls *tls,
                                                sotto_clock clock, sotto_client **out, sotto_diag *diag);

/* What sync and enrol do first: asks head office for the time with serve's number (with one of its own when
 * serve does not answer), takes it for this process and hands it on to serve. office's TLS judges its
 * certificates from then on. UNSUPPORTED is no failure: head office has no time to tell. */
SOTTO_MUST_USE sotto_status kiosk_learn_time(const kiosk_config *config, sotto_time *time,
                                             sotto_client *office, sotto_client *serve, sotto_span authority,
                                             sotto_diag *diag);

/* Whether two thirds of a certificate's life are over. */
bool kiosk_renewal_due(const sotto_cert_info *info, int64_t now_s);
/* A new certificate for the device's key, from office: into the sync folder and into *certificate, which
 * holds the present one. lapsed: office is the enrolment door and no certificate was shown. The old one stays
 * on any failure; *retry_after_s as sotto_renew has it. */
SOTTO_MUST_USE sotto_status kiosk_renew(const kiosk_config *config, sotto_client *office,
                                        const sotto_vec *key, sotto_vec *certificate, bool lapsed,
                                        int64_t *retry_after_s, sotto_diag *diag);

/* DENIED when this process can read the vault's key and the configuration requires walls. */
SOTTO_MUST_USE sotto_status kiosk_check_keyless(const kiosk_config *config, sotto_diag *diag);

#endif
