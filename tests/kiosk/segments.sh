#!/bin/bash
# Customer groups from centroids, and what each customer is expected to be worth by a model in two steps, to the screen: compiled, refused where file or tag is missing, published, asked for by a rule, counted by,
# made again from a log, tried in a simulation, and gone again.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
bank_open
terminal_ready one

cp "$WORK"/bank/{dictionary,policy,catalogue,tasks}.json "$WORK/"
printf '%s\n' cluster,age,savings_total '(mean),40,5000' '(scale),15,5000' '0,-1,-0.8' '1,1,-0.5' '2,0.5,2' >"$WORK/groups.csv"
echo '{"format":"sotto-recipe-1","features":[{"name":"age","tag":"age"},{"name":"savings_total","tag":"savings_total"}]}' >"$WORK/groups.json"
sed -i '0,/"tags": \[/s//"tags": [ { "number": 900, "id": "habit", "name": "Habit", "kind": "choice", "purpose": ["marketing", "measurement"], "aggregate": true, "choices": ["young", "settled", "wealthy"], "from": "segment" },/' "$WORK/bank/dictionary.json"
sed -i '0,/"campaigns": \[/s//"campaigns": [ { "number": 901, "id": "worthy", "product": "term_12", "who": { ">=": [ { "var": "worth" }, 60 ] }, "creatives": [ { "language": "en", "title": "T", "text": "T" } ] }, { "number": 900, "id": "wealth", "product": "saver", "who": { "==": [ { "var": "habit" }, "wealthy" ] }, "creatives": [ { "language": "en", "title": "T", "text": "T" } ] },/' "$WORK/bank/policy.json"
sed -i 's/"id": 1,/"id": 9,/; s/"segments": {[^}]*}/"segments": { "tag": "habit", "choices": ["young", "settled", "wealthy"] }/' "$WORK/bank/tasks.json"
expect 0 '3 clusters' "$HQ" model compile --from kmeans "$WORK/groups.csv" --recipe "$WORK/groups.json" \
    --dictionary "$WORK/bank/dictionary.json" -o "$WORK/segments.sotto"


# Worth: half of (5 + savings / 100) below 50 years, all of it from then on, and 40 more of the wealthy group.
sed -i '0,/"tags": \[/s//"tags": [ { "number": 901, "id": "worth", "kind": "amount", "decimals": 2, "purpose": ["marketing"], "from": "value" },/' "$WORK/bank/dictionary.json"
printf '%s\n' feature,min,max,value,points age,,50,,0 age,50,,,24 age,missing,,,0 >"$WORK/will.csv"
printf '%s\n' feature,min,max,value,points,coefficient,missing '(link),,,,identity,,' '(intercept),,,,5,,' savings_total,,,,,0.01,0 \
    habit,,,2,40,, 'habit,,,*,0,,' 'habit,,,missing,0,,' >"$WORK/much.csv"
echo '{"format":"sotto-recipe-1","features":[{"name":"age","tag":"age"}]}' >"$WORK/will.json"
echo '{"format":"sotto-recipe-1","features":[{"name":"savings_total","tag":"savings_total"},{"name":"habit","tag":"habit","as":"code"}]}' >"$WORK/much.json"
for step in will much; do
    expect 0 '' "$HQ" model compile --from scorecard "$WORK/$step.csv" --recipe "$WORK/$step.json" --dictionary "$WORK/bank/dictionary.json" -o "$WORK/$step.sotto"
done
expect 0 'expected value' "$HQ" model combine "$WORK/will.sotto" "$WORK/much.sotto" -o "$WORK/value.sotto"
sed -i 's/"id": "saver",/"id": "saver", "value_tag": "worth",/' "$WORK/bank/catalogue.json"

expect 9 'habit.*no segments.sotto' bank_publish
expect 9 'worth.*no value.sotto' bank_publish --segments "$WORK/segments.sotto"
expect 9 'will.sotto.*not a model of amounts' bank_publish --segments "$WORK/segments.sotto" --value "$WORK/will.sotto"
expect 9 'model.sotto.*not a model of clusters' bank_publish --segments "$WORK/bank/model.sotto" --value "$WORK/value.sotto"
head -c 200 "$WORK/segments.sotto" >"$WORK/cut.sotto"
expect 3 'cut.sotto' bank_publish --segments "$WORK/cut.sotto"
expect 0 'Release 2' bank_publish --segments "$WORK/segments.sotto" --value "$WORK/value.sotto"
expect 0 'Release 2' t one sync

# Whom the rule lets in is whom the centroids say: the same distances, by awk, of every customer who may be profiled.
awk -F, 'function d(a, s, x, y) { a = (a - 40) / 15 - x; s = (s - 5000) / 5000 - y; return a * a + s * s }
    NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    $at["consent_profiling"] == 1 && $at["age"] != "" && $at["savings_total"] != "" && $at["has_savings"] == 0 {
        young = d($at["age"], $at["savings_total"], -1, -0.8); settled = d($at["age"], $at["savings_total"], 1, -0.5)
        wealthy = d($at["age"], $at["savings_total"], 0.5, 2)
        group = wealthy < young && wealthy < settled
        print $1, group, (5 + $at["savings_total"] / 100 + 40 * group) * ($at["age"] < 50 ? .5 : 1) }
    $at["consent_profiling"] == 0 && !said++ { print $1, "unprofiled", 0 }' "$WORK/bank/customers.csv" >"$WORK/who"
awk '{ print $2, $1, $3 }' "$WORK/who" | sort | awk '++n[$1] <= 12 { print $2, $1, $3 }' >"$WORK/some"
wealthy=0 others=0 wrong=0 valued=0 misvalued=0
while read -r customer expected worth; do
    t one decide --customer "$customer" --offers 16 --explain --json >"$WORK/answer"
    why=$(grep -oE '"campaign": ?"wealth","because": ?\{"code": ?"[a-z_]*"' "$WORK/answer" | grep -oE '[a-z_]*"$' || true)
    case $expected in
        1) wealthy=$((wealthy + 1)); [ "$why" != 'not_eligible"' ] || wrong=$((wrong + 1)) ;;
        0) others=$((others + 1)); [ "$why" = 'not_eligible"' ] || wrong=$((wrong + 1)) ;;
        *) [ "$why" = 'no_consent"' ] || wrong=$((wrong + 1)) ;;
    esac
    # An offer's score is propensity x value, in units of 2^-20: the value is the customer's worth. Without consent it is the catalogue's.
    why=$(grep -oE '"campaign": ?"worthy","because": ?\{"code": ?"[a-z_]*"' "$WORK/answer" | grep -oE '[a-z_]*"$' || true)
    case $expected,$(awk -v w="$worth" 'BEGIN { print w > 60.01 ? "is" : w < 59.99 ? "not" : "close" }') in
        [01],is) [ "$why" != 'not_eligible"' ] || misvalued=$((misvalued + 1)) ;;
        [01],not) [ "$why" = 'not_eligible"' ] || misvalued=$((misvalued + 1)) ;;
    esac
    value=$(grep -oE '"product": ?"saver"[^}]*"propensity": ?[0-9.]+,[^}]*"score": ?[0-9]+' "$WORK/answer" | head -n 1 |
        sed -E 's/.*"propensity": ?([0-9.]+),.*"score": ?([0-9]+)/\1 \2/' || true)
    [ -n "$value" ] || continue
    [ "$expected" != unprofiled ] || worth=45
    valued=$((valued + 1))
    awk -v w="$worth" '{ p = $1 > 0 ? $1 : 1; v = $2 / p / 1048576 / 100; d = v / w - 1; exit !(d < 2e-3 && d > -2e-3) }' <<<"$value" ||
        { misvalued=$((misvalued + 1)); echo "customer $customer: $value, worth $worth"; }
done <"$WORK/some"
[ $wealthy -gt 0 ] && [ $others -gt 5 ] && ok || bad "$wealthy wealthy customers and $others others"
[ $wrong = 0 ] && ok || bad "$wrong of $((wealthy + others)) customers are in another group than their tags say"
[ $valued -gt 5 ] && [ $misvalued = 0 ] && ok || bad "$misvalued of $valued values are not what the customer is worth"
customer=$(awk '$2 == 1 { print $1; exit }' "$WORK/who")
expect 0 '' t one event --customer "$customer" --kind shown --campaign wealth

serve_stop
expect 0 '' t one replay --record "$WORK/log" --customer "$customer" --with-tags
expect 0 '^1 decisions made again, 0 came out differently' t one replay "$WORK/log"
serve_start one

simulate() {
    "$HQ" simulate --catalogue "$WORK/bank/catalogue.json" --dictionary "$WORK/bank/dictionary.json" --policy "$WORK/bank/policy.json" \
        --population 60 --days 3 --seeds 1 "$@"
}
expect 9 'no segments.sotto' simulate
expect 9 'no value.sotto' simulate --segments "$WORK/segments.sotto"
expect 0 '  wealth ' simulate --segments "$WORK/segments.sotto" --value "$WORK/value.sotto"

cp "$WORK"/{dictionary,policy,catalogue,tasks}.json "$WORK/bank/"
expect 9 'no tag of the dictionary' bank_publish --segments "$WORK/segments.sotto"
expect 9 'value.sotto.*no tag of the dictionary' bank_publish --value "$WORK/value.sotto"
expect 0 'Release 3' bank_publish
expect 0 'Release 3' t one sync
t one decide --customer "$customer" --explain --json >"$WORK/answer"
! grep -q wealth "$WORK/answer" && ok || bad "a group that is gone still has an offer"
serve_stop
finish
