# What the demo's scripts need beside lib.sh, in the emulated terminal.
SHARE=/share
SCRATCH=/tmp
API_SOCKET=/run/sotto/api/sotto.sock
LINK_SOCKET=/run/sotto/link/sotto.sock
NIGHT_AFTER_S=$((18 * 3600 + 1800))

tell() { echo "sotto-demo: $*"; }

# The shared folder belongs to the host's user; only root writes there.
publish_result() { cp "$1" "$SHARE/$2"; }

# A clock that is set moves nothing here: head office tells the time. The configuration shifts both. The copy is on
# the disk that outlives a power cut.
REHEARSAL=/data/sotto.json
[ ! -s "$REHEARSAL" ] || SOTTO_CONFIG=$REHEARSAL
advance_clock() {
    _now=$(sed -n 's/.*"clock_offset_s": \(-*[0-9]*\).*/\1/p' "$SOTTO_CONFIG")
    sed "s/\"clock_offset_s\": -*[0-9]*/\"clock_offset_s\": $((_now + $1))/" "$SOTTO_CONFIG" >"$REHEARSAL.new"
    chmod 644 "$REHEARSAL.new"
    mv "$REHEARSAL.new" "$REHEARSAL"
    sync # the power fails soon after
    SOTTO_CONFIG=$REHEARSAL
}

erase_one() { as_kiosk sotto --config "$SOTTO_CONFIG" forget --customer "$1"; }

serve_memory() {
    sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVE_PID/status" >"$SHARE/serve_kib"
    tell "serve's memory at its highest: $(cat "$SHARE/serve_kib") KiB"
}
