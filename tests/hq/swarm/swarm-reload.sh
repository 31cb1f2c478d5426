#!/bin/bash
# The collector takes a new certificate (SIGHUP) while a fleet sends: every report counts once. A connection whose request
# was still on its way may be let go, so at most one terminal of each reload comes twice (by hand it was none in 40 reloads).
# Arguments: SOTTO SOTTO_HQ KIOSK_APP [TERMINALS [RELOADS]].
TERMINALS=${4:-80} RELOADS=${5:-4} NIGHTS=2
. "$(dirname "$0")/../../kiosk/bank.sh" "$1" "$2" "$3"
bank_open
"$HQ" swarm --dir "$WORK/hq" --url "https://127.0.0.1:$PORT" --terminals "$TERMINALS" --nights $NIGHTS --concurrency 4 --json \
    >"$WORK/swarm.json" 2>"$WORK/swarm.log" &
SWARM=$!
PIDS+=("$SWARM")
accepted() { [ "$(grep -c 'report.accepted' "$WORK/hq.log")" -gt "$1" ]; }
reloaded() { [ "$(grep -c 'serve.reload done=true' "$WORK/hq.log")" -ge "$1" ]; }
for ((i = 1; i <= RELOADS; i++)); do
    wait_for 300 accepted $((TERMINALS * NIGHTS * i / (RELOADS + 2))) || bad "no progress"
    kill -HUP "$HQ_PID"
    wait_for 60 reloaded "$i" || bad "reload $i was not told"
done
if wait "$SWARM"; then ok; else bad "the swarm ended with $?: $(cat "$WORK/swarm.log")"; fi
expect 0 '"counted_once": *true' cat "$WORK/swarm.json"
RETRIED=$(sed 's/.*"retried": *\([0-9]*\).*/\1/' "$WORK/swarm.json")
if [ "$RETRIED" -le "$RELOADS" ]; then ok; else bad "$RETRIED came twice in $RELOADS reloads"; fi
kill -TERM "$HQ_PID"
if wait "$HQ_PID"; then ok; else bad "the collector ended with $?"; fi
finish
