/* The poll loop over listeners and connections. */
#include <stdlib.h>
#include <string.h>

#include "server_priv.h"

#define DEFAULT_CONNECTIONS 64
#define DEFAULT_BODY_MAX    ((size_t)1024 * 1024)
#define DEFAULT_IDLE_MS     15000
#define ACCEPTS_A_STEP      16

static int64_t now_ms(const sotto_server *server)
{
    return server->clock.mono_ms(server->clock.ctx);
}

static void take_listeners(sotto_server *server, const sotto_server_config *config)
{
    for (size_t i = 0; i < config->listener_count && i < SERVER_LISTENERS_MAX; i++)
        server->listener[i] = config->listeners[i];
    server->listener_count = config->listener_count;
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
    take_listeners(server, config);
    server->handler = config->handler;
    server->ctx = config->ctx;
    server->connections_max = config->connections_max > 0 ? config->connections_max : DEFAULT_CONNECTIONS;
    server->body_max = config->body_max > 0 ? config->body_max : DEFAULT_BODY_MAX;
    server->idle_ms = config->idle_ms > 0 ? config->idle_ms : DEFAULT_IDLE_MS;
    server->clock = config->clock;
    server->log = config->log;
    *out = server;
    return SOTTO_OK;
}

void sotto_server_free(sotto_server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->connections_max; i++) {
        if (server->conn[i] != NULL) {
            sync_stream_shutdown(&server->conn[i]->stream);
            conn_free(server->conn[i]);
        }
    }
    for (size_t i = 0; i < server->listener_count; i++)
        sotto_port_close(&server->listener[i].fd);
    free(server);
}

/* No listener gets the places of the others: whoever keeps one door busy, by intent or in a fault, must not
 * close the next one. */
static bool has_room(const sotto_server *server, size_t listener)
{
    size_t share = server->connections_max / server->listener_count, held = 0;
    for (size_t i = 0; i < server->connections_max; i++)
        if (server->conn[i] != NULL && server->conn[i]->peer.listener == (int)listener)
            held++;
    return held < (share > 0 ? share : 1) && server->open < server->connections_max;
}

static size_t free_place(const sotto_server *server)
{
    size_t i = 0;
    while (i < server->connections_max && server->conn[i] != NULL)
        i++;
    return i;
}

static void drop(sotto_server *server, size_t place)
{
    conn_free(server->conn[place]);
    server->conn[place] = NULL;
    server->open--;
}

/* Whoever waits at a listener, as long as there is a place. */
static sotto_status accept_waiting(sotto_server *server, int listener)
{
    for (int i = 0; i < ACCEPTS_A_STEP && has_room(server, (size_t)listener); i++) {
        int fd = -1;
        size_t place = free_place(server);
        sotto_status st = sync_accept(server->listener[listener].fd, &fd);
        if (sotto_status_cause(st) == SOTTO_CAUSE_BUSY)
            return SOTTO_OK;
        if (st != SOTTO_OK)
            return st;
        st = conn_open(server, fd, listener, &server->conn[place]);
        if (st != SOTTO_OK) {
            sotto_log_event(server->log, SOTTO_LOG_WARN, "sync.connection_dropped",
                            "listener=%d reason=\"%s\"", listener, sotto_status_cause_text(st));
            continue;
        }
        server->open++;
        if (!conn_step(server, server->conn[place]))
            drop(server, place);
    }
    return SOTTO_OK;
}

/* What to wait for, and for how long: list[0 .. listeners) and then the open connections, whose places are
 * noted. */
static size_t gather(const sotto_server *server, sync_poll *list, size_t *place, int64_t *wait_ms)
{
    size_t count = 0;
    int64_t now = now_ms(server);
    for (size_t i = 0; i < server->listener_count; i++)
        list[count++] = (sync_poll){.fd = server->listener[i].fd, .read = has_room(server, i)};
    for (size_t i = 0; i < server->connections_max; i++) {
        const conn *c = server->conn[i];
        if (c == NULL)
            continue;
        bool write = c->stream.wants_write;
        place[count] = i;
        list[count++] = (sync_poll){.fd = c->stream.fd, .read = !write, .write = write};
        int64_t left = c->has_more ? 0 : c->deadline_ms - now;
        if (left < 0)
            left = 0;
        if (*wait_ms < 0 || left < *wait_ms)
            *wait_ms = left;
    }
    return count;
}

/* One round of a connection: go on, or see that its time is up. */
static void serve_one(sotto_server *server, size_t place, const sync_poll *found)
{
    conn *c = server->conn[place];
    bool alive = true;
    if (c->has_more || found->readable || found->ended)
        alive = conn_step(server, c);
    if (alive && now_ms(server) >= c->deadline_ms)
        alive = conn_timeout(server, c);
    if (!alive)
        drop(server, place);
}

sotto_status sotto_server_step(sotto_server *server, int64_t wait_ms)
{
    sync_poll list[SERVER_LISTENERS_MAX + SERVER_CONNECTIONS_MAX];
    size_t place[SERVER_LISTENERS_MAX + SERVER_CONNECTIONS_MAX];
    size_t count = gather(server, list, place, &wait_ms);
    sotto_status st = sync_poll_wait(list, count, wait_ms);
    for (size_t i = server->listener_count; st == SOTTO_OK && i < count; i++)
        serve_one(server, place[i], &list[i]);
    for (size_t i = 0; st == SOTTO_OK && i < server->listener_count; i++) {
        if (list[i].readable)
            st = accept_waiting(server, (int)i);
    }
    return st;
}
