#!/bin/bash
# The aims for the terminal's program: its size as armv7, its memory with 100,000 customers.
#   tests/sizes.sh [ARMV7_BUILD] [RELEASE_BUILD]
# Memory is that of the 64-bit host build, whose pointers are twice as wide: an upper bound for the kiosk's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ARM=${1:-build/armv7} HOST=${2:-build/release}
SIZE_MAX=1600000      # bytes, stripped
MEMORY_MAX_KIB=12288  # of serve, with 100,000 customers
CUSTOMERS=${CUSTOMERS:-100000}
failed=0

# judge WORDS VALUE LIMIT UNIT
judge() {
    if [ "$2" -le "$3" ]; then echo "ok $1: $2 $4 (aim: at most $3)"; else echo "FAIL $1: $2 $4 (aim: at most $3)"; failed=1; fi
}

[ -f "$HOST/build.ninja" ] || cmake --preset release >/dev/null
cmake --build "$HOST" --target sotto sotto-hq kiosk-app >/dev/null
. tests/kiosk/bank.sh "$HOST/src/kiosk/sotto" "$HOST/src/hq/sotto-hq" "$HOST/firmware/kiosk-app/kiosk-app"

cp "$ARM/src/kiosk/sotto" "$WORK/sotto-armv7"
arm-linux-gnueabihf-strip "$WORK/sotto-armv7"
judge "sotto for armv7, stripped" "$(stat -c %s "$WORK/sotto-armv7")" $SIZE_MAX bytes
arm-linux-gnueabihf-size "$WORK/sotto-armv7" | tail -n 1 | awk '{ print "text " $1 ", data " $2 ", bss " $3 }'

bank_open
"$HQ" population --customers "$CUSTOMERS" --seed 3 --examples docs/examples/bank -o "$WORK/many" >/dev/null
cp "$WORK/many/customers.csv" "$WORK/many/arrivals.csv" "$WORK/bank/"
start=$(date +%s%N)
terminal_ready one
echo "import of $CUSTOMERS customers and all before it: $((($(date +%s%N) - start) / 1000000)) ms"
"$APP" "$WORK/one/run/api/sotto.sock" "$WORK/bank/arrivals.csv" "$WORK/truth.json" >/dev/null
t one status
judge "serve's resident memory, $CUSTOMERS customers" "$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$SERVE_PID/status")" $MEMORY_MAX_KIB KiB
echo "the store: $(stat -c %s "$WORK/one/store/sotto.db") bytes"
exit $failed
