#!/bin/bash
# sotto-hq recommend as a person runs it: learning, lists, figures, refusals.   recommend.sh PROGRAM [DATA]
set -u
program=$(realpath "$1") data=${2:-}
[ -d "$data" ] && data=$(cd "$data" && pwd)
# shellcheck source=tests/hq/kit.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kit.sh"

run() { "$program" recommend "$@" >out 2>err; }

# 400 customers: who bought tea buys a cup next, who bought ink buys paper; everybody else buys bread, the commonest.
awk 'BEGIN {
    print "user_id,event_time,item_id,group"
    split("tea ink bread", first, " "); split("cup paper bread", then, " ")
    for (c = 0; c < 400; c++) {
        k = c % 4 < 2 ? 3 : c % 4 - 1
        printf "c%d,2026-%02d-%02d,%s,%s\n", c, 1 + c % 6, 1 + c % 28, first[k], c % 2 ? "old" : "young"
    }
    for (c = 0; c < 400; c++) {
        k = c % 4 < 2 ? 3 : c % 4 - 1
        printf "c%d,2026-%02d-%02d 10:00:00,%s,%s\n", c, 7 + int(c / 4) % 4, 1 + c % 28, then[k], c % 2 ? "old" : "young"
    }
}' >buys.csv
for method in next ease knn popular; do
    check "train by $method" run train buys.csv --method $method -o $method.sotto --holdout 20
done
check "train" run train buys.csv --segment group -o items.sotto --holdout 20 --json
check "two segments" figure segments 2 2
check "what follows what is found" figure hr3 1 1
check "the same again" run train buys.csv --segment group -o again.sotto --holdout 20
check "gives the same bytes" cmp -s items.sotto again.sotto
printf 'user_id,event_time,item_id\nann,2026-10-01,tea\nbob,2026-10-01,ink\n' >two.csv
check "lists" run predict items.sotto two.csv --top 1
check "a cup goes with tea" grep -qE '^ann,1,cup,[0-9.]+,4,tea$' out
check "paper goes with ink" grep -qE '^bob,1,paper,[0-9.]+,4,ink$' out
check "by EASE too: what is held together" run predict ease.sotto two.csv --top 1
check "tea with its cup" grep -qE '^ann,1,(cup|bread),' out

for kind in embedding8 embedding16; do
    check "$kind" run train buys.csv --segment group --kind $kind --dims 3 -o $kind.sotto --holdout 20 --json
    check "$kind: what follows what is found" figure hr3 1 1
    check "$kind: three dimensions" figure dims 3 3
    check "$kind: the integers' error is said" figure error_integers 0 0.02
    check "$kind: lists" run predict $kind.sotto two.csv --top 1
    check "$kind: a cup goes with tea" grep -qE '^ann,1,cup,[0-9.]+,4,tea$' out
    check "$kind: paper goes with ink" grep -qE '^bob,1,paper,[0-9.]+,4,ink$' out
done
check "sixteen bits are nearer" run train buys.csv --kind embedding16 --dims 3 -o x.sotto --holdout 20 --json
check "by far" figure error_integers 0 0.0001
check "dimensions are chosen" run train buys.csv --kind embedding8 -o chosen.sotto --holdout 20 --json
check "and no more than items" figure dims 1 5
check "no kind of that name" ends 2 "--kind" train buys.csv -o x.sotto --kind cube
check "dimensions of a matrix" ends 2 "--dims" train buys.csv -o x.sotto --dims 3
check "more dimensions than items" ends 3 "only 5 items" train buys.csv -o x.sotto --kind embedding8 --dims 6

printf 'user_id,event_time,item_id,event_id\nann,2026-10-02,cup,1\nann,2026-10-03,bread,2\nzoe,2026-10-03,bread,3\n' >later.csv
printf 'event_id,item_id\n1,cup\n1,bread\n2,bread\n3,bread\n3,tea\n' >allowed.csv
check "figures" run evaluate items.sotto --past two.csv --test later.csv --allowed allowed.csv --at 1 --json
check "one of three is of a new customer" figure new 1 1
check "the known one's cup comes first" figure known_items_allowed_hr 1 1
check "popularity of two rows knows no bread" figure new_popularity_hr 0 0
check "what is allowed is all that is left" figure new_items_allowed_hr 1 1

printf 'user_id,event_time,item_id\nann,2026-10-02,soap\n' >other.csv
check "a column that is not there" ends 4 "no column" train buys.csv --item thing -o x.sotto
check "an item that was not learned" ends 4 "was not learned" evaluate items.sotto --past two.csv --test other.csv
printf 'user_id,event_time,item_id\nann,yesterday,tea\n' >when.csv
check "a moment that is none" ends 3 "a moment is" train when.csv -o x.sotto
printf 'user_id,event_time,item_id\nann,2026-10-01,Tea Bag\nann,2026-10-02,Tea Bag\nbob,2026-10-03,Tea Bag\n' >name.csv
check "a name that no catalogue has" ends 3 "a name is" train name.csv -o x.sotto --holdout 50
check "too few" ends 3 "too few" train two.csv -o x.sotto
head -c 200 items.sotto >cut.sotto
check "a file that was cut" ends 3 "checksum" predict cut.sotto two.csv
check "no output named" ends 2 "-o" train buys.csv
check "no method of that name" ends 2 "--method" train buys.csv -o x.sotto --method magic
check "no such word" ends 2 "recommend what" dance
for word in train predict evaluate; do check "$word --help" sh -c "'$program' recommend $word --help | grep -q 'sotto-hq recommend $word'"; done

bruun=$data/bruun-insurance-recsys
if [ -d "$bruun" ]; then
    check "Bruun: learned" run train "$bruun/purchase_events_train.csv.xz" --method next -o bruun.sotto
    check "Bruun: judged" run evaluate bruun.sotto --past "$bruun/purchase_events_train.csv.xz" \
        --test "$bruun/purchase_events_test.csv.xz" --allowed "$bruun/filter_test.csv.xz" --bootstrap 20 --json
    check "popularity HR@3" figure all_popularity_hr 0.6216 0.6218
    check "popularity MRR@3" figure all_popularity_mrr 0.4763 0.4765
    check "filtered popularity HR@3" figure all_popularity_allowed_hr 0.6792 0.6794
    check "filtered popularity MRR@3" figure all_popularity_allowed_mrr 0.4979 0.4981
    check "known customers: above it" figure known_gain_hr 0.005 0.1
    check "and in MRR@3" figure known_gain_mrr 0.01 0.1
    check "new customers: not below it in MRR@3" figure new_gain_mrr 0 0.1
else
    skipped=$((skipped + 9))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
