#!/bin/bash
# Three parties of mode B as processes: set up, verify, collect; and killed at random moments while they work.
# Usage: aggregate.sh SOTTO_HQ AGGREGATE_FILL [KILLS]
set -euo pipefail
HQ=$1 FILL=$2 KILLS=${3:-6}
WORK=$(mktemp -d)
PASSED=0 FAILED=0
LEADER_PID='' HELPER_PID=''
end() {
    [ -z "$LEADER_PID" ] || kill -9 "$LEADER_PID" 2>/dev/null || true
    [ -z "$HELPER_PID" ] || kill -9 "$HELPER_PID" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$WORK"
}
trap end EXIT

ok() { PASSED=$((PASSED + 1)); }
bad() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }
expect() {
    local code=$1 pattern=$2 status=0 said
    shift 2
    said=$("$@" 2>&1 </dev/null) || status=$?
    if [ "$status" = "$code" ] && grep -qi -- "$pattern" <<<"$said"; then ok; else
        bad "$*: ended with $status (wanted $code), said: $(head -c 600 <<<"$said")"
    fi
}
. "$(dirname "${BASH_SOURCE[0]}")/../../../toolchain/lib/port.sh"
wait_for() {
    local left=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.05
    done
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
agg() { "$HQ" aggregate "$@"; }
hpke() { sed 's/.*"hpke":"\([0-9a-f]*\)".*/\1/' "$WORK/$1/party.json"; }
status_of() { agg status --dir "$WORK/$1" --json; }

# ---- set-up ----
"$HQ" init --dir "$WORK/hq" >/dev/null
for role in leader helper collector; do
    expect 0 "is set up" agg init --dir "$WORK/$role" --role $role
done
expect 4 "exist\|already" agg init --dir "$WORK/leader" --role leader
expect 2 "leader, helper or collector" agg init --dir "$WORK/x" --role boss
expect 4 "pair" agg --role helper --dir "$WORK/helper" --listen 127.0.0.1:0
expect 0 "2 paired" agg pair --dir "$WORK/leader" --party "$WORK/helper/party.json" --party "$WORK/collector/party.json"
expect 0 "2 paired" agg pair --dir "$WORK/helper" --party "$WORK/leader/party.json" --party "$WORK/collector/party.json"
expect 0 "1 paired" agg pair --dir "$WORK/collector" --party "$WORK/leader/party.json"
expect 4 "exist\|already" agg pair --dir "$WORK/leader" --party "$WORK/helper/party.json"
expect 2 "as the one here" agg pair --dir "$WORK/leader" --party "$WORK/leader/party.json"

tasks() { # LEADER_KEY HELPER_KEY
    cat <<JSON
{ "format": "sotto-tasks", "version": 2, "lifetime_epsilon": 20, "aggregators": { "leader": "$1", "helper": "$2" },
  "tasks": [ { "name": "offers", "id": 7, "type": "offer-counts", "mode": "two-aggregators", "epsilon": 100, "bound": 1,
               "period_days": 1, "smallest_batch": 10, "cell_bits": 7,
               "tables": [ [ { "of": "campaign", "bins": ["a", "b"] }, { "of": "outcome" } ] ] } ] }
JSON
}
tasks "$(hpke leader)" "$(hpke helper)" >"$WORK/tasks.json"
tasks "$(hpke helper)" "$(hpke leader)" >"$WORK/swapped.json"
expect 9 "another key" agg task --dir "$WORK/leader" --tasks "$WORK/swapped.json"
for role in leader helper collector; do
    expect 0 "1 task of two aggregators taken" agg task --dir "$WORK/$role" --tasks "$WORK/tasks.json"
done
expect 0 "1 known before" agg task --dir "$WORK/leader" --tasks "$WORK/tasks.json"

LEADER_PORT=$(free_port) HELPER_PORT=$(free_port)
LEADER_URL=https://127.0.0.1:$LEADER_PORT
leader_start() {
    "$HQ" aggregate --role leader --dir "$WORK/leader" --listen "127.0.0.1:$LEADER_PORT" \
        --peer "https://127.0.0.1:$HELPER_PORT" >>"$WORK/leader.log" 2>&1 &
    LEADER_PID=$!
}
helper_start() {
    "$HQ" aggregate --role helper --dir "$WORK/helper" --listen "127.0.0.1:$HELPER_PORT" >>"$WORK/helper.log" 2>&1 &
    HELPER_PID=$!
}
both_up() { wait_for 20 listens "$HELPER_PORT" && wait_for 20 listens "$LEADER_PORT"; }
expect 2 "needs --peer" agg --role leader --dir "$WORK/leader"
helper_start
leader_start
both_up

forward() { agg forward --dir "$WORK/collector" --office "$WORK/hq" --peer "$LEADER_URL" --json; }
collect() { agg collect --dir "$WORK/collector" --task 7 --peer "$LEADER_URL" --json; }
verified() { [[ $(status_of leader) == *"\"waiting\":0,\"verified\":$1,"* ]]; }
# Cells of a batch against the exact sums; with epsilon 100 and bound 1 a draw is 0 but once in e^100.
same_sums() { diff <(sed 's/.*"cells"://' <<<"$1" | grep -o '"count":-\?[0-9]*' | cut -d: -f2) "$2" >/dev/null; }

# ---- few reports: kept shut ----
"$FILL" "$WORK/hq" "$WORK/tasks.json" 7 0 9 20000 >"$WORK/exact.0"
expect 0 '"taken":9,"known":0,"refused":0' forward
wait_for 20 verified 9 || bad "nine reports were not verified: $(status_of leader)"
expect 9 "smallest batch" collect
[[ $(status_of helper) == '{"waiting":0,"verified":9,"refused":0,"batched":0,"batches":0,"set_aside":0}' ]] && ok || bad "helper: $(status_of helper)"

# ---- who is nobody here ----
agg init --dir "$WORK/stranger" --role collector >/dev/null
agg pair --dir "$WORK/stranger" --party "$WORK/leader/party.json" >/dev/null
agg task --dir "$WORK/stranger" --tasks "$WORK/tasks.json" >/dev/null
expect 5 "authority\|certificate" agg collect --dir "$WORK/stranger" --task 7 --peer "$LEADER_URL"

# ---- enough: opened, once ----
"$FILL" "$WORK/hq" "$WORK/tasks.json" 7 9 3 20000 >"$WORK/exact.1"
paste "$WORK/exact.0" "$WORK/exact.1" | awk '{ print $1 + $2 }' >"$WORK/exact"
expect 0 '"taken":3' forward
wait_for 20 verified 12 || bad "twelve reports were not verified: $(status_of leader)"
got=$(collect)
same_sums "$got" "$WORK/exact" && ok || bad "totals: $got"
[[ $got == *'"reports":12,'* && $got == *'"cell":"b, taken"'* ]] && ok || bad "totals: $got"
expect 9 "smallest batch" collect
# The same, by the words of mode A, from what the collector keeps: no line, no office.
expect 0 "12 reports in 1 batch with the noise of both aggregators" "$HQ" totals --collected "$WORK/collector"
got=$("$HQ" totals --collected "$WORK/collector" --json)
counts=$(grep -o '"left_out":-\?[0-9]*\|"campaign":"[ab]","segment":null,"shown":-\?[0-9]*,"taken":-\?[0-9]*' <<<"$got" | grep -o -- '-\?[0-9]*' |
    paste -sd,)
[[ $got == *'"mode":"B","reports":12,"batches":1,'* && $counts == "$(paste -sd, "$WORK/exact")" ]] && ok || bad "totals --collected: $got"
expect 2 "give one" "$HQ" totals --collected "$WORK/collector" --dir "$WORK/hq"
expect 2 "only a collector" "$HQ" totals --collected "$WORK/leader"
expect 4 "no funnel in mode B" "$HQ" funnel --collected "$WORK/collector"

# ---- killed at random moments: each report once, both sides agree ----
first=100
for kill in $(seq "$KILLS"); do
    "$FILL" "$WORK/hq" "$WORK/tasks.json" 7 $first 20 $((20000 + kill)) >"$WORK/exact"
    first=$((first + 20))
    victim=$((kill % 3))
    (
        sleep "0.$(printf %03d $((RANDOM % 400)))"
        case $victim in
            0) kill -9 "$LEADER_PID" ;;
            1) kill -9 "$HELPER_PID" ;;
            2) kill -9 "$LEADER_PID" "$HELPER_PID" ;;
        esac
    ) 2>/dev/null &
    killer=$!
    forward >/dev/null 2>&1 || true
    got=$(collect 2>/dev/null) || got=''
    wait $killer || true
    # By who was killed, not by kill -0: that finds a dead process, too, until it is waited for.
    [ "$victim" = 0 ] || { wait "$HELPER_PID" 2>/dev/null || true; helper_start; }
    [ "$victim" = 1 ] || { wait "$LEADER_PID" 2>/dev/null || true; leader_start; }
    both_up
    if [ -z "$got" ]; then
        forward >/dev/null || bad "forward after kill $kill"
        settled() { [[ $(status_of leader) == *'"waiting":0,'* ]]; }
        wait_for 30 settled || bad "kill $kill: $(status_of leader)"
        got=$(collect) || bad "collect after kill $kill"
    fi
    if [[ $got == *'"reports":20,'* ]]; then
        same_sums "$got" "$WORK/exact" && ok || bad "kill $kill: $got, wanted $(tr '\n' ' ' <"$WORK/exact")"
    else
        # It was collected while the leader had verified a part: the rest is too few for a batch of its own.
        [[ $got == *'"reports":1'[0-9]','* ]] && ok || bad "kill $kill: $got"
        forward >/dev/null 2>&1 || true
        rest=$((20 - $(sed 's/.*"reports":\([0-9]*\).*/\1/' <<<"$got")))
        "$FILL" "$WORK/hq" "$WORK/tasks.json" 7 $first $((20 - rest)) $((20000 + kill)) >/dev/null
        first=$((first + 20))
        forward >/dev/null
        wait_for 30 verified 20 || bad "kill $kill, rest: $(status_of leader)"
        [[ $(collect) == *'"reports":20,'* ]] && ok || bad "kill $kill: the rest"
    fi
done
leader=$(status_of leader) helper=$(status_of helper)
[ "$leader" = "$helper" ] && ok || bad "leader $leader, helper $helper"

kill -TERM "$LEADER_PID" "$HELPER_PID"
wait "$LEADER_PID" && ok || bad "the leader ended with $?"
wait "$HELPER_PID" && ok || bad "the helper ended with $?"
LEADER_PID='' HELPER_PID=''
grep -hE "ERROR|Sanitizer" "$WORK"/*.log && bad "the logs say that" || ok
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
