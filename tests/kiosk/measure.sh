#!/bin/bash
# Who is counted where, and what an auditor can hold in hand: the home terminal, arms, the terminal's own figures; the
# exported audit; a store put back without its witness. Arguments: SOTTO SOTTO_HQ KIOSK_APP.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
# A text tag with the terminal that counts a customer: of eight who agree, two live here, two elsewhere, the rest nowhere known.
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
bank_model
sed -i 's/{ "number": 45, "id": "hour"/{ "number": 46, "id": "home", "name": "Home terminal", "kind": "text", "facet": "fixed", "purpose": ["service"] },\n    &/' \
    "$WORK/bank/dictionary.json"
awk -F, -v OFS=, '
    NR==1 { for (i = 1; i <= NF; i++) if ($i ~ /^consent_/) agreed[i]; print $0, "home"; next }
    NR<=9 { for (i in agreed) $i = 1; print $0, (NR <= 3 ? "one" : NR <= 5 ? "two" : ""); next }
    { print $0, "" }' "$WORK/bank/customers.csv" >"$WORK/bank/marked.csv"
mv "$WORK/bank/marked.csv" "$WORK/bank/customers.csv"
# tasks UNKNOWN: what holds for a customer whose home is not known.
tasks() {
    cat >"$WORK/bank/tasks.json" <<JSON
{ "format": "sotto-tasks", "version": 2, "lifetime_epsilon": 1000, "home": { "tag": "home", "unknown": "$1" },
  "tasks": [ { "name": "visits", "id": 9, "type": "funnel", "mode": "one-collector", "epsilon": 1, "bound": 4,
               "period_days": 1, "tables": [ [ { "of": "step" } ] ] },
             { "name": "words", "id": 10, "type": "offer-counts", "mode": "one-collector", "epsilon": 100, "bound": 1, "period_days": 1,
               "tables": [ [ { "of": "campaign", "bins": ["term-12"] }, { "of": "arm", "bins": ["rate", "time"] }, { "of": "outcome" } ] ] },
             { "name": "machine", "id": 11, "type": "health", "mode": "one-collector", "epsilon": 100, "bound": 4, "period_days": 1,
               "tables": [ [ { "of": "figure" } ] ] } ] }
JSON
}
tasks skipped
"$HQ" model compile --from xgboost "$WORK/bank/model.json" --recipe "$WORK/bank/recipe.json" \
    --dictionary "$WORK/bank/dictionary.json" -o "$WORK/bank/model.sotto" >/dev/null
bank_publish >/dev/null
PORT=$(free_port) ENROL_PORT=$(free_port)
hq_start
terminal_ready one

# Those two are shown the offer that has arms. (At epsilon 100 a draw of noise is zero.)
shown() { sed -n 2,3p "$WORK/bank/customers.csv" | cut -d, -f1 | while read -r c; do t one event --customer "$c" --kind shown --campaign term-12 >/dev/null; done; }
visits() { sed -n 2,9p "$WORK/bank/customers.csv" | cut -d, -f1 | while read -r c; do t one event --customer "$c" --kind card_in --json; done; }
# night DAYS: so many days after the first.
night() {
    serve_stop
    sed -i "s/\"clock_offset_s\": [0-9]*/\"clock_offset_s\": $(($1 * 86400))/" "$WORK/one/sotto.json"
    serve_start one
}
# behind TASK: customers behind its newest report.
behind() { t one audit --json | grep -o "\"task\":\"$1\"[^}]*" | tail -n 1 | grep -o '"behind":[0-9]*'; }

said=$(visits)
[ "$(grep -c '"counted":true' <<<"$said")" = 2 ] && ok || bad "with unknown homes skipped: $said"
shown
night 1
t one sync >/dev/null
[ "$(behind visits)" = '"behind":2' ] && ok || bad "two live here: $(behind visits)"
tasks counts
bank_publish >/dev/null
t one sync >/dev/null
said=$(visits)
[ "$(grep -c '"counted":true' <<<"$said")" = 6 ] && ok || bad "with unknown homes counted: $said"
shown
cp -a "$WORK/one/store" "$WORK/store.old" # as it is while serve runs: with its log beside it
night 2
t one sync >/dev/null
[ "$(behind visits)" = '"behind":6' ] && ok || bad "two live here, four nobody knows where: $(behind visits)"

# Each in the arm that was drawn for them, the same on both days.
words() { "$HQ" totals --dir "$WORK/hq" --task 10 --json; }
arm() { words | grep -o "\"arm\":\"$1\"},\"shown\":-*[0-9]*" | grep -o -- '-*[0-9]*$'; }
[ "$(arm rate)" = 4 ] || [ "$(arm time)" = 4 ] || { [ "$(arm rate)" = 2 ] && [ "$(arm time)" = 2 ]; } && ok || bad "arms: $(words)"
[ "$(arm other)" = 0 ] && ok || bad "nobody is without an arm: $(words)"

# The first day: the release came, serve ended twice and started once with a release. No customer stood behind it or paid.
expect 0 'nothing of any customer is in it' t one audit
machine() { "$HQ" totals --dir "$WORK/hq" --task 11 --to "$(date -u +%F)" --json; }
for want in 'started"},"count":1,' 'ended"},"count":2,' 'release_taken"},"count":1,' 'release_refused"},"count":0,'; do
    if [[ $(machine) == *"$want"* ]]; then ok; else bad "figures lack $want: $(machine)"; fi
done

# What is exported holds for others, and not when it was touched.
expect 0 'Written to' t one audit export "$WORK/audit.json"
expect 0 'one key, every report follows' "$HQ" audit verify "$WORK/audit.json" --dir "$WORK/hq"
expect 0 '"reports":6,"waiting":0' "$HQ" audit verify "$WORK/audit.json" --json
sed 's/"behind":6/"behind":7/' "$WORK/audit.json" >"$WORK/touched.json"
expect 5 ':2: .*something beside them was changed' "$HQ" audit verify "$WORK/touched.json"
head -c 3000 "$WORK/audit.json" >"$WORK/touched.json"
expect 3 'ends in its first line' "$HQ" audit verify "$WORK/touched.json"
sed 's/,/,\n/g' "$WORK/audit.json" >"$WORK/touched.json"
expect 3 'must not be formatted anew' "$HQ" audit verify "$WORK/touched.json"

# An old copy of the store, and no witness: the period that it has not seen is charged to everybody.
night 3
t one sync >/dev/null
serve_stop
rm -rf "$WORK/one/store" "$WORK/one/vault/witness/last-report"
cp -a "$WORK/store.old" "$WORK/one/store"
serve_start one
expect 0 'witness of the last report is gone' bash -c "'$SOTTO' --config '$WORK/one/sotto.json' sync; cat '$WORK/one/serve.log'"
serve_stop
expect 0 '4 periods could have' t one audit accept-restore
expect 0 'No period is over\|may go on' t one audit accept-restore
finish
