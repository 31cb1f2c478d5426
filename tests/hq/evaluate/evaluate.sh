#!/bin/bash
# The judging commands as a person runs them: figures, refusals, exit codes; real data where it is.   evaluate.sh PROGRAM [DATA]
set -u
program=$(realpath "$1") data=${2:-}
[ -d "$data" ] && data=$(cd "$data" && pwd)
# shellcheck source=tests/hq/kit.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kit.sh"

evaluate() { run evaluate "$@" --json && [ ! -s err ]; }

# Four rows worked by hand: AUC 3/4, DeLong's variance 1/8.
printf 'score,label\n0.9,yes\n0.8,no\n0.7,yes\n0.6,no\n' >four.csv
check "predictions" evaluate predictions four.csv
check "AUC by hand" figure auc 0.75 0.75
check "its interval by hand" figure low 0.0570 0.0571
check "half of the rows reach half of the buyers" sh -c "'$program' evaluate predictions four.csv --contacts 50 | grep -qE 'best 50 % of rows reach +50.00 %'"
printf 'customer,rank,score,label\na,1,1,0\na,2,1,1\nb,1,1,1\nb,2,1,0\nc,1,1,0\n' >lists.csv
check "lists" evaluate predictions lists.csv --at 1
check "MRR by hand" figure mrr 0.75 0.75
check "HR@1 by hand" figure hit_rate_at 0.5 0.5
check "lists without a positive are left out" says '"lists":2'
check "log-odds" evaluate predictions four.csv --margin
printf 'score,label\n3,1\n-2,0\n' >odds.csv
check "scores beyond 1 have no losses" sh -c "'$program' evaluate predictions odds.csv | grep -q 'not probabilities'"

# Two arms, effects by hand: 3/4 against 1/4.
printf 'treatment,outcome,score\n' >trial.csv
for row in a,1,4 a,1,3 a,1,2 a,0,1 control,1,4 control,0,3 control,0,2 control,0,1; do echo "$row" >>trial.csv; done
check "uplift" evaluate uplift trial.csv --outcome outcome --score score
check "difference by hand" figure difference 0.5 0.5
check "effect among the best half by hand" sh -c "'$program' evaluate uplift trial.csv --outcome outcome --score score --share 50 | grep -qE 'best 50 % +50.00 %'"

# Weights 5/8 and 5/2: worked by hand in test_evaluate_effects.c.
printf 'action,propensity,reward,mine\n0,0.8,1,0.5\n0,0.8,0,0.5\n0,0.8,1,0.5\n1,0.2,1,0.5\n' >log.csv
check "policy" evaluate policy log.csv --target uniform
check "IPS by hand" figure ips 0.9375 0.9375
check "SNIPS by hand" figure snips 0.85714 0.85715
check "a policy's own probabilities" evaluate policy log.csv --target-column mine
check "give the same" figure ips 0.9375 0.9375
check "and no reward model" says '"dr":\{"value":null'

check "the same seed gives the same bytes" sh -c \
    "'$program' evaluate predictions four.csv >1 && '$program' evaluate predictions four.csv >2 && cmp -s 1 2"
for kind in evaluate "evaluate predictions" "evaluate uplift" "evaluate policy" value; do
    # shellcheck disable=SC2086
    check "$kind --help has an example" sh -c "'$program' $kind --help | grep -q '  sotto-hq ${kind%% *}'"
done

check "no kind" ends 2 "evaluate what?" evaluate
check "no file" ends 2 "a file is missing" evaluate predictions
check "an unknown option" ends 2 "--colour" evaluate policy log.csv --colour blue
check "a missing file" ends 4 "absent.csv" evaluate predictions absent.csv
check "a missing column" ends 4 "four.csv:1: the table has no column p" evaluate predictions four.csv --score p
printf 'score,label\n0.9,1\n0.8,0\nsecret,1\n' >bad.csv
check "a bad row" ends 3 "bad.csv:4: column score" evaluate predictions bad.csv
check "its value is not repeated" sh -c "! grep -q secret err"
printf 'score,label\n0.9,1\n0.8,1\n' >one.csv
check "one class" ends 3 "same label" evaluate predictions one.csv
check "an unknown control" ends 4 "--control" evaluate uplift trial.csv --outcome outcome --control nothing
check "no outcome" ends 2 "--outcome" evaluate uplift trial.csv
printf 'action,propensity,reward\n0,0,1\n' >zero.csv
check "a propensity of nothing" ends 3 "row 1: column propensity" evaluate policy zero.csv --target uniform
check "no target" ends 2 "--target" evaluate policy log.csv
check "a target's log is needed" ends 2 "--log-of-target" evaluate policy log.csv --target log
printf '1 19970101 1 5\n1 1997 1 5\n' >buys.txt
check "a bad date" ends 3 "buys.txt:2:" value buys.txt
printf '1 19970101 1 5\n1 19970108 1 5\n' >few.txt
check "too few to fit" ends 3 "too few" value few.txt

# Buys of 300 customers as a table, and the same as lines: one answer.
awk 'function r(n) { s = (s * 1103515 + 12345) % 2147483648; return int(s / 65536) % n }
BEGIN { s = 3; print "customer,date,value" > "buys.csv"
    for (i = 1; i <= 300; i++) { n = 1 + (i % 10 == 0) * r(12) + (i % 3 == 0) * r(3); for (k = 0; k < n; k++) {
        m = 1 + r(12); d = 1 + r(28); v = 5 + i % 17 + r(9)
        printf "%d,2025-%02d-%02d,%d\n", i, m, d, v > "buys.csv"; printf "%d 2025%02d%02d 1 %d\n", i, m, d, v > "lines.txt" } } }'
awk 'BEGIN { for (i = 1; i <= 40; i++) for (k = 0; k < 3; k++) printf "%d 2025%02d01 1 10\n", i, 1 + 3 * k }' >clockwork.txt
fits=true
run value buys.csv --bootstrap 20
if grep -q "without NLopt" err; then
    fits=false
    skipped=$((skipped + 1))
    check "without the library value says so" ends 3 "libnlopt-dev" value buys.csv
else
    check "value of a table" says 'BG/NBD\): log-likelihood -[0-9]{3}'
    check "customers like clockwork: said" sh -c "'$program' value clockwork.txt | grep -q 'ran to its bound'"
    check "and of lines, the same" sh -c "'$program' value buys.csv --bootstrap 20 >1 && '$program' value lines.txt --bootstrap 20 >2 && cmp -s 1 2"
fi

if [ -f "$data/hillstrom/hillstrom.csv.xz" ]; then
    mails=("$data/hillstrom/hillstrom.csv.xz" --treatment segment --control "No E-Mail" --outcome visit)
    check "Hillstrom" evaluate uplift "${mails[@]}" --outcome conversion --outcome spend
    check "the women's mail: +4.52 points" says '"Womens E-Mail","rows":21387,"mean":\{"value":0.151[0-9]*,[^}]*\},"difference":\{"value":0.0452'
    check "the men's mail: +7.66 points" says '"Mens E-Mail","rows":21307,"mean":\{"value":0.182[0-9]*,[^}]*\},"difference":\{"value":0.0765[89]'
    check "by history" evaluate uplift "${mails[@]}" --arm "Mens E-Mail" --score history --bootstrap 50
    check "Qini above chance" figure qini 0.002 0.003
    targets=(--feature recency --feature history --feature mens --feature womens --feature newbie --repeats 2 --bootstrap 20)
    run evaluate uplift "${mails[@]}" --arm "Womens E-Mail" "${targets[@]}" --json
    if grep -q "libxgboost-dev" err; then
        skipped=$((skipped + 1))
    else
        check "who is moved by the women's mail: 70 % hold over 80 %" figure kept 0.8 1.2
    fi
else
    skipped=$((skipped + 1))
    echo "skipped: no Hillstrom data"
fi

if [ -f "$data/obd-sample/random_men.csv.xz" ]; then
    columns=(--action item_id --reward click --propensity propensity_score --bootstrap 100)
    for campaign in men women; do
        for log in random bts; do
            check "$campaign, $log for itself" evaluate policy "$data/obd-sample/${log}_$campaign.csv.xz" "${columns[@]}" --target same
            check "is what it earned" sh -c "[ \"\$(grep -oE '\"(logged|ips|snips)\":.\"value\":[0-9.]+' out | sed 's/.*://' | sort -u | wc -l)\" = 1 ]"
        done
        check "$campaign: the random log for the other policy" evaluate policy "$data/obd-sample/random_$campaign.csv.xz" "${columns[@]}" \
            --target log --log-of-target "$data/obd-sample/bts_$campaign.csv.xz"
        run evaluate policy "$data/obd-sample/random_$campaign.csv.xz" "${columns[@]}" --target log --log-of-target "$data/obd-sample/bts_$campaign.csv.xz"
        check "IPS, SNIPS and DR lie inside the on-policy interval" sh -c "[ \$(grep -c 'inside the on-policy interval' out) = 3 ]"
    done
else
    skipped=$((skipped + 1))
    echo "skipped: no Open Bandit sample"
fi

if $fits && [ -f "$data/cdnow/CDNOW_sample.txt.xz" ]; then
    check "CDNOW" run value "$data/cdnow/CDNOW_sample.txt.xz" --bootstrap 20 --json
    check "log-likelihood -9582.4" figure log_likelihood -9582.45 -9582.35
    check "r .243" figure r 0.2425 0.2435
    check "alpha 4.414" figure alpha 4.4125 4.4155
    check "a .793" figure a 0.7925 0.7935
    check "b 2.426" figure b 2.4250 2.4270
else
    skipped=$((skipped + 1))
    echo "skipped: no CDNOW data, or no NLopt"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
