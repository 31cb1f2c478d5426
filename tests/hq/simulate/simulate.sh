#!/bin/bash
# sotto-hq simulate as a person runs it: what must hold whatever the figures are, refusals, exit codes.   simulate.sh PROGRAM TREE
set -u
program=$(realpath "$1") bank=$(realpath "$2")/docs/examples/bank
command -v jq >/dev/null || { echo "skipped: no jq"; exit 77; }
# shellcheck source=tests/hq/kit.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kit.sh"

people=120 # a number of drawn customers, or a file of them
simulate() {
    "$program" simulate --catalogue "$bank/catalogue.json" --dictionary "$bank/dictionary.json" \
        --population "$people" --days 8 --seeds 3 "$@" >out 2>err
}
figures() { simulate "$@" --json && [ ! -s err ]; }
run() { simulate "$@"; }
# A policy whose two campaigns need no profile: what is shown follows from caps alone.
policy() { # policy FILE MEMBERS CAPS
    cat >"$1" <<JSON
{ "version": 1, $2
  "campaigns": [ { "number": 1, "id": "one", "product": "saver", "needs_profile": false, "caps": $3,
    "creatives": [ { "language": "en", "title": "T", "text": "T" } ] } ] }
JSON
}

check "the example's policy" figures --policy "$bank/policy.json"
check "sums agree" holds '([.campaigns[].taken.new.value] | add) as $t | ($t - .taken.new.value) * ($t - .taken.new.value) < 0.0001'
check "shares of frequency make one" holds '([.frequency_of_offers[].new.value] | add) as $s | $s > 0.9999 and $s < 1.0001'
check "who came and saw nothing" holds '.frequency_of_offers.none.new.value - (1 - .reach.new.value) | . * . < 1e-6'
check "an interval over worlds" holds '.revenue.new | .low < .value and .value < .high'
check "exclusions have names" holds '.excluded.not_eligible.new.value > 0 and .excluded.already_held.new.value > 0'
check "segments" holds '.nothing_by_segment | has("under_30") and has("60_up")'
cp out first
check "the same again, on four threads" figures --policy "$bank/policy.json" --threads 4
check "to the byte" cmp -s first out
check "another seed" figures --policy "$bank/policy.json" --seed 9
check "is another world" holds "$(jq '.shown.new.value' first) != .shown.new.value"

check "the policy beside itself" figures --policy "$bank/policy.json" --present "$bank/policy.json"
check "differs in nothing" holds '[.. | objects | select(has("difference")) | .difference | .value, .low, .high] | all(. == 0)'

check "no count can be below 0" holds '[.. | objects | select(has("new")) | .new.low | select(. != null)] | length > 50 and all(. >= 0)'

awk 'BEGIN { print "user_id,event_time,item_id"
    for (c = 0; c < 200; c++) printf "c%d,2026-%02d-01,%s\nc%d,2026-%02d-01,%s\n", c, 1 + c % 5, c % 3 ? "term_12" : "card_gold", c, 6 + c % 5, c % 3 ? "saver" : "cover_travel" }' >buys.csv
"$program" recommend train buys.csv --method next -o items.sotto >/dev/null
sed 's/"version": 1,/"version": 1, "recommender": {},/' "$bank/policy.json" >recommends.json
check "a recommender needs its items" ends 9 "no items.sotto" --policy recommends.json
check "with the release's items" figures --policy recommends.json --items items.sotto --present "$bank/policy.json"
check "another offer is shown" holds '[.campaigns[] | select(.shown.difference != null) | .shown.difference.value] | any(. != 0)'
check "no file of items" ends 3 "buys.csv" --policy recommends.json --items buys.csv
check "items that no policy asks for change nothing" figures --policy "$bank/policy.json" --items items.sotto
check "to the byte, but for the file's name" cmp -s first out

policy once.json '' '{ "total": 1 }'
check "a cap of one" figures --policy once.json
check "shows once to each who came" holds '.campaigns[0] | .shown.new.value == .reached.new.value'
check "and to all of them" holds '.shown.new.value == .visitors.new.value and .reach.new.value == 1'
check "then holds" holds '.excluded.cap_total.new.value > 0 and .cap_hits.new.value > 0'
policy daily.json '' '{ "day": 1 }'
check "beside a looser cap" figures --policy once.json --present daily.json
check "fewer are shown, to as many" holds '.shown.difference.high < 0 and .reach.difference.value == 0'
policy quiet.json '"quiet_hours": [["00:00", "24:00"]],' '{ "total": 1 }'
check "quiet at all hours" figures --policy quiet.json
check "shows nothing, and says why" holds '.shown.new.value == 0 and .nothing.new.value == 1 and .nothing_because.quiet_hours.new.value == 1'
policy half.json '"salt": "s", "holdout": 0.5,' '{ "day": 9 }'
check "half of the customers held out" figures --policy half.json
check "are not reached" holds '.reach.new.value > 0.35 and .reach.new.value < 0.65'
sed 's/"caps"/"budget": { "day": 5 }, "caps"/' daily.json >budget.json
check "a budget of a terminal" figures --policy budget.json --terminals 2
check "is kept at each" holds '.shown.new.value <= 5 * 2 * 8 and .excluded.budget_day.new.value > 0'

"$program" population --customers 100 --examples "$bank" -o files >/dev/null 2>&1
people=files/customers.csv
check "a table's taste is not known" ends 2 "--response model" --policy once.json --response taste
check "the model's chances need a model" ends 2 "--model" --policy once.json
people=120
check "a page" simulate --policy once.json --present daily.json --html page.html
check "says whom it reached" grep -q 'saw an offer' page.html
check "text says what is beside it" grep -q 'present' out
check "text and page of a policy alone" simulate --policy once.json --html page.html
check "no policy" ends 2 "--policy"
echo "{" >bad.json
check "a policy that is refused" ends 3 "bad.json" --policy bad.json
policy wrong.json '"menu_of_the_day": 1,' '{ "day": 1 }'
check "a member that is not known, with its place" ends 3 "wrong.json" --policy wrong.json
check "a segment that is not there" ends 4 "nowhere" --policy once.json --segment nowhere
people=3
check "no customers" ends 2 "--population" --policy once.json
people=120
check "help" "$program" simulate --help >/dev/null

echo "$passed passed, $failed failed"
[ $failed = 0 ]
