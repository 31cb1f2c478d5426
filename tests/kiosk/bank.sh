# A small bank and one terminal on this machine, for whole-program tests. Sourced; sets WORK, and ends everything at exit.
# Arguments of the test: SOTTO SOTTO_HQ KIOSK_APP.
set -euo pipefail
SOTTO=$1 HQ=$2 APP=$3
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WORK=$(mktemp -d)
PASSED=0 FAILED=0
PIDS=()

bank_end() {
    local pid
    for pid in ${PIDS[@]+"${PIDS[@]}"}; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$WORK"
}
trap bank_end EXIT
set -E
trap 'echo "line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND" >&2' ERR

ok() { PASSED=$((PASSED + 1)); }
bad() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }
# expect CODE PATTERN COMMAND...: the command ends with CODE and says PATTERN.
expect() {
    local code=$1 pattern=$2 status=0 said
    shift 2
    said=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$status" = "$code" ] && grep -qi -- "$pattern" <<<"$said"; then ok; else
        bad "$*: ended with $status (wanted $code), said: $(head -c 600 <<<"$said")"
    fi
}
finish() { echo "$PASSED passed, $FAILED failed"; [ "$FAILED" = 0 ]; }

. "$(dirname "${BASH_SOURCE[0]}")/../../toolchain/lib/port.sh"
# wait_for SECONDS COMMAND...
wait_for() {
    local left=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.05
    done
}

# One trained model serves every test of this kind in a build folder: training is not what they test.
bank_model() {
    "$HQ" population --customers 400 --seed 7 --examples "$TOP/docs/examples/bank" -o "$WORK/bank" >/dev/null
    cp "$TOP"/docs/examples/bank/*.json "$WORK/bank/"
    cp "$TOP/tests/kiosk/tasks.json" "$WORK/bank/" # one task and a period of a day: a test has no weeks
    "$HQ" train --data "$WORK/bank/contacts.csv" --dictionary "$WORK/bank/dictionary.json" --recipe "$WORK/bank/recipe.json" \
        --label taken --rounds 20 --depth 3 -o "$WORK/bank/model.json" >/dev/null
    "$HQ" model compile --from xgboost "$WORK/bank/model.json" --recipe "$WORK/bank/recipe.json" \
        --dictionary "$WORK/bank/dictionary.json" -o "$WORK/bank/model.sotto" >/dev/null
}

bank_publish() {
    "$HQ" publish --dir "$WORK/hq" --model "$WORK/bank/model.sotto" --dictionary "$WORK/bank/dictionary.json" \
        --catalogue "$WORK/bank/catalogue.json" --policy "$WORK/bank/policy.json" --tasks "$WORK/bank/tasks.json" "$@"
}

bank_open() {
    "$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 ${INIT_WITH[@]+"${INIT_WITH[@]}"} >/dev/null
    bank_model
    bank_publish >/dev/null
    PORT=$(free_port) ENROL_PORT=$(free_port)
    hq_start
}

hq_start() {
    "$HQ" serve --dir "$WORK/hq" --listen "127.0.0.1:$PORT" --enrol-listen "127.0.0.1:$ENROL_PORT" \
        ${SERVE_WITH[@]+"${SERVE_WITH[@]}"} >>"$WORK/hq.log" 2>&1 &
    HQ_PID=$!
    PIDS+=("$HQ_PID")
    wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
}

# terminal_make NAME: folders and configuration of a terminal; its commands are then run by `t NAME ...`.
terminal_make() {
    local t=$WORK/$1
    mkdir -p "$t"
    cp "$WORK/hq/authority/ca.pem" "$t/authority.pem"
    cp "$WORK/hq/repo/1.root.json" "$t/root.json"
    cat >"$t/sotto.json" <<JSON
{ "version": 1, "vault": "$t/vault", "store": "$t/store", "release": "$t/release", "sync": "$t/sync", "run": "$t/run",
  "head_office": { "url": "https://127.0.0.1:$PORT", "enrol_url": "https://127.0.0.1:$ENROL_PORT",
                   "authority": "$t/authority.pem", "root": "$t/root.json" },
  "utc_offset_min": ${UTC_OFFSET_MIN:-0}, "clock_offset_s": ${CLOCK_OFFSET_S:-0}, "require_walls": false }
JSON
}
t() { local name=$1; shift; "$SOTTO" --config "$WORK/$name/sotto.json" "$@"; }

serve_start() {
    "$SOTTO" --config "$WORK/$1/sotto.json" serve >>"$WORK/$1/serve.log" 2>&1 &
    SERVE_PID=$!
    PIDS+=("$SERVE_PID")
    wait_for 20 test -S "$WORK/$1/run/api/sotto.sock" -a -S "$WORK/$1/run/link/sotto.sock"
}
serve_stop() { kill -TERM "$SERVE_PID"; wait "$SERVE_PID"; }
code_for() { "$HQ" enrol-code --dir "$WORK/hq" --device "$1" --json | sed 's/.*"code": *"\([^"]*\)".*/\1/'; }

# terminal_ready NAME: initialised, enrolled, with the release and the bank's customers; serve is running.
terminal_ready() {
    terminal_make "$1"
    t "$1" init >/dev/null
    serve_start "$1"
    t "$1" enrol "$(code_for "$1")" >/dev/null
    t "$1" sync >/dev/null
    serve_stop
    t "$1" import "$WORK/bank/customers.csv" >/dev/null
    serve_start "$1"
}
