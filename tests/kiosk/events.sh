#!/bin/bash
# Events of all kinds through the doors: derived tags move a campaign, a repeated event changes nothing, a file of events goes in with and without
# the daemon, and again after a cut.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"

# One campaign needs nothing but what follows from events.
derived() {
    sed -i 's|^  \]$|    , { "number": 60, "id": "bought_30", "kind": "count", "purpose": ["service", "marketing"],\
      "derive": { "rule": "count", "events": ["purchase"], "days": 30 } },\
    { "number": 61, "id": "average_7", "kind": "amount", "purpose": ["service", "marketing"], "derive": { "rule": "average_balance", "days": 7 } }\
  ]|' "$WORK/bank/dictionary.json"
}
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
bank_model
derived
sed -i 's|"number": 1, "id": "saver", "product": "saver", "needs_profile": false,|"number": 1, "id": "saver", "product": "saver", "who": { "and": [ { ">=": [ { "var": "bought_30" }, 3 ] }, { ">=": [ { "var": "average_7" }, 150 ] } ] },|' \
    "$WORK/bank/policy.json"
bank_publish >/dev/null
PORT=$(free_port) ENROL_PORT=$(free_port)
hq_start
terminal_ready one

# Of the customers who agree to be profiled and to be counted, three.
column() { head -1 "$WORK/bank/customers.csv" | tr , '\n' | grep -nx "$1" | cut -d: -f1; }
silent=$(awk -F, -v p="$(column consent_profiling)" 'NR>1 && $p!=1 { print $1; exit }' "$WORK/bank/customers.csv")
offers() { t one decide --customer "$1" --explain --json --offers 16; }
saver_is_out() { offers "$1" | grep -q '"campaign":"saver","because":{"code":"not_eligible"'; }
agreed=()
while read -r customer; do # not those who have the product already
    saver_is_out "$customer" && agreed+=("$customer")
    [ ${#agreed[@]} -lt 3 ] || break
done < <(awk -F, -v p="$(column consent_profiling)" -v m="$(column consent_measurement)" 'NR>1 && $p==1 && $m==1 { print $1 }' "$WORK/bank/customers.csv")

# ---- one by one ----
a=${agreed[0]}
saver_is_out "$a" && ok || bad "an offer for buyers went to one who bought nothing"
for n in 1 2; do expect 0 'Recorded' t one event --customer "$a" --kind purchase --amount 10 --balance "$((n * 100))" --id "buy-$n"; done
expect 0 'before: nothing' t one event --customer "$a" --kind purchase --amount 10 --id buy-2
expect 0 '"repeated":true' t one event --customer "$a" --kind purchase --amount 10 --id buy-2 --json
saver_is_out "$a" && ok || bad "a repeated purchase counted"
expect 0 'Recorded' t one event --customer "$a" --kind purchase --amount 10 --id buy-3
saver_is_out "$a" && bad "three purchases did not count: $(offers "$a")" || ok
# At two places at once: shown counts once for the report, and again without a name.
expect 0 'counted for tonight' t one event --customer "$a" --kind shown --campaign saver --id s-1
expect 0 'before: nothing' t one event --customer "$a" --kind shown --campaign saver --id s-1
at=$(date -u -d '1 minute ago' +%Y-%m-%dT%H:%M:%SZ)
expect 0 'counted for tonight' t one event --customer "$a" --kind shown --campaign loan --at "$at"
expect 0 'before: nothing' t one event --customer "$a" --kind shown --campaign loan --at "$at"

# ---- what an event cannot say ----
expect 3 'must say its amount' t one event --customer "$a" --kind purchase
expect 3 'has no amount' t one event --customer "$a" --kind card_in --amount 3
expect 3 'must say its page' t one event --customer "$a" --kind page
expect 3 'amount' t one event --customer "$a" --kind deposit --amount -1
expect 3 'amount' t one event --customer "$a" --kind deposit --amount 0.0001
expect 3 'due must be' t one event --customer "$a" --kind purchase --amount 1 --due tomorrow
expect 3 'id must have' t one event --customer "$a" --kind card_in --id "$(printf 'x%.0s' $(seq 65))"
expect 0 'Recorded' t one event --customer "$a" --kind maturity --product saver

# ---- a file, with the daemon; cut in the middle; again ----
b=${agreed[1]} c=${agreed[2]}
stamp() { date -u -d "$1 days ago" +%Y-%m-%dT08:00:00Z; }
{
    echo 'customer,kind,at,amount,balance,id'
    echo "$b,deposit,$(stamp 300),500,500,"
    for n in $(seq 600); do echo "$b,page,$(stamp 200),,,"; done | sed 's/,page,.*/,balance,'"$(stamp 200)"',,700,/'
    for n in 9 8 7; do echo "$b,purchase,$(stamp $n),20.50,600,f-$n"; done
    echo "stranger,purchase,$(stamp 1),1,1,"
    echo "$silent,purchase,$(stamp 1),1,900,"
} >"$WORK/events.csv"
expect 0 '6 recorded, 599 known' t one import --events "$WORK/events.csv"
saver_is_out "$b" && bad "three purchases of a file did not count" || ok
expect 0 '"recorded":0,"repeated":4,"late":601,"unknown":1' t one import --events "$WORK/events.csv" --json
serve_stop
expect 0 '"recorded":0' t one import --events "$WORK/events.csv" --json
{ cat "$WORK/events.csv"; echo "$c,purchase,$(stamp 1),1.2345,600,"; } >"$WORK/bad.csv"
expect 3 'bad.csv:608: column 4' t one import --events "$WORK/bad.csv"
{ head -1 "$WORK/events.csv"; echo "$c,purchase,$(stamp 1),1,600,"; echo "$c,dance,$(stamp 1),1,600,"; } >"$WORK/bad.csv"
expect 3 'bad.csv:3: kind: unknown kind' t one import --events "$WORK/bad.csv"
{ head -1 "$WORK/events.csv"; echo "$c,purchase,$(date -u -d '1 day' +%Y-%m-%dT08:00:00Z),1,600,"; } >"$WORK/bad.csv"
expect 3 'future' t one import --events "$WORK/bad.csv"
expect 4 'column 2' t one import --events "$WORK/bank/customers.csv"
expect 4 'missing.csv' t one import --events "$WORK/missing.csv"
expect 2 '' t one import --events
serve_start one
expect 0 'Erased' t one forget --customer "$b"
expect 0 '"known":false' t one decide --customer "$b" --json
serve_stop
finish
