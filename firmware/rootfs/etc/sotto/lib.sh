# Functions for the scripts in /etc/sotto/run.d (busybox sh):  . /etc/sotto/lib.sh
#
# The three users of a terminal: sotto holds the store's key and gets no network at all; sotto-sync has the
# network and can open neither vault nor store; kiosk is the bank's application and sees the API socket only.

SOTTO_CONFIG=${SOTTO_CONFIG:-/etc/sotto/sotto.json}
SERVE_LOG=${SERVE_LOG:-/run/log/serve.log}
SERVE_PID=

# become USER UMASK COMMAND...: replaces the shell it is called in by COMMAND, run as USER with the groups of
# that user and without a way to gain rights.
become() {
    _user=$1
    _umask=$2
    shift 2
    exec $_ISOLATE su -s /bin/sh "$_user" -c "umask $_umask; exec setpriv --nnp \"\$@\"" -- sh "$@"
}

# A network namespace of its own, in which not even the loopback device is up. Path sockets still work.
become_serve() { _ISOLATE='unshare -n' become sotto 0007 "$@"; }

as_serve() { (become_serve "$@"); }

# What sync writes into release/ must be readable for the group sotto-link, and for nobody else.
as_sync() { (_ISOLATE='' become sotto-sync 0027 "$@"); }

as_kiosk() { (_ISOLATE='' become kiosk 0077 "$@"); }

# start_serve [ARGUMENT...]: `sotto serve` in the background; its output goes to SERVE_LOG. Every step replaces
# the one before, so SERVE_PID is the program itself.
start_serve() {
    (become_serve sotto --config "$SOTTO_CONFIG" serve "$@") >>"$SERVE_LOG" 2>&1 &
    SERVE_PID=$!
}

# stop_serve: asks it to end in the orderly way; the status is that of `sotto serve`.
stop_serve() {
    kill -TERM "$SERVE_PID" 2>/dev/null
    wait "$SERVE_PID"
    _status=$?
    SERVE_PID=
    return $_status
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
