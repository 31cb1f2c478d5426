# shellcheck shell=bash
# Checks of a test of commands, and their count. Sourced.
PASSED=0 FAILED=0
ok() { PASSED=$((PASSED + 1)); }
bad() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }
# expect CODE PATTERN COMMAND...: the command ends with CODE and says PATTERN.
expect() {
    local code=$1 pattern=$2 status=0 said
    shift 2
    said=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$status" = "$code" ] && grep -q -- "$pattern" <<<"$said"; then ok; else
        bad "$*: ended with $status (wanted $code), said: $(head -c 400 <<<"$said")"
    fi
}
finish() { echo "$PASSED passed, $FAILED failed"; [ "$FAILED" = 0 ]; }
