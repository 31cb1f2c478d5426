/* An office in this process with a clock of the test's own, and true callers whose bytes the test carries:
 * what tests of hostile peers share. */
#ifndef SOTTO_TESTS_SYNC_KIT_TALK_H
#define SOTTO_TESTS_SYNC_KIT_TALK_H

#include "kit.h"

#include "client_priv.h"

#define TALK_NOW_S INT64_C(1795000000)
#define TALK_IDLE  15000 /* ms: the office's idle_ms */

extern sotto_tls *talk_server_tls, *talk_client_tls;
extern uint8_t talk_hello[2048]; /* a true client's first flight */
extern size_t talk_hello_len;
/* Of a group: certificates, TLS, the hello. */
int talk_make(void **state);
int talk_free(void **state);

typedef struct office {
    int64_t mono_ms;
    sotto_server *server;
    char path[200];
    size_t calls;
    bool plain;
} office;
void office_open(office *o);
/* Behind a door without TLS: HTTP as it is. */
void office_open_plain(office *o);
void steps(office *o, int count);
/* A connection to its door, which it has accepted. */
int call(office *o);
size_t open_now(const office *o);
/* Bytes move from one socket to another, at most `max`; returns how many. */
size_t carry(int from, int to, size_t max);

/* A true client on one end of a pair; the test carries what is said at the other one. */
typedef struct caller {
    sync_stream stream;
    int line;
} caller;
void caller_open(caller *c);
void caller_close(caller *c);
/* Carries both ways until the client is ready, `step` bytes at a time. */
void shake_hands(office *o, caller *c, int fd, size_t step);
/* The server's first flight, answered to this very caller. */
size_t first_flight(office *o, caller *c, int fd, uint8_t *out, size_t cap);
/* A client that keeps to the rules is served, `step` bytes at a time: whoever was here before did no harm. */
void assert_served(office *o, size_t step);
/* Nobody was let in of all that was tried, one who keeps to the rules is, and the end of it. */
void assert_unharmed(office *o);
/* Bytes that this process holds from malloc, under a sanitizer as well. */
size_t heap_now(void);

#endif
