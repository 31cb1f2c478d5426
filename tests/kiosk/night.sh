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
finish
