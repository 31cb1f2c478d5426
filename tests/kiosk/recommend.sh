#!/bin/bash
# The recommender from purchases to the screen: learned, refused where it is missing, published, in use, said why, made again, and gone again.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
bank_open
terminal_ready one

# Who bought the card bought travel insurance next; everybody else a saver.
awk 'BEGIN {
    print "user_id,event_time,item_id"
    for (c = 0; c < 300; c++) printf "c%d,2026-%02d-%02d,%s\n", c, 1 + int(c / 3) % 6, 1 + c % 28, c % 3 ? "term_12" : "card_gold"
    for (c = 0; c < 300; c++) printf "c%d,2026-%02d-%02d,%s\n", c, 7 + int(c / 3) % 4, 1 + c % 28, c % 3 ? "saver" : "cover_travel"
}' >"$WORK/buys.csv"
expect 0 'items.sotto' "$HQ" recommend train "$WORK/buys.csv" --method next -o "$WORK/items.sotto"
sed 's/"version": 1,/"version": 1, "recommender": {},/' "$WORK/bank/policy.json" >"$WORK/policy.json"
grep -q recommender "$WORK/policy.json" && ok || bad "the policy has no place for a recommender"
cp "$WORK/bank/policy.json" "$WORK/plain.json"
cp "$WORK/policy.json" "$WORK/bank/policy.json"
expect 9 'recommender.*no items.sotto' bank_publish
head -c 100 "$WORK/items.sotto" >"$WORK/cut.sotto"
expect 3 'cut.sotto.*checksum' bank_publish --items "$WORK/cut.sotto"
expect 0 'Release 2' bank_publish --items "$WORK/items.sotto"
expect 0 'Release 2' t one sync

# The first customers with a card (column has_card) until one's list says so.
column=$(head -n 1 "$WORK/bank/customers.csv" | tr , '\n' | grep -nx has_card | cut -d: -f1)
customers=$(awk -F, -v k="$column" 'NR > 1 && $k == 1 {print $1}' "$WORK/bank/customers.csv" | head -n 60)
found=
for customer in $customers; do
    t one decide --customer "$customer" --offers 8 --json >"$WORK/answer"
    grep -qE '"because": ?"card_gold"' "$WORK/answer" && { found=$customer; break; }
done
[ -n "$found" ] && ok || bad "no list is because of a card: $(head -c 400 "$WORK/answer")"
grep -qE '"factor": ?[1-4]\.[0-9]*[1-9]' "$WORK/answer" && ok || bad "no factor above 1: $(head -c 400 "$WORK/answer")"

expect 0 '' t one decide --customer nobody-knows
serve_stop
expect 0 '' t one replay --record "$WORK/log" --customer "$found" --with-tags
expect 0 '^1 decisions made again, 0 came out differently' t one replay "$WORK/log"
serve_start one

cp "$WORK/plain.json" "$WORK/bank/policy.json"
expect 0 'Release 3' bank_publish
expect 0 'Release 3' t one sync
t one decide --customer "$found" --offers 8 --json >"$WORK/answer"
! grep -q because "$WORK/answer" && ok || bad "a recommender that is gone still speaks"
serve_stop
finish
