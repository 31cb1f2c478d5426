# The terminal of `./demo --native`: the same programs on this machine, one user, no virtual machine.
# Stands in for both lib.sh and demo.sh; TERMINAL is the terminal's folder, given by the demo.
SHARE=$TERMINAL/share
SCRATCH=$TERMINAL/tmp
SOTTO_CONFIG=$TERMINAL/sotto.json
API_SOCKET=$TERMINAL/run/api/sotto.sock
LINK_SOCKET=$TERMINAL/run/link/sotto.sock
NIGHT_AFTER_S=$((18 * 3600 + 1800))
SERVE_PID=

tell() { echo "sotto-demo: $*"; }
publish_result() { cp "$1" "$SHARE/$2"; }
as_serve() { "$@"; }
as_sync() { "$@"; }
as_kiosk() { "$@"; }
erase_one() { sotto --config "$SOTTO_CONFIG" forget --customer "$1"; }

start_serve() {
    rm -f "$API_SOCKET" "$LINK_SOCKET" # a killed serve leaves them: the wait below is for this one's
    sotto --config "$SOTTO_CONFIG" serve >>"$TERMINAL/serve.log" 2>&1 &
    SERVE_PID=$!
    echo "$SERVE_PID" >"$TERMINAL/serve.pid"
}

stop_serve() {
    kill -TERM "$SERVE_PID"
    wait "$SERVE_PID"
}

wait_for_socket() {
    _left=200
    while [ ! -S "$1" ]; do
        _left=$((_left - 1))
        kill -0 "$SERVE_PID" 2>/dev/null && [ $_left -gt 0 ] || { tail -n 20 "$TERMINAL/serve.log" >&2; return 1; }
        sleep 0.1
    done
}

# This machine's clock is not ours to set: the configuration shifts it for the terminal alone.
advance_clock() {
    _now=$(sed -n 's/.*"clock_offset_s": \(-*[0-9]*\).*/\1/p' "$SOTTO_CONFIG")
    sed "s/\"clock_offset_s\": -*[0-9]*/\"clock_offset_s\": $((_now + $1))/" "$SOTTO_CONFIG" >"$SOTTO_CONFIG.new"
    mv "$SOTTO_CONFIG.new" "$SOTTO_CONFIG"
}

serve_memory() {
    sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVE_PID/status" >"$SHARE/serve_kib"
    tell "serve's memory at its highest: $(cat "$SHARE/serve_kib") KiB"
}
