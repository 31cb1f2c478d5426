/* One round of the server: what the sockets have, then the handler for whole requests, then one commit for
 * all answers that wait for it. */
#include <stdlib.h>
#include <string.h>

#include "server_priv.h"

#define DEFAULT_CONNECTIONS 64
#define DEFAULT_BODY_MAX    ((size_t)1024 * 1024)
#define DEFAULT_IDLE_MS     15000
#define DEFAULT_PATIENCE_MS 5000
#define ACCEPTS_A_STEP      16
#define ACCEPT_PAUSE_MS     200
#define FOR_EVER            INT64_MAX

int64_t server_now_ms(const sotto_server *server)
{
    return server->config.clock.mono_ms(server->config.clock.ctx);
}

void server_deadline(sotto_server *server, conn *c, int64_t after_ms)
{
    c->deadline_ms = server_now_ms(server) + after_ms;
    if (c->deadline_ms < server->next_deadline_ms)
        server->next_deadline_ms = c->deadline_ms;
}

void server_enqueue(sotto_server *server, conn *c)
{
    size_t end = (server->waiting_at + server->waiting_count) % server->config.connections_max;
    c->state = CONN_READY;
    c->ready_ms = server_now_ms(server);
    c->deadline_ms = FOR_EVER;
    server->waiting[end] = c;
    server->waiting_count++;
}

static conn *next_waiting(sotto_server *server)
{
    conn *c = server->waiting[server->waiting_at];
    server->waiting_at = (server->waiting_at + 1) % server->config.connections_max;
    server->waiting_count--;
    return c;
}

/* ---- making ---- */

static void take_config(sotto_server *server, const sotto_server_config *config)
{
    server->config = *config;
    server->config.listeners = NULL; /* the caller's */
    if (config->connections_max == 0)
        server->config.connections_max = DEFAULT_CONNECTIONS;
    if (config->body_max == 0)
        server->config.body_max = DEFAULT_BODY_MAX;
    if (config->idle_ms <= 0)
        server->config.idle_ms = DEFAULT_IDLE_MS;
    if (config->patience_ms <= 0)
        server->config.patience_ms = DEFAULT_PATIENCE_MS;
    server->next_deadline_ms = FOR_EVER;
}

static sotto_status make_room(sotto_server *server)
{
    size_t count = server->config.connections_max;
    server->conn = calloc(count, sizeof(conn *));
    server->waiting = calloc(count, sizeof(conn *));
    server->dead = calloc(count, sizeof(conn *));
    if (server->conn == NULL || server->waiting == NULL || server->dead == NULL)
        return SOTTO_ERR(SYNC, NO_MEMORY);
    return sync_epoll_new(&server->epoll);
}

sotto_status sotto_server_new(sotto_server **out, const sotto_server_config *config, sotto_diag *diag)
{
    *out = NULL;
    if (config->listener_count == 0 || config->listener_count > SERVER_LISTENERS_MAX ||
        config->connections_max > SERVER_CONNECTIONS_MAX || config->handler == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, USAGE), "needs 1 to %d listeners, at most %d connections",
                              SERVER_LISTENERS_MAX, SERVER_CONNECTIONS_MAX);
    sotto_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        return sotto_diag_set(diag, SOTTO_ERR(SYNC, NO_MEMORY), "no memory for a server");
    server->epoll = -1;
    take_config(server, config);
    sotto_status st = make_room(server);
    if (st != SOTTO_OK) {
        sotto_server_free(server);
        return sotto_diag_set(diag, st, "no memory or descriptor for a server");
    }
    for (size_t i = 0; i < config->listener_count; i++)
        server->door[i].listener = config->listeners[i];
    server->door_count = config->listener_count;
    *out = server;
    return SOTTO_OK;
}

void sotto_server_free(sotto_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->stats.open; i++) {
        sync_stream_shutdown(&server->conn[i]->stream);
        conn_free(server->conn[i]);
    }
    for (size_t i = 0; i < server->door_count; i++)
        sotto_port_close(&server->door[i].listener.fd);
    if (server->epoll >= 0)
        sotto_port_close(&server->epoll);
    free(server->conn);
    free(server->waiting);
    free(server->dead);
    free(server);
}

/* ---- connections ---- */

/* No listener gets the places of the others: whoever keeps one door busy, by intent or in a fault, must not
 * close the next one. */
static bool has_room(const sotto_server *server, size_t door)
{
    size_t share = server->config.connections_max / server->door_count;
    return !server->draining && server_now_ms(server) >= server->accept_after_ms &&
           server->door[door].held < (share > 0 ? share : 1) &&
           server->stats.open + server->dead_count < server->config.connections_max;
}

static void drop(sotto_server *server, conn *c)
{
    conn *last = server->conn[--server->stats.open];
    server->conn[c->place] = last;
    last->place = c->place;
    server->door[c->peer.listener].held--;
    server->stats.bytes_in += c->stream.bytes_in;
    server->stats.bytes_out += c->stream.bytes_out;
    c->state = CONN_FREE;
    sync_stream_close(&c->stream); /* also ends epoll's watch */
    server->dead[server->dead_count++] = c;
}

/* Events of this round may still name a connection that ended in it. */
static void bury(sotto_server *server)
{
    while (server->dead_count > 0)
        conn_free(server->dead[--server->dead_count]);
}

static void watch(sotto_server *server, conn *c)
{
    unsigned mask = c->stream.wants_write ? SYNC_WRITE : SYNC_READ;
    if (c->mask != mask && sync_epoll_set(server->epoll, c->stream.fd, c, c->mask, mask) == SOTTO_OK)
        c->mask = mask;
    if (c->mask == 0)
        drop(server, c); /* the kernel would never tell of it */
}

/* Nothing moves it on but us. */
static bool is_ours(const conn *c)
{
    return c->state == CONN_READY || c->state == CONN_HELD || c->state == CONN_LATER;
}

static void step(sotto_server *server, conn *c)
{
    if (!conn_step(server, c))
        drop(server, c);
    else if (!is_ours(c))
        watch(server, c);
}

static sotto_status accept_one(sotto_server *server, size_t door, int fd)
{
    conn *c = NULL;
    server->stats.accepted++;
    sotto_status st = conn_open(server, fd, (int)door, &c);
    if (st != SOTTO_OK) {
        sotto_log_event(server->config.log, SOTTO_LOG_WARN, "sync.connection_dropped",
                        "listener=%zu reason=\"%s\"", door, sotto_status_cause_text(st));
        return st;
    }
    c->place = server->stats.open;
    server->conn[server->stats.open++] = c;
    server->door[door].held++;
    step(server, c);
    return SOTTO_OK;
}

/* Whoever waits at a listener, as long as there is a place. */
static sotto_status accept_waiting(sotto_server *server, size_t door)
{
    for (int i = 0; i < ACCEPTS_A_STEP && has_room(server, door); i++) {
        int fd = -1;
        sotto_status st = sync_accept(server->door[door].listener.fd, &fd);
        int cause = sotto_status_cause(st);
        if (cause == SOTTO_CAUSE_BUSY)
            return SOTTO_OK;
        if (cause == SOTTO_CAUSE_FULL) { /* no descriptor: that is load, not the end */
            server->accept_after_ms = server_now_ms(server) + ACCEPT_PAUSE_MS;
            return SOTTO_OK;
        }
        if (st != SOTTO_OK)
            return st;
        (void)!accept_one(server, door, fd); /* told in the log; the others go on */
    }
    return SOTTO_OK;
}

/* A door without room is not watched: its peers wait in the backlog and cost nothing. */
static sotto_status arm_doors(sotto_server *server)
{
    sotto_status st = SOTTO_OK;
    for (size_t i = 0; i < server->door_count && st == SOTTO_OK; i++) {
        server_door *door = &server->door[i];
        bool wanted = has_room(server, i);
        if (wanted != door->armed && door->listener.fd >= 0)
            st = sync_epoll_set(server->epoll, door->listener.fd, door, door->armed ? SYNC_READ : 0,
                                wanted ? SYNC_READ | SYNC_SHARED : 0);
        door->armed = wanted;
    }
    return st;
}

/* ---- the round ---- */

static bool is_door(const sotto_server *server, const void *ptr, size_t *door)
{
    for (size_t i = 0; i < server->door_count; i++)
        if (ptr == &server->door[i]) {
            *door = i;
            return true;
        }
    return false;
}

static sotto_status serve_events(sotto_server *server, void *const *ready, size_t count)
{
    sotto_status st = SOTTO_OK;
    size_t door;
    for (size_t i = 0; i < count && st == SOTTO_OK; i++) {
        conn *c = ready[i];
        if (is_door(server, c, &door))
            st = accept_waiting(server, door);
        else if (c->state != CONN_FREE && !is_ours(c))
            step(server, c);
    }
    return st;
}

/* Rather a quick "later" than a long wait that ends in a timeout of the client's. */
static bool too_much(const sotto_server *server, const conn *c)
{
    size_t most = server->config.connections_max;
    bool crowded = server->config.sheds && server->stats.open > most - most / 16;
    return crowded || server_now_ms(server) - c->ready_ms > server->config.patience_ms;
}

/* What it sends meanwhile waits in the kernel: a socket that is readable for so long would wake every round.
 */
static void put_off(sotto_server *server, conn *c)
{
    c->state = CONN_LATER;
    server_deadline(server, c, SOTTO_SERVER_LATER_MS);
    if (c->mask != 0 && sync_epoll_set(server->epoll, c->stream.fd, c, c->mask, 0) == SOTTO_OK)
        c->mask = 0;
}

static void answer_one(sotto_server *server, conn *c)
{
    server->stats.requests++;
    if (too_much(server, c)) {
        conn_reply_busy(server, c);
    } else if (!conn_handle(server, c)) {
        if (c->reply.later != 0) {
            put_off(server, c);
            return;
        }
        c->state = CONN_HELD;
        server->held[server->held_count++] = c;
        return;
    }
    conn_start_write(server, c);
    step(server, c);
}

static void commit_held(sotto_server *server)
{
    if (server->held_count == 0)
        return;
    server->config.commit(server->config.ctx);
    for (size_t i = 0; i < server->held_count; i++) {
        conn *c = server->held[i];
        conn_finish_reply(server, c);
        conn_start_write(server, c);
        step(server, c);
    }
    server->held_count = 0;
}

/* Whole requests, as many as one commit may hold; the rest has its turn in the next round. */
static void answer_waiting(sotto_server *server)
{
    size_t count = server->waiting_count;
    if (count > SOTTO_SERVER_BATCH_MAX)
        count = SOTTO_SERVER_BATCH_MAX;
    for (size_t i = 0; i < count; i++)
        answer_one(server, next_waiting(server));
    commit_held(server);
}

static void end_late(sotto_server *server)
{
    int64_t now = server_now_ms(server);
    if (now < server->next_deadline_ms)
        return;
    server->next_deadline_ms = FOR_EVER;
    for (size_t i = server->stats.open; i-- > 0;) {
        conn *c = server->conn[i];
        if (now >= c->deadline_ms) {
            server->stats.timeouts++;
            sotto_log_event(server->config.log, SOTTO_LOG_INFO, "sync.connection_timeout",
                            "listener=%d state=%d", c->peer.listener, (int)c->state);
            drop(server, c);
        } else if (c->deadline_ms < server->next_deadline_ms) {
            server->next_deadline_ms = c->deadline_ms;
        }
    }
}

static int64_t wait_at_most(const sotto_server *server, int64_t wait_ms)
{
    int64_t now = server_now_ms(server), until = server->next_deadline_ms;
    if (server->waiting_count > 0)
        return 0;
    if (now < server->accept_after_ms && server->accept_after_ms < until)
        until = server->accept_after_ms;
    if (until == FOR_EVER)
        return wait_ms;
    int64_t left = until > now ? until - now : 0;
    return wait_ms < 0 || left < wait_ms ? left : wait_ms;
}

sotto_status sotto_server_step(sotto_server *server, int64_t wait_ms)
{
    void *ready[SYNC_EPOLL_EVENTS];
    size_t count = 0;
    sotto_status st = arm_doors(server);
    if (st == SOTTO_OK)
        st = sync_epoll_wait(server->epoll, ready, &count, wait_at_most(server, wait_ms));
    if (st == SOTTO_OK)
        st = serve_events(server, ready, count);
    if (st == SOTTO_OK)
        answer_waiting(server);
    end_late(server);
    bury(server);
    return st;
}

static conn *find_later(const sotto_server *server, uint64_t later)
{
    for (size_t i = 0; i < server->stats.open; i++)
        if (server->conn[i]->state == CONN_LATER && server->conn[i]->reply.later == later)
            return server->conn[i];
    return NULL;
}

/* Nothing is read of a connection whose answer comes later, so its end shows only when it is asked for. */
bool sotto_server_waits(const sotto_server *server, uint64_t later)
{
    const conn *c = find_later(server, later);
    return c != NULL && !sync_is_gone(c->stream.fd);
}

bool sotto_server_answer(sotto_server *server, uint64_t later, sotto_reply *reply)
{
    conn *c = find_later(server, later);
    if (c == NULL) {
        sotto_vec_free(&reply->body);
        return false;
    }
    sotto_vec_free(&c->reply.body);
    c->reply = *reply;
    c->reply.later = 0;
    conn_finish_reply(server, c);
    conn_start_write(server, c);
    step(server, c);
    return true;
}

void sotto_server_drain(sotto_server *server)
{
    server->draining = true;
    for (size_t i = 0; i < server->door_count; i++) {
        sotto_port_close(&server->door[i].listener.fd);
        server->door[i].armed = false;
    }
    for (size_t i = server->stats.open; i-- > 0;) {
        conn_stop(server, server->conn[i]);
        step(server, server->conn[i]);
    }
    bury(server);
}

sotto_server_stats sotto_server_stats_of(const sotto_server *server)
{
    return server->stats;
}
