/*
 * serve: holds the store's key and has no network. Two Unix sockets: the kiosk application's, and the one of
 * `sotto sync`. The wall is built by the process itself, after its sockets are open and before it reads a
 * byte from them.
 */
#include "commands.h"
#include "config/args.h"
#include "config/socket.h"
#include "config/wall.h"
#include "doors/doors.h"
#include "engine/record.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t stop_asked;

static void ask_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = ask_stop};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static sotto_status listen_at(const kiosk_config *config, const char *folder, const char *socket, int *fd,
                              sotto_diag *diag)
{
    char dir[KIOSK_PATH_MAX], path[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(config->run_dir, folder, dir, diag);
    if (status == SOTTO_OK)
        status = sotto_port_make_dir(dir, 0750, diag);
    if (status == SOTTO_OK)
        status = kiosk_path(config->run_dir, socket, path, diag);
    return status == SOTTO_OK ? sotto_port_listen_unix(path, 0660, fd, diag) : status;
}

/* Without the network wall serve does not run where walls are required. The file wall is a second one behind
 * users and modes, and not every kernel has Landlock: its absence is told. */
static sotto_status build_walls(const kiosk_config *config, const sotto_log *log, sotto_diag *diag)
{
    char witness[KIOSK_PATH_MAX];
    sotto_status status = kiosk_path(config->vault_dir, KIOSK_WITNESS_DIR, witness, diag);
    if (status != SOTTO_OK)
        return status;
    const sotto_port_grant grants[] = {{config->vault_dir, false},   {witness, true},
                                       {config->release_dir, false}, {config->store_dir, true},
                                       {config->run_dir, true},      KIOSK_LEAK_CHECK_GRANT};
    enum sotto_port_wall network = SOTTO_WALL_UNSUPPORTED, files = SOTTO_WALL_UNSUPPORTED;
    sotto_port_harden_process();
    /* A folder that is not there when the wall is built stays out of reach for good. */
    status = sotto_port_make_dir(config->release_dir, 0750, diag);
    if (status == SOTTO_OK)
        status = sotto_port_deny_network(&network, diag);
    if (status == SOTTO_OK)
        status = sotto_port_confine_files(grants, SOTTO_COUNT(grants), &files, diag);
    if (status == SOTTO_OK && network != SOTTO_WALL_ENFORCED && config->require_walls)
        status = sotto_diag_set(
            diag, SOTTO_ERR(KIOSK, UNSUPPORTED),
            "this kernel cannot keep the network from serve (seccomp); \"require_walls\": false "
            "goes on without");
    if (status == SOTTO_OK)
        sotto_log_event(log, SOTTO_LOG_INFO, "serve.walls", "network=%d files=%d",
                        network == SOTTO_WALL_ENFORCED, files == SOTTO_WALL_ENFORCED);
    return status;
}

static void remove_sockets(const kiosk_config *config)
{
    static const char *const socket[] = {KIOSK_API_SOCKET, KIOSK_LINK_SOCKET};
    for (size_t i = 0; i < SOTTO_COUNT(socket); i++) {
        char path[KIOSK_PATH_MAX];
        if (kiosk_path(config->run_dir, socket[i], path, NULL) == SOTTO_OK &&
            sotto_port_remove_file(path, NULL) != SOTTO_OK)
            continue; /* the next start replaces a stale socket */
    }
}

/* One handler for both doors: which one a request came in by is the listener's number. */
static void handle(void *ctx, const sotto_http_message *request, const sotto_peer *peer, sotto_reply *reply)
{
    if (peer->listener == 0)
        kiosk_api_handle(ctx, request, peer, reply);
    else
        kiosk_link_handle(ctx, request, peer, reply);
}

static sotto_status serve(kiosk_engine *e, const sotto_listener *listeners, sotto_diag *diag)
{
    const sotto_server_config config = {.listeners = listeners,
                                        .listener_count = 2,
                                        .handler = handle,
                                        .ctx = e,
                                        .connections_max = 16,
                                        .body_max = 65536,
                                        .clock = e->clock,
                                        .log = &e->log};
    sotto_server *server = NULL;
    sotto_status status = sotto_server_new(&server, &config, diag);
    if (status == SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_INFO, "serve.start", "release=%llu",
                        (unsigned long long)e->release.version);
    if (status == SOTTO_OK)
        kiosk_befell(e, SOTTO_FIGURE_STARTED);
    if (status == SOTTO_OK)
        sotto_port_tell_ready();
    while (status == SOTTO_OK && !stop_asked)
        status = sotto_server_step(server, 500);
    sotto_server_free(server);
    if (status == SOTTO_OK)
        kiosk_befell(e, SOTTO_FIGURE_ENDED);
    sotto_log_event(&e->log, SOTTO_LOG_INFO, "serve.stop", "decisions=%llu events=%llu",
                    (unsigned long long)e->decisions, (unsigned long long)e->events);
    return status;
}

/* A full disk does not make an orderly end a failure: all that was acknowledged is kept, and with it its
 * time. */
static void keep_time(kiosk_engine *e)
{
    sotto_diag diag = {0};
    if (kiosk_time_keep(e, &diag) != SOTTO_OK)
        sotto_log_event(&e->log, SOTTO_LOG_WARN, "time.not_kept", "reason=\"%s\"", diag.text);
}

int kiosk_cmd_serve(const kiosk_config *config, int argc, char **argv)
{
    sotto_diag diag = {0};
    if (argc > 1)
        return kiosk_usage(argv[0], "takes no arguments");
    watch_signals();
    kiosk_engine *e = NULL;
    sotto_listener listeners[2] = {{.fd = -1}, {.fd = -1}};
    sotto_status status = kiosk_engine_open(&e, config, &diag);
    if (status == SOTTO_OK)
        status = listen_at(config, "api", KIOSK_API_SOCKET, &listeners[0].fd, &diag);
    if (status == SOTTO_OK)
        status = listen_at(config, "link", KIOSK_LINK_SOCKET, &listeners[1].fd, &diag);
    if (status == SOTTO_OK)
        status = build_walls(config, &e->log, &diag);
    if (status == SOTTO_OK) {
        status = serve(e, listeners, &diag);
        remove_sockets(config);
        keep_time(e);
    }
    kiosk_engine_close(e);
    return status == SOTTO_OK ? 0 : kiosk_fail_status(status, &diag);
}
