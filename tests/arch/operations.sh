#!/bin/bash
# Whatever the programs can call wrong has a row in docs/operations.md that says what to do, and each row there names something that they
# can say: names are taken from the sources. Usage: operations.sh.
set -euo pipefail
export LC_ALL=C
TOP=$(cd "$(dirname "$0")/../.." && pwd)
DOC=$TOP/docs/operations.md
FAILED=0
bad() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }

# The names of an X list: X(NAME, "name"...
listed() { # FILE LIST
    awk -v head="#define $2(X)" 'index($0, head) == 1 { on = 1 } on { print } on && !/\\$/ { exit }' "$TOP/$1" |
        grep -o 'X([A-Z_]*, "[a-z_]*"' | sed 's/.*"\(.*\)"/\1/'
}
# Events that are written as an error or a warning, also only sometimes.
events() {
    find "$TOP/src" -name '*.c' | while read -r file; do
        tr '\n' ' ' <"$file" | grep -o 'sotto_log_event([^;]*;' | grep 'SOTTO_LOG_\(ERROR\|WARN\)' | grep -o '"[a-z]*\.[a-z_]*"' || true
    done | tr -d '"' | sort -u
}
# rows HEADING: what stands between backquotes in the first column of the tables below this heading.
rows() {
    awk -v head="### $1" 'index($0, head) == 1 { on = 1; next } /^##/ { on = 0 } on && /^\| `/ { print }' "$DOC" |
        cut -d'|' -f2 | grep -o '`[^`]*`' | tr -d '`' | sort -u
}
# same HEADING LEAST NAMES: the rows are the names, and there are at least so many, so that a list that moved is not an empty one.
same() {
    local names missing extra
    names=$(sort -u <<<"$3")
    [ "$(wc -l <<<"$names")" -ge "$2" ] || bad "$1: only $(wc -l <<<"$names") names were found in the sources"
    missing=$(comm -23 <(echo "$names") <(rows "$1") | tr '\n' ' ')
    extra=$(comm -13 <(echo "$names") <(rows "$1") | tr '\n' ' ')
    [ -z "$missing" ] || bad "docs/operations.md, '$1', has no row for: $missing"
    [ -z "$extra" ] || bad "docs/operations.md, '$1': the sources do not say: $extra"
}
same "Alarms of head office" 12 "$(listed src/hq/registry/registry.h HQ_ALARMS)"
same "Checks of a terminal" 13 "$(listed src/kiosk/commands/doctor.h CHECKS; listed src/hq/admin/devices.h HQ_CHECKS)"
same "Errors and warnings in the logs" 33 "$(events)"
# What the collector answers to whoever watches over it.
for path in $(grep -o '"/[a-z]*z"' "$TOP/src/hq/collector/collect.c" | tr -d '"'); do
    rows "The collector is not ready" | grep -q "^$path$" || bad "docs/operations.md says nothing of $path"
done
[ "$FAILED" = 0 ] && echo "every alarm, check and event has a row"
