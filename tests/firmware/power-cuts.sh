#!/bin/bash
# power-cuts.sh [--native] N [SEED]: the emulated terminal is cut N times at random moments of its nights.
# A chain of boots: each finds the disk of the cut before, looks at what is there, lives a morning and a night
# (download, swap, seal, send), and is cut at a random write or flush of its disk, which loses or tears any of what
# it had not flushed (cutdisk.c). --native: the same on this machine's kernel, for many cuts in little time: ext4 on
# the same disk through a loop device, and at the cut all processes are killed; needs root and
# qemu-storage-daemon. Needs the builds armv7 (sotto; --native: release) and release (sotto-hq). Ends with 77 without
# QEMU. A boot in QEMU takes from ten seconds to minutes of a busy machine; a night of --native one or two.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=firmware/common.sh
. "$TOP/firmware/common.sh"
. "$TOP/toolchain/lib/port.sh"
arch_set armv7
NATIVE=no
[ "${1:-}" != --native ] || { NATIVE=yes; shift; }
N=${1:-5} SEED=${2:-$RANDOM}
SOTTO=${SOTTO:-$TOP/build/armv7/src/kiosk/sotto} HQ=${HQ:-$TOP/build/release/src/hq/sotto-hq}
[ "$NATIVE" = no ] || SOTTO=${SOTTO_NATIVE:-$TOP/build/release/src/kiosk/sotto}
WORK=$(mktemp -d) DAY_S=86400
HQ_PID='' FAILED=0 JOURNALS=0 NIGHT=0 RELEASE=0 PUBLISHED=0 KNOWN='' CUTS=0
RELEASE_EVERY=${RELEASE_EVERY:-2} # nights; on average
STEPS=${STEPS:-} # writes and flushes of a night; measured by one more night where it is not given
RANDOM=$SEED
export PATH=$PATH:/usr/sbin:/sbin

end() {
    [ -z "$HQ_PID" ] || kill "$HQ_PID" 2>/dev/null || true
    wait 2>/dev/null || true
    if [ "$FAILED" -eq 0 ] && [ -z "${KEEP:-}" ]; then rm -rf "$WORK"; else echo "kept: $WORK"; fi
}

bad() {
    FAILED=$((FAILED + 1))
    echo "FAILED night $NIGHT: $*"
    cp -- "$LOG" "$WORK/failed-$NIGHT.log"
}

# Head office lives a day later at each boot, and tells the terminal so.
hq() { "$HQ" --clock-offset $((NIGHT * DAY_S)) "$@"; }

wait_until() {
    local left=600
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || { echo "not in 60 s: $*"; return 1; }
        sleep 0.1
    done
}

hq_start() {
    [ -z "$HQ_PID" ] || { kill "$HQ_PID"; wait "$HQ_PID" || true; }
    "$HQ" --clock-offset $((NIGHT * DAY_S)) serve --dir "$WORK/hq" --listen "127.0.0.1:$PORT" --enrol-listen "127.0.0.1:$ENROL_PORT" >>"$WORK/hq.log" 2>&1 &
    HQ_PID=$!
    wait_until bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
}

# Two models in turn: each night there is something to fetch.
publish() {
    local bank=$WORK/bank
    hq publish --dir "$WORK/hq" --model "$bank/model$((NIGHT % 2)).sotto" --dictionary "$bank/dictionary.json" \
        --catalogue "$bank/catalogue.json" --policy "$bank/policy.json" --tasks "$bank/tasks.json" >/dev/null
    PUBLISHED=$((PUBLISHED + 1))
}

bank_make() {
    local bank=$WORK/bank model
    "$HQ" population --customers 400 --seed 7 --examples "$TOP/docs/examples/bank" -o "$bank" >/dev/null
    cp "$TOP"/docs/examples/bank/*.json "$bank/"
    sed 's/"lifetime_epsilon": [0-9]*/"lifetime_epsilon": 20/; s/"epsilon": 1,/"epsilon": 0.05,/' "$TOP/tests/kiosk/tasks.json" >"$bank/tasks.json"
    for model in 0 1; do
        "$HQ" train --data "$bank/contacts.csv" --dictionary "$bank/dictionary.json" --recipe "$bank/recipe.json" \
            --label taken --rounds $((60 + model)) --depth 4 -o "$bank/model$model.json" >/dev/null
        "$HQ" model compile --from xgboost "$bank/model$model.json" --recipe "$bank/recipe.json" \
            --dictionary "$bank/dictionary.json" -o "$bank/model$model.sotto" >/dev/null
    done
    cp "$bank/customers.csv" "$WORK/share/"
    mapfile -t CUSTOMERS < <(tail -n +2 "$bank/customers.csv" | cut -d, -f1)
}

image_make() {
    local etc=$WORK/overlay/etc/sotto
    mkdir -p "$WORK/overlay"
    cp -r "$HERE/cuts/etc" "$WORK/overlay/"
    cat >"$etc/sotto.json" <<JSON
{ "version": 1, "vault": "/data/sotto/vault", "store": "/data/sotto/store", "release": "/data/sotto/release",
  "sync": "/data/sotto/sync", "run": "/run/sotto",
  "head_office": { "url": "https://10.0.2.2:$PORT", "enrol_url": "https://10.0.2.2:$ENROL_PORT",
                   "authority": "/etc/sotto/authority.pem", "root": "/etc/sotto/root.json" } }
JSON
    cp "$WORK/hq/authority/ca.pem" "$etc/authority.pem"
    cp "$WORK/hq/repo/1.root.json" "$etc/root.json"
    cp "$SOTTO" "$WORK/sotto"
    arm-linux-gnueabihf-strip "$WORK/sotto"
    "$FIRMWARE_DIR/image" armv7 "$WORK/image" --overlay "$WORK/overlay" "$WORK/sotto"
}

qemu_boot() {
    "$FIRMWARE_DIR/run" --image "$WORK/image" --script cuts --data "$WORK/disk.sock" --share "$WORK/share" \
        --port "$PORT" --port "$ENROL_PORT" --log "$LOG" --pid "$WORK/pid" --timeout 1800 --quiet 2>"$WORK/run.log"
}

native_config() {
    local data=$WORK/data
    cat <<JSON
{ "version": 1, "vault": "$data/vault", "store": "$data/store", "release": "$data/release", "sync": "$data/sync",
  "run": "$WORK/run", "require_walls": false,
  "head_office": { "url": "https://127.0.0.1:$PORT", "enrol_url": "https://127.0.0.1:$ENROL_PORT",
                   "authority": "$WORK/hq/authority/ca.pem", "root": "$WORK/hq/repo/1.root.json" } }
JSON
}

# Everything of the terminal is one process group, which cutdisk kills.
native_life() {
    e2fsck -p "$LOOP" >"$LOG" 2>&1 || [ $? -lt 4 ] || return 1
    mount -t ext4 -o noatime "$LOOP" "$WORK/data" 2>>"$LOG" || return 1
    setsid sh -c 'echo "-$$" >"$TERMINAL/pid"; exec sh "$TERMINAL/cuts.sh"' >>"$LOG" 2>&1
}

native_boot() {
    local daemon status=0
    export TERMINAL=$WORK
    native_config >"$WORK/sotto.json"
    : >"$WORK/raw"
    mkdir -p "$WORK/data" "$WORK/bin"
    ln -sf "$SOTTO" "$WORK/bin/sotto"
    sed "s,/tmp/a,$WORK/a,g; s,/etc/sotto/lib.sh,$HERE/cuts/native.sh,; s,/share,$WORK/share,g" "$HERE/cuts/etc/sotto/run.d/cuts" >"$WORK/cuts.sh"
    qemu-storage-daemon --blockdev "driver=nbd,node-name=disk,server.type=unix,server.path=$WORK/disk.sock" \
        --export "type=fuse,id=export,node-name=disk,mountpoint=$WORK/raw,writable=on" 2>"$WORK/daemon.log" &
    daemon=$!
    wait_until test -s "$WORK/raw"
    LOOP=$(losetup -f --show "$WORK/raw")
    { PATH=$WORK/bin:$PATH native_life || status=$?; } 2>/dev/null
    umount "$WORK/data" 2>/dev/null || umount -l "$WORK/data" 2>/dev/null || true
    losetup -d "$LOOP" || true
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    rm -f "$WORK/pid"
    # A cut while the disk is being mounted finds no process to kill, and is one all the same.
    ! grep -q '^cut' "$WORK/fate" || status=137
    return $status
}

# boot CODE CUT_AT: one boot; sets STATUS (137: cut) and FATE (cutdisk's line).
boot() {
    local some='' i disk
    for i in 1 2 3 4; do some+=" ${CUSTOMERS[$(((NIGHT * 4 + i) % ${#CUSTOMERS[@]}))]}"; done
    printf "NIGHT=%s\nCODE='%s'\nCUSTOMERS='%s'\nKNOWN='%s'\n" "$NIGHT" "$1" "$some" "$KNOWN" >"$WORK/share/boot"
    rm -f "$WORK/disk.sock"
    "$WORK/cutdisk" "$WORK/disk.sock" "$WORK/disk.ext4" $((SEED * 1000 + NIGHT)) "$2" "$WORK/pid" 2>"$WORK/cutdisk.log" >"$WORK/fate" &
    disk=$!
    wait_until test -S "$WORK/disk.sock"
    STATUS=0 LOG=$WORK/boot.log
    if [ "$NATIVE" = yes ]; then native_boot || STATUS=$?; else qemu_boot || STATUS=$?; fi
    wait $disk || true
    FATE=$(cat "$WORK/fate")
}

said() { tr -d '\r' <"$LOG" | sed -n "s/^cuts: $1 //p"; }

# What a boot said of itself. KNOWN becomes what the next one must find.
look() {
    local found
    found=$(said lost)
    [ -z "$found" ] || bad "an event was answered for and is not there: $found"
    found=$(said twice)
    [ -z "$found" ] || bad "an event is there before it came: $found"
    found=$(said doctor)
    [ -z "$found" ] || bad "doctor: $found"
    for found in $(said release); do
        if [ "$found" -lt "$RELEASE" ] || [ "$found" -gt "$PUBLISHED" ]; then
            bad "release $found after $RELEASE, of $PUBLISHED"
        fi
        RELEASE=$found
    done
    case $STATUS in
        0) if [ "$RELEASE" -ne "$PUBLISHED" ] || [ "$(said waiting)" != 0 ]; then bad "the night did not do its work"; fi ;;
        137) CUTS=$((CUTS + 1)) ;;
        *) bad "the boot ended with $STATUS" ;;
    esac
    # What was known and is not yet replayed stays to be asked for.
    case $(said phase | tail -n 1) in '' | opening) ;; *) KNOWN=$(said event | tr '\n' ' ') ;; esac
}

# Each number from 1 to the last was counted once, none is missing, no alarm; the rest are known repeats.
reports_check() {
    local doubled
    doubled=$(sed -n 's/.*report.accepted .*seq=\([0-9]*\) .*repeated=false.*/\1/p' "$WORK/hq.log" | sort -n | uniq -d)
    [ -z "$doubled" ] || bad "counted twice: $doubled"
    COUNTED=$(grep -c 'report.accepted.*repeated=false' "$WORK/hq.log" || true)
    REPEATED=$(grep -c 'report.accepted.*repeated=true' "$WORK/hq.log" || true)
    hq devices --dir "$WORK/hq" --json >"$WORK/devices"
    grep -q "\"seq\":$COUNTED,\"reports\":$COUNTED,\"missing\":0,\"set_aside\":0,\"quarantined\":null" "$WORK/devices" &&
        grep -q '"alarms":\[\]' "$WORK/devices" || bad "head office: $(cat "$WORK/devices")"
}

first_boot() {
    boot "$(hq enrol-code --dir "$WORK/hq" --device one --json | sed 's/.*"code": *"\([^"]*\)".*/\1/')" 0
    look
    [ "$STATUS" -eq 0 ] || { cat "$LOG"; exit 1; }
}

# A night that nobody cuts tells how many steps there are; the moments of the others are drawn from as many.
next_night() {
    NIGHT=$((NIGHT + 1))
    # Fetching is most of a night's writes: were there a release each night, few cuts would meet seal and send.
    [ "$NIGHT" -ne 1 ] && [ $((RANDOM % RELEASE_EVERY)) -ne $((RELEASE_EVERY - 1)) ] || publish
    hq_start
    boot '' "$1"
    look
    reports_check
    grep -aqE 'journal recovered|recovering journal' "$LOG" && JOURNALS=$((JOURNALS + 1)) || true
    echo "night $NIGHT: $FATE; ended with $STATUS in $(said phase | tail -n 1), release $RELEASE of $PUBLISHED, $COUNTED reports, $REPEATED repeated, $SECONDS s"
}

last_night() {
    : >"$WORK/share/audit"
    next_night 0
    "$HQ" audit verify "$WORK/share/audit" --dir "$WORK/hq" --json >"$WORK/verified" || bad "audit: $(cat "$WORK/verified")"
    [ "$(said outbox | tail -n 1)" = "$COUNTED" ] || bad "terminal: $(said outbox | tail -n 1) reports, head office: $COUNTED"
}

main() {
    local cut
    local tools=("$QEMU_BINARY" "$CROSS_COMPILER" socat)
    [ "$NATIVE" = no ] || tools=(qemu-storage-daemon losetup mke2fs)
    for cut in "${tools[@]}"; do command -v "$cut" >/dev/null || { echo "skipped: no $cut"; exit 77; }; done
    trap end EXIT
    mkdir -p "$WORK/share"
    echo "seed $SEED"
    cc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$WORK/cutdisk" "$HERE/cutdisk.c"
    PORT=$(free_port) ENROL_PORT=$(free_port)
    "$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 --host 10.0.2.2 >/dev/null
    bank_make
    publish
    hq_start
    [ "$NATIVE" = yes ] || image_make
    "$FIRMWARE_DIR/disk" "$WORK/disk.ext4" 48
    first_boot
    [ -n "$STEPS" ] || next_night 0
    [ -n "$STEPS" ] || [ "$RELEASE_EVERY" -le 2 ] || next_night 0 # most nights have nothing to fetch
    [ -n "$STEPS" ] || STEPS=$(sed -n 's/.* steps \([0-9]*\) .*/\1/p' <<<"$FATE")
    # A moment may lie behind the end of a short night: that one was not cut, and does not count.
    while [ "$CUTS" -lt "$N" ]; do next_night $((1 + (RANDOM * 32768 + RANDOM) % STEPS)); done
    last_night
    echo "$CUTS cuts in $NIGHT nights, seed $SEED, $STEPS steps a night, $JOURNALS journals recovered: $FAILED failed"
    [ "$FAILED" -eq 0 ]
}

main
