#!/bin/bash
# A fleet sends its reports while the collector is killed (SIGKILL, workers and all) and started again: every report is counted once.
# Arguments: SOTTO SOTTO_HQ KIOSK_APP [TERMINALS [KILLS [NIGHTS [CONCURRENCY]]]]. By hand: swarm-kills.sh sotto sotto-hq x 10000 20 1 16
TERMINALS=${4:-60} KILLS=${5:-3} NIGHTS=${6:-2} CONCURRENCY=${7:-4}
. "$(dirname "$0")/../../kiosk/bank.sh" "$1" "$2" "$3"
HEALTH_PORT=$(free_port)
collect() {
    "$HQ" serve --dir "$WORK/hq" --listen "127.0.0.1:$PORT" --enrol-listen "127.0.0.1:$ENROL_PORT" \
        --health "127.0.0.1:$HEALTH_PORT" --workers 2 >>"$WORK/hq.log" 2>&1 &
    HQ_PID=$!
    PIDS+=("$HQ_PID")
}
alive() { kill -0 "$HQ_PID" 2>/dev/null; }
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; }
# The port is free when the last worker of the one before is gone.
collect_surely() {
    for _ in 1 2 3 4 5 6 7 8; do
        collect
        if wait_for 20 listens && alive; then return; fi
        wait "$HQ_PID" || true
        sleep 0.2
    done
    bad "the collector did not come back: $(tail -n 3 "$WORK/hq.log")"
}
held() { grep -c 'report.accepted' "$WORK/hq.log" || true; }
more_than() { [ "$(held)" -gt "$1" ] || ! kill -0 "$SWARM" 2>/dev/null; }

"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
bank_model
bank_publish >/dev/null
PORT=$(free_port) ENROL_PORT=$(free_port)
collect_surely
"$HQ" swarm --dir "$WORK/hq" --url "https://127.0.0.1:$PORT" --terminals "$TERMINALS" --nights "$NIGHTS" --concurrency "$CONCURRENCY" \
    --json >"$WORK/swarm.json" 2>"$WORK/swarm.log" &
SWARM=$!
PIDS+=("$SWARM")
for ((i = 1; i <= KILLS; i++)); do
    wait_for 600 more_than $((TERMINALS * NIGHTS * i / (KILLS + 2))) || bad "no progress"
    kill -0 "$SWARM" 2>/dev/null || break
    kill -KILL "$HQ_PID"
    wait "$HQ_PID" 2>/dev/null || true
    collect_surely
done
if wait "$SWARM"; then ok; else bad "the swarm ended with $?: $(cat "$WORK/swarm.log")"; fi
cat "$WORK/swarm.json"
expect 0 '"counted_once": *true' cat "$WORK/swarm.json"
expect 0 "\"counted\": *$((TERMINALS * NIGHTS))[,}]" cat "$WORK/swarm.json"
expect 0 '"reports": *'"$((TERMINALS * NIGHTS))"'[,}]' "$HQ" totals --dir "$WORK/hq" --json
[ "$KILLS" -le 1 ] || expect 0 '^[2-9]\|^[1-9][0-9]' grep -c 'serve.start' "$WORK/hq.log"
kill -TERM "$HQ_PID"
if wait "$HQ_PID"; then ok; else bad "the collector ended with $?"; fi
finish
