# Signs of life while something long runs. Sourced by ./demo and ./check.

# progress_begin WORDS LOG: says WORDS, and until progress_end shows that time goes by: on a terminal the seconds and
# the newest line of LOG, elsewhere a dot each half minute.
progress_begin() {
    printf '%s' "$1"
    progress_show "$1" "$2" $$ &
    PROGRESS_PID=$!
}

# progress_end WORDS: leaves WORDS alone on the line.
progress_end() {
    kill "$PROGRESS_PID" 2>/dev/null || true
    wait "$PROGRESS_PID" 2>/dev/null || true
    [ ! -t 1 ] || printf '\r\033[K%s' "$1"
}

# Ends with its shell, also with one that was killed; its sleep must not hold a pipe open that others wait on.
progress_show() {
    local words=$1 log=$2 shell=$3 start=$SECONDS beats=0 width newest
    width=$(tput cols 2>/dev/null || echo 80)
    while kill -0 "$shell" 2>/dev/null; do
        sleep 1 >/dev/null 2>&1
        beats=$((beats + 1))
        if [ -t 1 ]; then
            newest=$(tail -c 300 "$log" 2>/dev/null | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]') || true
            printf '\r\033[K%.*s' $((width - 1)) "$words $((SECONDS - start)) s  $newest"
        elif [ $((beats % 30)) -eq 0 ]; then
            printf '.'
        fi
    done
}
