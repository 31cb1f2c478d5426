# Shared by toolchain/setup: messages, timing, clean-up, the private cache.  Sourced, never run.

SOTTO_CACHE=${SOTTO_CACHE:-${XDG_CACHE_HOME:-${HOME:?toolchain: HOME or SOTTO_CACHE must be set}/.cache}/sotto}
scratch='' running=''

say() { printf 'toolchain: %s\n' "$*"; }
die() {
    printf 'toolchain: error: %s\n' "$1" >&2
    shift
    for line in "$@"; do [ -z "$line" ] || printf '           %s\n' "$line" >&2; done
    exit 1
}

# Runs a command with its output in a log.  On a terminal one line is rewritten with the newest output, elsewhere one
# line tells the step and its seconds.  On failure the end of the log is shown: step <what> <log> <command...>
# The command runs as a job of its own process group, so that clean_up can end all of it, and so that `set -e` holds
# inside it (bash ignores that under `||`).
step() {
    local what=$1 log=$2 start=$SECONDS rc=0
    shift 2
    mkdir -p "${log%/*}"
    set -m
    "$@" >"$log" 2>&1 </dev/null &
    running=$!
    set +m
    [ ! -t 1 ] || show_progress "$what" "$log"
    wait "$running" || rc=$?
    running=
    if [ "$rc" = 0 ]; then
        say "$what: $((SECONDS - start)) s"
    else
        tail -n 15 "$log" | sed 's/^/    /' >&2
        die "$what failed (exit $rc) after $((SECONDS - start)) s" "the whole log: $log" "$(disk_hint)"
    fi
}

# A full disk also swallows the log that would tell of it.
disk_hint() {
    local free_mb
    free_mb=$(df -Pm "$SOTTO_CACHE" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ "${free_mb:-999}" -ge 100 ] || printf 'only %s MB are free under %s; a set-up of all targets takes 300' \
        "$free_mb" "$SOTTO_CACHE"
}

show_progress() {
    local start=$SECONDS newest width
    width=$(tput cols 2>/dev/null || echo 80)
    while kill -0 "$running" 2>/dev/null; do
        newest=$(tail -c 300 "$2" 2>/dev/null | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]') || true
        printf '\r\033[K%.*s' "$((width - 1))" "toolchain: $1, $((SECONDS - start)) s  $newest"
        sleep 0.2
    done
    printf '\r\033[K'
}

sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

# One big lock: a second set-up waits, then finds everything made.  Children inherit the descriptor: if only this script
# is killed, the lock stays until its compilers have ended too, and nobody clears the scratch folder under them.
take_lock() {
    mkdir -p "$SOTTO_CACHE/tmp" || die "cannot make the cache folder $SOTTO_CACHE" "set SOTTO_CACHE to a folder you may write"
    exec 9>"$SOTTO_CACHE/lock"
    if ! flock -n 9; then
        say "another set-up is at work on this cache; waiting for it"
        flock 9
    fi
    # Under the lock nobody else works here: what lies in tmp was left by a run that was killed.
    rm -rf "${SOTTO_CACHE:?}/tmp"
    mkdir -p "$SOTTO_CACHE/tmp"
    scratch=$SOTTO_CACHE/tmp/$$
    mkdir -p "$scratch"
}

clean_up() {
    local rc=$?
    [ -z "$running" ] || kill -- "-$running" 2>/dev/null || true
    [ -z "$scratch" ] || rm -rf "$scratch"
    exit "$rc"
}
