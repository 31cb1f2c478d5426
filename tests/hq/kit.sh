# shellcheck shell=bash disable=SC2034  # the tests that source this file read its variables
# What tests of sotto-hq's commands share: a folder to work in, which is the current one, checks and their count. Sourced
# with the program's path in $program.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0 failed=0 skipped=0

check() { # check WHAT COMMAND...: passes when the command succeeds
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/    /' out err 2>/dev/null | cut -c 1-300 | tail -n 6
    fi
}
skip() { # skip WHY
    skipped=$((skipped + 1))
    echo "skipped: $1"
}
run() { "$program" "$@" >out 2>err; } # a test may put its own in this place
ends() { # ends CODE WORD ARGUMENTS...: exit code and a word on standard error, nothing on standard output
    local code=$1 word=$2 got
    shift 2
    run "$@"
    got=$?
    [ "$got" = "$code" ] && grep -qF -- "$word" err && [ ! -s out ]
}
# On the output of the last run.
says() { grep -qE -- "$1" out; }
holds() { jq -e "$1" out >/dev/null; }
# figure NAME LOW HIGH: the first figure of that name in the JSON lies there.
figure() {
    grep -oE "\"$1\":(\{\"value\":)?-?[0-9.]+" out | head -n 1 | awk -F: -v low="$2" -v high="$3" '{ v = $NF } END { exit !(NR && v >= low && v <= high) }'
}
