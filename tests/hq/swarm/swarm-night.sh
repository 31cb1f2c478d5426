#!/bin/bash
# Whole nights of a small fleet, in the terminal's own order and at its own moments, compressed: the collector is killed once, every report counts once.
# Arguments: SOTTO SOTTO_HQ KIOSK_APP [TERMINALS [NIGHTS [SECONDS]]].
TERMINALS=${4:-24} NIGHTS=${5:-2} SECONDS_OF_A_NIGHT=${6:-8} REPORTS=2
. "$(dirname "$0")/../../kiosk/bank.sh" "$1" "$2" "$3"
bank_open
"$HQ" swarm --dir "$WORK/hq" --url "https://127.0.0.1:$PORT" --terminals "$TERMINALS" --nights "$NIGHTS" --reports $REPORTS --concurrency 4 \
    --whole-nights "$WORK/fleet" --window 14400 --passes-in "$SECONDS_OF_A_NIGHT" --between "echo \$NIGHTS >>$WORK/between" --json \
    >"$WORK/swarm.json" 2>"$WORK/swarm.log" &
SWARM=$!
PIDS+=("$SWARM")
some() { [ "$(grep -c 'report.accepted' "$WORK/hq.log")" -ge "$1" ]; }
wait_for 300 some $((TERMINALS / 2)) || bad "no progress"
# The warden, and with it its workers.
kill -KILL "$HQ_PID"
wait "$HQ_PID" 2>/dev/null || true
started() { [ "$(grep -c 'serve.start' "$WORK/hq.log")" -gt 1 ]; }
for _ in 1 2 3 4 5 6 7 8; do
    hq_start || true
    if wait_for 5 started; then break; fi
done
if wait "$SWARM"; then ok; else bad "the swarm ended with $?: $(cat "$WORK/swarm.log")"; fi
cat "$WORK/swarm.json"
expect 0 '"counted_once": *true' cat "$WORK/swarm.json"
expect 0 "\"counted\": *$((TERMINALS * NIGHTS * REPORTS))[,}]" cat "$WORK/swarm.json"
expect 0 '"given_up": *0[,}]' cat "$WORK/swarm.json"
if [ "$(tr '\n' ' ' <"$WORK/between")" = "$(seq -s ' ' 0 "$NIGHTS") " ]; then ok; else bad "between: $(cat "$WORK/between")"; fi
expect 0 '"reports": *'"$((TERMINALS * NIGHTS * REPORTS))"'[,}]' "$HQ" totals --dir "$WORK/hq" --json
# What nobody told: no copy, no gap, no failure of a release.
expect 1 '' grep -E 'report.alarm|device.quarantined|failed=[1-9]' "$WORK/hq.log"
expect 2 'belong to --whole-nights' "$HQ" swarm --dir "$WORK/hq" --window 60
finish
