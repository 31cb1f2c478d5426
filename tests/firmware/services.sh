#!/bin/bash
# services.sh: the systemd units are valid and closed, and users and folders of a real terminal are those of the
# emulated one. What needs tools of systemd that are missing is skipped.
set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SERVICES=$TOP/firmware/services
COLLECTOR=$TOP/firmware/collector
WORK=$(mktemp -d)
PASSED=0
FAILED=0
SKIPPED=0
trap 'rm -rf "$WORK"' EXIT

ok() { PASSED=$((PASSED + 1)); }
bad() { FAILED=$((FAILED + 1)); echo "FAILED $*"; }
skip() { SKIPPED=$((SKIPPED + 1)); echo "skipped: $*"; }

# A root with the units and something to execute, so that a clean verification prints nothing at all.
units_verify() {
    local root=$WORK/root out
    mkdir -p "$root"/{etc/systemd/system,usr/bin,usr/lib/systemd/system}
    cp "$SERVICES"/*.{service,timer} "$COLLECTOR"/*.service "$root/etc/systemd/system/"
    cp /usr/lib/systemd/system/*.{target,slice} "$root/usr/lib/systemd/system/" 2>/dev/null ||
        cp /lib/systemd/system/*.{target,slice} "$root/usr/lib/systemd/system/"
    mkdir -p "$root/bin"
    printf '#!/bin/sh\n' | tee "$root/usr/bin/sotto" "$root/usr/bin/sotto-hq" >"$root/bin/kill"
    chmod 755 "$root/usr/bin/sotto" "$root/usr/bin/sotto-hq" "$root/bin/kill"
    out=$(systemd-analyze verify --man=no --root="$root" sotto-serve.service sotto-sync.timer sotto-collector.service 2>&1 | grep sotto || true)
    if [ -z "$out" ]; then ok; else bad "systemd-analyze verify: $out"; fi
}

# exposure UNIT LIMIT: tenths, systemd's own scale from 0 (closed) to 100.
exposure() {
    if systemd-analyze security --offline=true --threshold="$2" --no-pager "${3:-$SERVICES}/$1" >"$WORK/out" 2>&1; then
        ok
    else
        bad "$1: $(tail -n 1 "$WORK/out")"
    fi
}

# The walls that the design rests on, each by its own line.
wall() { if grep -qxF "$2" "${3:-$SERVICES}/$1"; then ok; else bad "$1 lacks '$2'"; fi; }

walls() {
    wall sotto-serve.service PrivateNetwork=yes
    wall sotto-serve.service RestrictAddressFamilies=AF_UNIX
    wall sotto-serve.service "InaccessiblePaths=/data/sotto/sync"
    wall sotto-sync.service "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX"
    wall sotto-sync.service "InaccessiblePaths=/data/sotto/vault /data/sotto/store /run/sotto/api"
    wall sotto-sync.service "ExecStart=/usr/bin/sotto --config /etc/sotto/sotto.json sync --within 14400 --until-done"
    wall sotto-collector.service TimeoutStartSec=infinity "$COLLECTOR" # it may have a registry to move
}

# What a unit may write it may not run.
written_not_run() {
    local unit place closed
    for unit in "$SERVICES"/*.service "$COLLECTOR"/*.service; do
        closed=" $(sed -n 's/^NoExecPaths=//p' "$unit" | tr '\n' ' ')"
        for place in $(sed -n 's/^ReadWritePaths=//p' "$unit") /tmp /var/tmp /dev/shm; do
            if [[ $closed == *" $place "* ]]; then ok; else bad "${unit##*/}: $place can be written and run"; fi
        done
    done
}

# What the programs may take by their own limits fits, so that the kernel ends none of them for it.
number() { sed -n "s/.*$2.*/\\1/p" "$TOP/$1" | head -n 1; }
memory_of() { sed -n 's/^MemoryMax=\([0-9]*\)M$/\1/p' "$SERVICES/$1"; }
memory() {
    local release file files own=16
    release=$(($(number src/kiosk/config/config.c '\.release_memory_kib = \([0-9]*\)') / 1024))
    file=$(number src/kiosk/engine/release.c '#define FILE_LIMIT *(\([0-9]*\)u << 20)')
    files=$(awk '/TEXT_NAME\[FILES\] = /, /;/' "$TOP/src/kiosk/engine/release.c" | grep -o '"[a-z.]*"\|SELFTEST' | wc -l)
    if [ "$(memory_of sotto-serve.service)" -ge $((release + files * file + own)) ] && [ "$files" -ge 9 ]; then ok; else bad "MemoryMax of serve"; fi
    if [ "$(memory_of sotto-sync.service)" -ge $((3 * file + own)) ]; then ok; else bad "MemoryMax of sync"; fi
}

# name, uid and groups of the terminal's users, from a passwd and a group file.
users_of() {
    local dir=$1 user
    for user in sotto sotto-sync kiosk; do
        awk -F: -v u="$user" '$1 == u { print $1, $3, $4 }' "$dir/passwd"
        awk -F: -v u="$user" '{ n = split($4, m, ","); for (i = 1; i <= n; i++) if (m[i] == u) print u, $1, $3 }' \
            "$dir/group" | sort
    done
}

users_same() {
    mkdir -p "$WORK/users/etc"
    if ! systemd-sysusers --root="$WORK/users" "$SERVICES/sysusers.conf" >"$WORK/out" 2>&1; then
        bad "systemd-sysusers: $(cat "$WORK/out")"
    elif diff <(users_of "$WORK/users/etc") <(users_of "$TOP/firmware/rootfs/etc"); then
        ok
    else
        bad "users differ between sysusers.conf and the emulated terminal"
    fi
}

folders_same() {
    local of_init of_tmpfiles
    of_init=$(sed -n 's/^ *directory \(\/[^ ]*sotto[^ ]*\) \([0-9]*\) \([a-z-]*\):\([a-z-]*\)$/\1 \2 \3 \4/p' "$TOP/firmware/init" | sort)
    of_tmpfiles=$(awk '$1 == "d" { sub(/^0/, "", $3); print $2, $3, $4, $5 }' "$SERVICES/tmpfiles.conf" | sort)
    if [ -n "$of_init" ] && diff <(echo "$of_init") <(echo "$of_tmpfiles"); then ok; else bad "folders differ between tmpfiles.conf and init"; fi
}

walls
written_not_run
memory
folders_same
if command -v systemd-analyze >/dev/null; then
    units_verify
    exposure sotto-serve.service 10
    exposure sotto-sync.service 20
    exposure sotto-collector.service 15 "$COLLECTOR"
else
    skip "no systemd-analyze"
fi
if command -v systemd-sysusers >/dev/null; then users_same; else skip "no systemd-sysusers"; fi
echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ $FAILED -eq 0 ]
