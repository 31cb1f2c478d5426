#!/usr/bin/env bash
# Nights of a terminal whose clock is wrong, whose certificate runs out, whose disk was copied, and that may not send
# what it has: with a real head office.
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "$0")/bank.sh"

# hq_at SECONDS: head office lives so many seconds from now; the terminals' clocks stay.
REAL_HQ=$HQ
hq_at() {
    printf '#!/bin/sh\nexec "%s" --clock-offset %s "$@"\n' "$REAL_HQ" "$1" >"$WORK/hq-at"
    chmod +x "$WORK/hq-at"
    HQ=$WORK/hq-at
}
year_of() { t "$1" status --json | sed 's/.*"now":"\([0-9]*\)-.*/\1/'; }
same() { if [ "$1" = "$2" ]; then ok; else bad "$3: $1, wanted $2"; fi; }

# ---- a terminal that believes it is decades before, and decades after, what head office says ----
for years in 40 -15; do
    hq_at $((years * 31557600))
    bank_open
    terminal_ready "clock$years"
    same "$(year_of "clock$years")" "$(date -u -d "+$((years * 31557600)) seconds" +%Y)" "the year after enrolment"
    serve_stop
    serve_start "clock$years"
    same "$(year_of "clock$years")" "$(date -u -d "+$((years * 31557600)) seconds" +%Y)" "the year after a restart"
    expect 0 'acknowledged' t "clock$years" sync
    expect 0 'told by head office\|days ahead\|days behind' t "clock$years" doctor
    serve_stop
    kill "$HQ_PID"
    rm -rf "$WORK/hq" "$WORK/bank"
done
DAY=86400
hq_move() { kill "$HQ_PID"; wait "$HQ_PID" 2>/dev/null || true; hq_at "$1"; hq_start; }
device() { "$HQ" devices --dir "$WORK/hq" --json | tr '{' '\n' | grep -A6 "\"device\":\"$1\""; }
until_of() { device "$1" | sed -n 's/.*"certificate_until":"\([^"]*\)".*/\1/p'; }

# ---- a certificate is renewed when a third of its life is left, and once more after it has lapsed, but not for ever ----
hq_at 0
bank_open
terminal_ready long
first=$(until_of long)
cp "$WORK/long/sync/device.pem" "$WORK/long/first.pem"
hq_move $((230 * DAY))
bank_publish >/dev/null
expect 0 'acknowledged' t long sync
same "$(until_of long)" "$first" "renewed too early"
hq_move $((250 * DAY))
expect 0 'acknowledged' t long sync
second=$(until_of long)
if [ "$second" \> "$first" ]; then ok; else bad "not renewed with a third left: $second"; fi
expect 0 'acknowledged' t long sync
same "$(until_of long)" "$second" "renewed again at once"
# A disk that keeps no new certificate: four in a day, then one an hour. The night goes on all the same.
for n in 2 3 4 5; do
    cp "$WORK/long/first.pem" "$WORK/long/sync/device.pem"
    if [ $n -lt 5 ]; then
        expect 0 'acknowledged' t long sync
        cp "$WORK/long/sync/device.pem" "$WORK/long/kept.pem"
    else
        expect 0 'answered 429 .*too often' t long sync
    fi
done
expect 0 'acknowledged' t long sync
cp "$WORK/long/kept.pem" "$WORK/long/sync/device.pem"
hq_move $((650 * DAY))
expect 5 "certificate.renewed" t long sync # though the root of the releases has lapsed, too
if [ "$(until_of long)" \> "$second" ]; then ok; else bad "a lapsed certificate was not renewed"; fi
expect 0 '"alarms":\[\]' device long
cp "$WORK/long/sync/device.pem" "$WORK/long/old.pem"
serve_stop
hq_move 0

# ---- a disk that was copied: whichever of the two calls second is noticed, both are stopped, a person decides ----
terminal_ready twin
serve_stop
cp -r "$WORK/twin" "$WORK/copy"
sed -i "s,$WORK/twin,$WORK/copy,g" "$WORK/copy/sotto.json"
serve_start twin
expect 0 'acknowledged' t twin sync
serve_stop
serve_start copy
expect 5 'another machine' t copy sync
serve_stop
serve_start twin
expect 5 'another machine' t twin sync
expect 0 '"alarm":"clone"' device twin
expect 0 'quarantined' "$HQ" devices --dir "$WORK/hq"
expect 0 'twin' "$HQ" devices --dir "$WORK/hq" --release-quarantine twin
expect 4 'not quarantined' "$HQ" devices --dir "$WORK/hq" --release-quarantine twin
expect 0 'acknowledged' t twin sync
expect 0 'acknowledged' t twin sync
expect 0 '"alarms":\[\]' device twin
# ---- until it is done: at once when all goes well, and again after a pause when nobody answers ----
expect 0 'acknowledged' t twin sync --until-done
kill "$HQ_PID"
wait "$HQ_PID" 2>/dev/null || true
"$SOTTO" --config "$WORK/twin/sotto.json" sync --until-done >/dev/null 2>"$WORK/until" &
UNTIL=$!
PIDS+=("$UNTIL")
if wait_for 60 grep -q 'sync.again.*attempt=2 in_s=[3-6][0-9]' "$WORK/until"; then ok; else bad "no second try: $(cat "$WORK/until")"; fi
if kill "$UNTIL"; then ok; else bad "it does not wait for its second try"; fi
hq_start
serve_stop
serve_start copy
expect 5 'another machine' t copy sync
serve_stop
finish
