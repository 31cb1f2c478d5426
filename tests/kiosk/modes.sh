#!/bin/bash
# Mode B with everybody in it: three terminals, the collector, leader and helper. The total that is opened is what
# the terminals counted. Arguments: SOTTO SOTTO_HQ KIOSK_APP.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
agg() { "$HQ" aggregate "$@"; }
hpke() { sed 's/.*"hpke":"\([0-9a-f]*\)".*/\1/' "$WORK/$1/party.json"; }

for role in leader helper collector; do agg init --dir "$WORK/$role" --role $role >/dev/null; done
agg pair --dir "$WORK/leader" --party "$WORK/helper/party.json" --party "$WORK/collector/party.json" >/dev/null
agg pair --dir "$WORK/helper" --party "$WORK/leader/party.json" --party "$WORK/collector/party.json" >/dev/null
agg pair --dir "$WORK/collector" --party "$WORK/leader/party.json" >/dev/null

# With epsilon 100 a draw of noise at bound 1 is zero but once in e^100: the totals can be compared.
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
bank_model
cat >"$WORK/bank/tasks.json" <<JSON
{ "format": "sotto-tasks", "version": 2, "lifetime_epsilon": 1000,
  "aggregators": { "leader": "$(hpke leader)", "helper": "$(hpke helper)" },
  "tasks": [ { "name": "offers", "id": 1, "type": "offer-counts", "mode": "one-collector", "epsilon": 100, "bound": 1,
               "period_days": 1, "tables": [ [ { "of": "campaign", "bins": ["saver", "loan"] }, { "of": "outcome" } ] ] },
             { "name": "offers-exact", "id": 7, "type": "offer-counts", "mode": "two-aggregators", "epsilon": 100, "bound": 1,
               "period_days": 1, "smallest_batch": 3, "cell_bits": 8,
               "tables": [ [ { "of": "campaign", "bins": ["saver", "loan"] }, { "of": "outcome" } ] ] } ] }
JSON
bank_publish >/dev/null
PORT=$(free_port) ENROL_PORT=$(free_port) LEADER_PORT=$(free_port) HELPER_PORT=$(free_port)
hq_start
for role in leader helper collector; do
    expect 0 '1 task' agg task --dir "$WORK/$role" --tasks "$WORK/bank/tasks.json"
done
"$HQ" aggregate --role helper --dir "$WORK/helper" --listen "127.0.0.1:$HELPER_PORT" >>"$WORK/helper.log" 2>&1 &
PIDS+=("$!")
"$HQ" aggregate --role leader --dir "$WORK/leader" --listen "127.0.0.1:$LEADER_PORT" \
    --peer "https://127.0.0.1:$HELPER_PORT" >>"$WORK/leader.log" 2>&1 &
PIDS+=("$!")
wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$LEADER_PORT"

# Terminal i shows an offer to i + 1 customers; the first of them takes another one at the second terminal.
for i in 1 2 3; do
    terminal_ready "kiosk-$i"
    sed -n "2,$((i + 2))p" "$WORK/bank/customers.csv" | cut -d, -f1 | while read -r customer; do
        t "kiosk-$i" event --customer "$customer" --kind shown --campaign saver >/dev/null
    done
    customer=$(sed -n 300p "$WORK/bank/customers.csv" | cut -d, -f1)
    [ $i != 2 ] || t "kiosk-$i" event --customer "$customer" --kind taken --campaign loan >/dev/null
    serve_stop
    sed -i 's/"clock_offset_s": 0/"clock_offset_s": 86400/' "$WORK/kiosk-$i/sotto.json"
    serve_start "kiosk-$i"
    expect 0 '2 reports acknowledged' t "kiosk-$i" sync
    # 100 of 1000 spent on each of two tasks: how many have what left stays here, and names nobody.
    expect 0 'others have left: less than a quarter 0, up to a half 0, up to three quarters 0, more' t "kiosk-$i" status
    serve_stop
done

collect() { agg collect --dir "$WORK/collector" --task 7 --peer "https://127.0.0.1:$LEADER_PORT" --json; }
expect 0 '"taken":3,"known":0,"refused":0' agg forward --dir "$WORK/collector" --office "$WORK/hq" \
    --peer "https://127.0.0.1:$LEADER_PORT" --json
verified() { [[ $(agg status --dir "$WORK/leader" --json) == *'"verified":3,'* ]]; }
wait_for 20 verified || bad "the three reports were not verified: $(agg status --dir "$WORK/leader"; tail -n 3 "$WORK/leader.log")"
got=$(collect) || bad "collect failed"
for want in '"reports":3,' '"cell":"saver, shown","count":9' '"cell":"saver, taken","count":0' '"cell":"loan, taken","count":1'; do
    if [[ $got == *"$want"* ]]; then ok; else bad "the total lacks $want: $got"; fi
done
expect 9 'smallest batch' collect
# Both tasks in one view: 100 a period each, one budget of 1000.
expect 0 'offers-exact (7) *B' "$HQ" budgets --dir "$WORK/hq"
expect 0 '"task":7,"name":"offers-exact","mode":"B","unit":"epsilon","in_use":true,"period_days":1,"periods":0,"cost_of_period":100' \
    "$HQ" budgets --dir "$WORK/hq" --json
# Both modes say the same of the same customers, in the same words.
rows() { grep -o '"campaign":"[a-z]*","segment":null,"shown":-\?[0-9]*,"taken":-\?[0-9]*' | tr '\n' ' '; }
a=$("$HQ" totals --dir "$WORK/hq" --task 1 --json | rows) b=$("$HQ" totals --collected "$WORK/collector" --task 7 --json | rows)
if [ "$a" = "$b" ] && [[ $a == *'"saver","segment":null,"shown":9,"taken":0 '* ]]; then ok; else bad "mode A says $a, mode B $b"; fi
# Nobody's exact counts are in the clear anywhere at head office: only the terminals' sealed reports are.
expect 0 '"reports":3' "$HQ" totals --dir "$WORK/hq" --task 1 --json
finish
