#!/bin/bash
# Constant time of Prio3 under valgrind; see prio3_ct.c. Usage: prio3_ct.sh PROGRAM
set -euo pipefail
command -v valgrind >/dev/null || { echo "skipped: no valgrind"; exit 77; }
check() { valgrind --quiet --error-exitcode=9 "$@"; }
check "$1" || { echo "FAIL a branch or an address depends on a secret"; exit 1; }
if check "$1" leak >/dev/null 2>&1; then
    echo "FAIL valgrind did not see the leak that is there on purpose"
    exit 1
fi
echo "2 passed, 0 failed"
