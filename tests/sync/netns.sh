#!/usr/bin/env bash
# Terminal and head office in network namespaces of their own, with a line between them that loses packets, delays them,
# lets them overtake one another, and is cut: every report arrives, once. Skipped without root, namespaces or tun.
# Arguments: SOTTO SOTTO_HQ KIOSK_APP BAD_LINE.
BAD_LINE=$4
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "$0")/../kiosk/bank.sh"
OFFICE=sotto-o-$$ BRANCH=sotto-b-$$ NIGHTS=6

if [ "$(id -u)" != 0 ] || [ ! -c /dev/net/tun ] || ! command -v ip >/dev/null || ! ip netns add "$OFFICE" 2>/dev/null ||
    ! ip netns exec "$OFFICE" true 2>/dev/null; then
    ip netns del "$OFFICE" 2>/dev/null || true
    echo "skipped: no root, no network namespaces, or no tun"
    exit 77
fi
end_all() {
    bank_end
    ip netns del "$OFFICE" 2>/dev/null || true
    ip netns del "$BRANCH" 2>/dev/null || true
}
trap end_all EXIT
ip netns add "$BRANCH"

# ---- the line: a tenth of the packets is lost, the others take up to 40 ms each way ----
"$BAD_LINE" "so$$" "sb$$" 10 40 7 >"$WORK/line" &
LINE_PID=$!
PIDS+=("$LINE_PID")
wait_for 10 grep -q ready "$WORK/line" || { echo "skipped: no tun device can be made"; exit 77; }
ip link set "so$$" netns "$OFFICE"
ip link set "sb$$" netns "$BRANCH"
ip -n "$OFFICE" addr add 10.77.0.1/30 dev "so$$"
ip -n "$BRANCH" addr add 10.77.0.2/30 dev "sb$$"
ip -n "$OFFICE" link set "so$$" up
ip -n "$BRANCH" link set "sb$$" up
ip -n "$OFFICE" link set lo up # for what asks whether head office listens

# A line as bad as this may outlast the server's patience: exit 8, and the terminal tries again, as its timer does.
sync_through() {
    local tries=0
    while [ $tries -lt 3 ]; do
        tries=$((tries + 1))
        "$SOTTO" --config "$WORK/one/sotto.json" sync && return 0
        [ $? = 8 ] || return 1
    done
    return 8
}

# ---- the bank at one end, the terminal at the other ----
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 10.77.0.1 >/dev/null
bank_model
bank_publish >/dev/null
PORT=8443 ENROL_PORT=8444
ip netns exec "$OFFICE" "$HQ" serve --dir "$WORK/hq" --listen "10.77.0.1:$PORT" --enrol-listen "10.77.0.1:$ENROL_PORT" \
    >>"$WORK/hq.log" 2>&1 &
PIDS+=("$!")
wait_for 20 ip netns exec "$OFFICE" bash -c "exec 3<>/dev/tcp/10.77.0.1/$ENROL_PORT"
printf '#!/bin/sh\nexec ip netns exec %s "%s" "$@"\n' "$BRANCH" "$SOTTO" >"$WORK/sotto"
chmod +x "$WORK/sotto"
SOTTO=$WORK/sotto
terminal_make one
sed -i 's/127\.0\.0\.1/10.77.0.1/g' "$WORK/one/sotto.json"
t one init >/dev/null
serve_start one
expect 0 '' t one enrol "$(code_for one)"
expect 0 'Release 1' sync_through
serve_stop
t one import "$WORK/bank/customers.csv" >/dev/null

# ---- nights: quiet ones, one with the line cut for two seconds, one whose sync is killed while the line is cut ----
for ((night = 1; night <= NIGHTS; night++)); do
    sed -i "s/\"clock_offset_s\": [0-9]*/\"clock_offset_s\": $((night * 86400))/" "$WORK/one/sotto.json"
    serve_start one
    case $night in
    3 | 4)
        "$SOTTO" --config "$WORK/one/sotto.json" sync >"$WORK/out" 2>&1 &
        SYNC_PID=$!
        sleep 0.$((night * 2 - 5))
        kill -USR1 "$LINE_PID"
        sleep 2
        [ "$night" = 3 ] || kill -KILL "$SYNC_PID"
        kill -USR2 "$LINE_PID"
        wait "$SYNC_PID" 2>/dev/null || [ "$night" = 4 ] || bad "a sync did not outlive two seconds without a line: $(cat "$WORK/out")"
        ;;
    esac
    expect 0 'acknowledged' sync_through
    serve_stop
done

# ---- every report, once ----
serve_start one
expect 0 '"waiting":0' t one status --json
expect 0 "Report $NIGHTS" t one audit
"$HQ" devices --dir "$WORK/hq" --json >"$WORK/devices"
# The terminal lives in days to come, which head office notices; nothing else.
if grep -q "\"reports\":$NIGHTS,\"missing\":0,\"set_aside\":0,\"quarantined\":null" "$WORK/devices" &&
    [ "$(grep -o '"alarm":"[a-z_]*"' "$WORK/devices" | sort -u)" = '"alarm":"clock_ahead"' ]; then ok; else
    bad "head office: $(cat "$WORK/devices")"
fi
kill -TERM "$LINE_PID"
wait "$LINE_PID" || true
tail -n 1 "$WORK/line"
if grep -q '^[1-9][0-9]* carried, [1-9][0-9]* lost, [1-9][0-9]* overtaken, [1-9]' "$WORK/line"; then ok; else bad "the line was a good one"; fi
finish
