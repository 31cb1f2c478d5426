# Functions for the scripts in /etc/sotto/run.d (busybox sh):  . /etc/sotto/lib.sh
#
# The three users of a terminal: sotto holds the store's key and gets no network at all; sotto-sync has the
# network and can open neither vault nor store; kiosk is the bank's application and sees the API socket only.

SOTTO_CONFIG=${SOTTO_CONFIG:-/etc/sotto/sotto.json}
SERVE_LOG=${SERVE_LOG:-/run/log/serve.log}
SERVE_PID=

# as_user USER UMASK COMMAND...: with the user's own groups, without a way to gain rights.
as_user() {
    _user=$1
    _umask=$2
    shift 2
    su -s /bin/sh "$_user" -c "umask $_umask; exec setpriv --nnp \"\$@\"" -- sh "$@"
}

# A network namespace of its own, in which not even the loopback device is up. Path sockets still work.
as_serve() { unshare -n sh -c '. /etc/sotto/lib.sh; as_user sotto 0007 "$@"' sh "$@"; }

# What sync writes into release/ must be readable for the group sotto-link, and for nobody else.
as_sync() { as_user sotto-sync 0027 "$@"; }

as_kiosk() { as_user kiosk 0077 "$@"; }

# start_serve [ARGUMENT...]: `sotto serve` in the background; its output goes to SERVE_LOG.
start_serve() {
    as_serve sotto --config "$SOTTO_CONFIG" serve "$@" >>"$SERVE_LOG" 2>&1 &
    SERVE_PID=$!
}

# stop_serve: ends it in the orderly way; the status is that of `sotto serve`.
stop_serve() {
    # The shells between here and the program have replaced themselves; what is left may be a child of su.
    pkill -TERM -P "$SERVE_PID" 2>/dev/null || kill -TERM "$SERVE_PID"
    wait "$SERVE_PID"
}

# wait_for_socket PATH [SECONDS]: until it is there; 1 and a message when it does not come.
wait_for_socket() {
    _left=$((${2:-20} * 10))
    while [ ! -S "$1" ]; do
        _left=$((_left - 1))
        [ $_left -gt 0 ] || { echo "no socket $1 after ${2:-20} s" >&2; return 1; }
        if [ -n "$SERVE_PID" ] && ! kill -0 "$SERVE_PID" 2>/dev/null; then
            echo "serve ended before it made $1:" >&2
            tail -n 20 "$SERVE_LOG" >&2
            return 1
        fi
        sleep 0.1
    done
}
