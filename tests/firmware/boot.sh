#!/bin/bash
# boot.sh [ARCH...]: boots a real image with a small program of its own and looks at what the terminal promises:
# clock, users, directories, isolation, network, and that data made durable survives a power cut.
# Default: armv7, and aarch64 where its cross compiler is installed. Ends with 77 when nothing could be tried.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=firmware/common.sh
. "$HERE/../../firmware/common.sh"

WORK=$(mktemp -d)
LISTENERS=()
PASSED=0
FAILED=0
SKIPPED=0

end() {
    [ ${#LISTENERS[@]} -eq 0 ] || kill "${LISTENERS[@]}" 2>/dev/null || true
    rm -rf "$WORK"
}

ok() { PASSED=$((PASSED + 1)); }
bad() { FAILED=$((FAILED + 1)); echo "FAILED $*"; }
skip() { SKIPPED=$((SKIPPED + 1)); echo "skipped: $*"; }

# same WHAT WANTED GOT
same() { if [ "$2" = "$3" ]; then ok; else bad "$1: wanted '$2', got '$3'"; fi; }

fact() { tr -d '\r' <"$LOG" | sed -n "s,^fact $1 ,,p"; }
expect() { same "$ARCH: $1" "$2" "$(fact "$1")"; }

# boot SCRIPT OPTIONS...: sets STATUS and SECONDS_TAKEN.
boot() {
    local script=$1 started=$EPOCHREALTIME
    shift
    LOG=$WORK/$ARCH.$script.log
    STATUS=0
    "$FIRMWARE_DIR/run" --image "$WORK/$ARCH" --script "$script" --log "$LOG" --quiet --timeout 240 "$@" \
        2>"$LOG.run" || STATUS=$?
    SECONDS_TAKEN=$(((${EPOCHREALTIME/./} - ${started/./}) / 100000))
    SECONDS_TAKEN=${SECONDS_TAKEN%?}.${SECONDS_TAKEN: -1}
}

# listen ANSWER: a server on a free port of the host's loopback; sets PORT.
listen() {
    local answer=$1 try pid
    for try in $(seq 20); do
        PORT=$((20000 + (RANDOM + try) % 20000))
        socat "TCP-LISTEN:$PORT,bind=127.0.0.1,fork" "SYSTEM:read line; echo $answer \$line" 2>/dev/null &
        pid=$!
        sleep 0.2
        if kill -0 "$pid" 2>/dev/null; then
            LISTENERS+=("$pid")
            return
        fi
    done
    die "no free port on the loopback"
}

check_directories() {
    expect /data/sotto/vault "700 sotto:sotto"
    expect /data/sotto/store "700 sotto:sotto"
    expect /data/sotto/release "2750 sotto-sync:sotto-link"
    expect /data/sotto/sync "700 sotto-sync:sotto-sync"
    expect /run/sotto/api "2750 sotto:sotto-api"
    expect /run/sotto/link "2750 sotto:sotto-link"
    case $(fact data) in
        "ext4 "*nosuid*nodev*noexec*) ok ;;
        *) bad "$ARCH: /data is mounted as '$(fact data)'" ;;
    esac
    expect exec_on_data no
}

check_users() {
    expect serve "990 sotto sotto-link sotto-api"
    expect sync "991 sotto-sync sotto-link"
    expect kiosk "992 kiosk sotto-api"
    expect arguments "<a b><\$HOME><it's>"
    expect vault_by_sync no
    expect vault_by_kiosk no
    expect release_by_serve yes
    expect release_written_by_serve no
    expect release_by_kiosk no
}

check_network() {
    expect open_port "heard a line from the terminal"
    expect open_port_again "heard a line from the terminal"
    expect closed_port no
    expect silent_port no
    expect router no
    expect network_by_serve "probe: connect: Network is unreachable"
}

check_service() {
    expect socket "770 sotto:sotto-api"
    expect served_by 990
    expect no_new_privileges 1
    expect stopped 7
    expect missing_socket 1
}

facts_boot() {
    local now=1790000000 clock open closed silent
    mkdir -p "$WORK/share"
    listen heard
    open=$PORT
    listen forbidden
    closed=$PORT
    listen nobody
    silent=$PORT
    kill "${LISTENERS[-1]}"
    printf 'OPEN_PORT=%s\nCLOSED_PORT=%s\nSILENT_PORT=%s\n' "$open" "$closed" "$silent" >"$WORK/share/ports"
    boot facts --data "$WORK/$ARCH.ext4" --data-size 64 --now $now --port "$open" --port "$silent" --share "$WORK/share"
    same "$ARCH: status of the facts" 0 "$STATUS"
    [ "$STATUS" -eq 0 ] || cat "$LOG" "$LOG.run"
    clock=$(fact clock)
    if [ "${clock:-0}" -ge $now ] && [ "$clock" -lt $((now + 60)) ]; then ok; else bad "$ARCH: clock '$clock'"; fi
    check_directories
    check_users
    check_network
    check_service
    same "$ARCH: file in the shared folder" "from the terminal" "$(cat "$WORK/share/answer" 2>/dev/null)"
    echo "$ARCH: $SECONDS_TAKEN s from start to power-off, with all checks inside; $(grep -a -o 'up in .*' "$LOG" | tr -d '\r')"
}

durable_count() { tr -d '\r' <"$LOG" | grep -a -x 'durable [0-9]*' | tail -n 1 | cut -d ' ' -f 2; }

# Waits for a few acknowledged writes, then takes the power away. Writes go on while the power goes.
power_cut() {
    local left=600
    while [ "$(durable_count 2>/dev/null || echo 0)" -lt 40 ] 2>/dev/null || [ ! -s "$WORK/pid" ]; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
    kill -9 "$(cat "$WORK/pid")"
}

power_boots() {
    local promised found
    rm -f "$WORK/pid" "$WORK/$ARCH.write.log"
    LOG=$WORK/$ARCH.write.log
    : >"$LOG"
    power_cut &
    boot write --data "$WORK/$ARCH.ext4" --pid "$WORK/pid"
    wait $! || bad "$ARCH: the guest wrote too little in 60 s"
    same "$ARCH: status after the power cut" 137 "$STATUS"
    promised=$(durable_count)
    if grep -a -q 'journal recovered' "$LOG"; then bad "$ARCH: the orderly power-off left the disk open"; else ok; fi
    boot verify --data "$WORK/$ARCH.ext4"
    same "$ARCH: status after the power came back" 0 "$STATUS"
    found=$(tr -d '\r' <"$LOG" | sed -n 's/^records //p')
    if [ "${promised:-0}" -ge 40 ] && [ "${found:-0}" -ge "$promised" ]; then
        ok
    else
        bad "$ARCH: $promised records were acknowledged before the power cut, ${found:-none} are there after it"
    fi
    if grep -a -q 'journal recovered' "$LOG"; then ok; else bad "$ARCH: the journal was not needed, so no power was cut"; fi
    echo "$ARCH: power cut after $promised acknowledged records, $found found; second boot $SECONDS_TAKEN s"
}

failure_boots() {
    boot fail
    same "$ARCH: status of a script that fails" 1 "$STATUS"
    boot nothing-of-this-name
    same "$ARCH: status without a script" 1 "$STATUS"
    boot hang --timeout 6
    same "$ARCH: status of a script that hangs" 124 "$STATUS"
}

image_make() {
    local overlay=$HERE/overlay out=$WORK/$ARCH started
    "$CROSS_COMPILER" -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -o "$WORK/probe" "$HERE/probe.c"
    "$FIRMWARE_DIR/image" "$ARCH" "$out" --overlay "$overlay" "$WORK/probe"
    started=$SECONDS
    "$FIRMWARE_DIR/image" "$ARCH" "$out" --overlay "$overlay" "$WORK/probe" 2>"$WORK/again"
    # The other architecture's image may be in the making, and hold the cache: what counts is that nothing is made anew.
    if grep -q 'up to date' "$WORK/again"; then ok; else bad "$ARCH: made again after $((SECONDS - started)) s: $(cat "$WORK/again")"; fi
    if "$FIRMWARE_DIR/image" "$ARCH" "$WORK/refused" /bin/true 2>/dev/null; then bad "$ARCH: took a foreign binary"; else ok; fi
}

one_arch() {
    ARCH=$1
    arch_set "$ARCH"
    if ! command -v "$CROSS_COMPILER" >/dev/null || ! command -v "$QEMU_BINARY" >/dev/null; then
        skip "$ARCH: no $CROSS_COMPILER or no $QEMU_BINARY"
        return
    fi
    image_make
    facts_boot
    power_boots
    failure_boots
}

main() {
    trap end EXIT
    local arch
    [ $# -gt 0 ] || set -- armv7 aarch64
    if command -v socat >/dev/null; then
        for arch in "$@"; do one_arch "$arch"; done
    else
        skip "no socat"
    fi
    echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
    [ $FAILED -eq 0 ] || exit 1
    [ $PASSED -gt 0 ] || exit 77
}

main "$@"
