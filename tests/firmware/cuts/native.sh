# shellcheck shell=sh
# lib.sh of the terminal that power-cuts.sh --native runs on this machine: one user, the folders in $TERMINAL.
SOTTO_CONFIG=$TERMINAL/sotto.json
as_serve() { "$@"; }
as_sync() { "$@"; }
as_kiosk() { "$@"; }
start_serve() {
    rm -f "$TERMINAL"/run/*/sotto.sock
    sotto --config "$SOTTO_CONFIG" serve >>"$TERMINAL/serve.log" 2>&1 &
    SERVE_PID=$!
}
stop_serve() {
    kill -TERM $SERVE_PID
    wait $SERVE_PID
}
wait_for_socket() {
    _left=600
    until [ -S "$TERMINAL/run/$(basename "$(dirname "$1")")/sotto.sock" ]; do
        _left=$((_left - 1))
        kill -0 $SERVE_PID && [ $_left -gt 0 ] || { tail -n 5 "$TERMINAL/serve.log"; return 1; }
        sleep 0.1
    done
}
