#!/bin/bash
# A full disk: a terminal whose store lies on a small file system loses nothing that it acknowledged, says why it stops, and goes on when there is room.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
mkdir "$WORK/small"
if ! mount -t tmpfs -o size=64m,mode=700 tmpfs "$WORK/small" 2>/dev/null; then
    echo "skipped: this user cannot mount a small file system"
    exit 77
fi
trap 'umount -l "$WORK/small"; bank_end' EXIT
bank_open

terminal_make one
sed -i "s|\"store\": \"[^\"]*\"|\"store\": \"$WORK/small/store\"|" "$WORK/one/sotto.json"
t one init >/dev/null
serve_start one
t one enrol "$(code_for one)" >/dev/null
t one sync >/dev/null
serve_stop
mount -o remount,size=1m "$WORK/small"

# Ten times the bank, under other numbers: more than the disk holds.
awk -F, -v OFS=, 'NR==1{print;next} {n=$1; for(i=0;i<10;i++){$1=n "-" i; print}}' "$WORK/bank/customers.csv" >"$WORK/many.csv"
expect 6 'full' t one import "$WORK/many.csv"
expect 0 'customers  0' t one status

# Room for some, then events until it is full again: what was answered with success is there afterwards.
head -n 300 "$WORK/many.csv" >"$WORK/some.csv"
expect 0 'Imported 299' t one import "$WORK/some.csv"
dd if=/dev/zero of="$WORK/small/filler" bs=4k 2>/dev/null || true
serve_start one
customer=$(sed -n 2p "$WORK/some.csv" | cut -d, -f1)
recorded=0 status=0
for _ in $(seq 40); do
    t one event --customer "$customer" --kind shown --campaign saver >/dev/null 2>"$WORK/why" || { status=$?; break; }
    recorded=$((recorded + 1))
done
[ "$status" = 6 ] && grep -qi full "$WORK/why" && ok || bad "a full disk ended an event with $status: $(cat "$WORK/why")"
expect 0 'decision' t one decide --customer "$customer" --json
serve_stop

serve_start one
expect 8 'disk is full' t one sync
serve_stop

rm "$WORK/small/filler"
mount -o remount,size=64m "$WORK/small"
serve_start one
expect 0 'Recorded' t one event --customer "$customer" --kind card_in
expect 0 'customers  299' t one status
serve_stop
expect 0 'Imported 4000' t one import "$WORK/many.csv"
finish
