#!/bin/bash
# The learning commands as a person runs them: results, refusals, exit codes.   learn.sh PROGRAM FOLDER-OF-GOLDEN-FILES [DATA]
set -u
program=$(realpath "$1") golden=$2 data=${3:-}
# shellcheck source=tests/hq/kit.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kit.sh"

has() { grep -qF -- "$1" out; }
file_is() { [ "$(head -n 1 "$1")" = "$2" ]; }

# A table with tags of every kind, missing values, and a label that depends on them. Deterministic, in time order.
awk 'function r(n) { s = (s * 1103515 + 12345) % 2147483648; return int(s / 65536) % n }
BEGIN { s = 7; split("clerk engineer retired student teacher", job, " ")
    print "age,job,balance,newsletter,since,rate,hour,unused,taken"
    for (i = 0; i < 1500; i++) {
        a = 18 + r(70); j = job[1 + r(5)]; b = r(900000) / 100 - 1000; n = r(2); h = 8 + r(11); y = 2005 + r(20)
        t = (a + (j == "student") * 30 + n * 20 + b / 200 + r(60)) > 110
        printf "%d,%s,%s,%s,%d-%02d-%02d,%s,%d,x%d,%s\n", a, r(20) ? j : "", r(9) ? sprintf("%.2f", b) : "", n ? "yes" : "no",
            y, 1 + r(12), 1 + r(28), r(2) ? "1.25" : "3", h, i, t ? "yes" : "no" } }' >rows.csv
tags=(--dictionary "$golden/dictionary.json" --recipe "$golden/recipe.json" --today 2026-01-01)

can_train=true
run train --data rows.csv "${tags[@]}" --label taken --rounds 12 --depth 3 --eta 0.3 --time-order -o model.json
if grep -q "without XGBoost" err; then
    can_train=false
    skipped=$((skipped + 1))
    check "without the library train says so, exit code 3" ends 3 "libxgboost-dev" train --data rows.csv "${tags[@]}" --label taken -o m.json
    cp "$golden/golden.json" model.json
else
    check "train reports both splits" has "time   split"
    check "train wrote the model" test -s model.json
    check "a second run gives the same bytes" sh -c \
        "'$program' train --data rows.csv --dictionary '$golden/dictionary.json' --recipe '$golden/recipe.json' --today 2026-01-01 \
         --label taken --rounds 12 --depth 3 --eta 0.3 -o again.json >/dev/null && cmp -s model.json again.json"
    check "its settings are in the model" grep -q '"sotto.rounds":"12"' model.json
    check "no path of this machine is" sh -c "! grep -q '$work' model.json"
    check "early stopping leaves the best round" sh -c \
        "'$program' train --data rows.csv --dictionary '$golden/dictionary.json' --recipe '$golden/recipe.json' --today 2026-01-01 \
         --label taken --rounds 300 --depth 6 --eta 0.5 --early-stop 5 -o early.json >/dev/null && grep -q best_iteration early.json"
    train=(train --data rows.csv "${tags[@]}" --label taken --rounds 6 --depth 3 --eta 0.3)
    check "cross-validation, random and rolling in time" run "${train[@]}" --time-order --cv 3 -o cv.json
    check "(both)" sh -c "grep -q '3 folds, random' out && grep -q '3 folds, rolling in time' out && grep -q 'mean AUC .* as integers' out"
    check "(drift by slices)" sh -c "grep -q 'at that time' out && grep -q 'later, 5/5 .*PSI of the score' out"
    check "a search inside the training rows" run "${train[@]}" --tune 3 --cv 2 -o tuned.json
    check "(what it found is in the model)" sh -c "grep -q \"the search's best of 3\" out && grep -q '\"sotto.tune_score\"' tuned.json"
    cp out tuned.txt
    check "the same seed finds the same" run "${train[@]}" --tune 3 --cv 2 -o tuned2.json
    check "(to the byte)" cmp -s tuned.json tuned2.json
    check "balanced classes, monotone inputs" run "${train[@]}" --class-weight balanced --monotone age=up --monotone rate=down -o mono.json
    check "(in the model's provenance)" grep -q '"sotto.monotone":"age=up rate=down"' mono.json
    run model compile --from xgboost mono.json "${tags[@]:0:4}" -o mono.sotto
    run model features --data rows.csv "${tags[@]}"
    awk -F, 'NR == 1 { print; next } NR == 5 { OFS = ","; for (a = 15; a < 95; a++) { $1 = a; print } }' out >ages.csv
    check "(the score never falls as age grows)" sh -c "'$program' model predict mono.sotto ages.csv |
        awk -F, 'NR > 2 && \$2 < last { exit 1 } { last = \$2 } END { if (NR != 81) exit 1 }'"
    check "monotone in a feature that is not there" ends 4 "no such feature" "${train[@]}" --monotone shoe=up -o none.json
    check "monotone in no direction" ends 2 "FEATURE=up or" "${train[@]}" --monotone age=sideways -o none.json
    check "a negative class weight" ends 2 "--class-weight" "${train[@]}" --class-weight -2 -o none.json
    awk 'BEGIN { FS = OFS = "," } { print $0, NR == 1 ? "w" : 2 }' rows.csv >twice.csv
    check "weights" run train --data twice.csv "${tags[@]}" --label taken --rounds 6 --depth 3 --eta 0.3 --weight w --lambda 2 --min-child-weight 2 -o twice.json
    run train --data rows.csv "${tags[@]}" --label taken --rounds 6 --depth 3 --eta 0.3 -o once.json
    check "(all 2, with twice the other weights: the same trees)" sh -c "for f in once twice; do
        '$program' model compile --from xgboost \$f.json -o \$f.sotto >/dev/null && '$program' model features --data rows.csv --dictionary '$golden/dictionary.json' \
            --recipe '$golden/recipe.json' --today 2026-01-01 >f.csv && '$program' model predict \$f.sotto f.csv >\$f.csv.out; done; cmp -s once.csv.out twice.csv.out"
    sed '12s/2$/-2/' twice.csv >negative.csv
    check "a negative weight: file and line" ends 3 "negative.csv:12" train --data negative.csv "${tags[@]}" --label taken --weight w -o none.json
    sed '12s/2$//' twice.csv >weightless.csv
    check "a missing weight" ends 3 "weightless.csv:12" train --data weightless.csv "${tags[@]}" --label taken --weight w -o none.json
    # Amounts, counts, classes and an order: targets that depend on the columns.
    awk 'BEGIN { FS = OFS = "," } NR == 1 { print $0, "spend", "visits", "kind", "basket", "liked"; next }
        { n = $4 == "yes"; spend = ($1 + n) % 3 ? $1 * 10 - $3 / 10 : 0; kind = $1 < 35 ? 0 : $3 > -850 ? 2 : 1
          print $0, spend, int($1 / 20) + n, kind, "b" int(NR / 6), int($1 / 22) % 4 }' \
        rows.csv >goals.csv
    figure() { grep -o "\"random\":{[^}]*" out | grep -o "\"$1\":[-0-9.]*" | cut -d: -f2; }
    less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && a + 0 < b + 0) }'; }
    near() { awk -v a="$1" -v b="$2" 'BEGIN { d = a - b; exit !(a != "" && b != "" && d * d <= 1e-8 * (1 + a * a)) }'; }
    goal=(train --data goals.csv "${tags[@]}" --rounds 30 --depth 4 --eta 0.2)
    for trial in regression:spend:rmse count:visits:deviance amount:spend:deviance multiclass:kind:mlogloss rank:liked:ndcg10; do
        IFS=: read -r name column key <<<"$trial"
        group=()
        [ "$name" != rank ] || group=(--group basket)
        check "objective $name" run "${goal[@]}" --objective "$name" --label "$column" "${group[@]}" --time-order --json -o goal.json
        if [ "$name" = rank ]; then
            check "(better than the table's own order)" less "$(figure "${key}_constant")" "$(figure "$key")"
        else
            check "(better than one answer for all)" less "$(figure "$key")" "$(figure "${key}_constant")"
        fi
        check "(the same as integers)" near "$(figure "$key")" "$(figure "${key}_integer")"
        check "(in the model's provenance)" grep -q "\"sotto.objective\":\"$name\"" goal.json
        check "(compiled and proven on every row)" run model compile --from xgboost goal.json "${tags[@]}" --data goals.csv -o goal.sotto
        mv goal.json before.json
        run "${goal[@]}" --objective "$name" --label "$column" "${group[@]}" --time-order -o goal.json
        check "(and says so in words)" has "objective $name"
        check "(the same again, to the byte)" cmp -s goal.json before.json
    done
    check "early stopping by the order" run "${goal[@]}" --objective rank --label liked --group basket --early-stop 3 -o goal.json
    check "(the best round is in the model)" grep -q best_iteration goal.json
    check "an objective that is none" ends 2 "--objective is binary" "${goal[@]}" --objective taste --label spend -o none.json
    check "an order of what" ends 2 "needs --group" "${goal[@]}" --objective rank --label liked -o none.json
    check "a group of no order" ends 2 "needs --group" "${goal[@]}" --objective count --label visits --group basket -o none.json
    check "what only yes and no can be asked for" ends 2 "--cv is for" "${goal[@]}" --objective count --label visits --cv 3 -o none.json
    check "a class that is no whole number: file and line" ends 3 "goals.csv:" "${goal[@]}" --objective multiclass --label spend -o none.json
    awk 'BEGIN { FS = OFS = "," } NR == 40 { $11 = -1 } { print }' goals.csv >below.csv
    check "a count below zero: file and line" ends 3 "below.csv:40" train --data below.csv "${tags[@]}" --objective count --label visits -o none.json
    awk 'BEGIN { FS = OFS = "," } NR == 40 { $13 = "b1" } { print }' goals.csv >apart.csv
    check "a group in two places: file and line" ends 3 "apart.csv:40" train --data apart.csv "${tags[@]}" --objective rank --label liked --group basket -o none.json
    check "more trees than a model has" ends 3 "over 4096 trees" train --data goals.csv "${tags[@]}" --depth 4 --eta 0.2 --objective multiclass --label kind --rounds 2000 -o none.json
    check "one fold" ends 2 "--cv takes a whole number from 2" "${train[@]}" --cv 1 -o none.json
    head -n 11 rows.csv >few.csv
    check "more folds than rows" ends 3 "folds of a table of 10 rows" train --data few.csv "${tags[@]}" --label taken --cv 40 -o none.json
    check "a fold of one class" ends 3 "fewer folds, or more rows" train --data few.csv "${tags[@]}" --label taken --cv 9 -o none.json
    sed 's/yes$/no/' rows.csv >allno.csv
    check "one class only" ends 3 "the same label" train --data allno.csv "${tags[@]}" --label taken -o none.json
    sed '7s/yes$//; 7s/no$//' rows.csv >unlabelled.csv
    check "a label that is missing: file and line" ends 3 "unlabelled.csv:7" train --data unlabelled.csv "${tags[@]}" --label taken -o none.json
    check "no search by hand-waving" ends 2 "--tune-by" "${train[@]}" --tune-by taste -o none.json
    "$program" train --data rows.csv "${tags[@]}" --label taken --rounds 4000 --depth 8 -o none.json >out 2>err &
    child=$!
    sleep 0.3
    kill -INT "$child" 2>/dev/null || kill -TERM "$child" 2>/dev/null
    kill -TERM "$child" 2>/dev/null
    wait "$child"
    check "an end in the middle" test $? -gt 128
    check "(none of these left a file, whole or half)" sh -c "! ls | grep -q '^none.json'"
    check "train --json is one object" sh -c "'$program' train --data rows.csv --dictionary '$golden/dictionary.json' \
        --recipe '$golden/recipe.json' --today 2026-01-01 --label taken --rounds 3 --json -o j.json | grep -q '^{.*}$'"
fi

# compile, check
cp "$golden/wild.sotto" .
check "compile" run model compile --from xgboost model.json "${tags[@]:0:4}" -o model.sotto
if $can_train; then
    check "compile proves every row, knowing label and rows from the model" \
        run model compile --from xgboost model.json "${tags[@]:0:4}" --data rows.csv -o model.sotto
    check "all leaves identical" has "all identical to XGBoost's own"
    check "on the held-out rows" has "held out of training"
    check "early stopping compiles to as many trees as XGBoost counts" \
        run model compile --from xgboost early.json "${tags[@]:0:4}" --data rows.csv -o early.sotto
    check "(identical)" has "all identical"
    check "the report as JSON" run model compile --from xgboost model.json "${tags[@]:0:4}" --data rows.csv -o model.sotto --json
    check "(no leaf differs)" has '"leaves_differ":0'
fi
check "check" run model check model.sotto --dictionary "$golden/dictionary.json"
check "says what it is made of" has "a score takes at most"
check "check --json" run model check model.sotto --json
check "(features)" has '"name":"is_student","source":"tag","tag":2,"as":"is","code":3'

# features and predict
check "features" run model features --data rows.csv "${tags[@]}" --label taken
cp out features.csv
check "features: header" file_is features.csv "age,job,is_student,balance,newsletter,tenure,rate,hour,taken"
mkdir -p moves
cat >moves/dictionary.json <<'END'
{"version": 1, "tags": [
  {"number": 1, "id": "now", "kind": "amount", "purpose": ["marketing"]},
  {"number": 2, "id": "usual", "kind": "amount", "purpose": ["marketing"]}]}
END
printf '{"format": "sotto-recipe-1", "features": [{"name": "rise", "tag": "now", "as": "change", "against": "usual"}]}\n' >moves/recipe.json
printf 'now,usual\n100.10,99.99\n-3,4.5\n,1\n1,\n90071992547409.93,90071992547409.92\n' >moves/rows.csv
printf 'rise\n0.109999999\n-7.5\n\n\n0.00999999978\n' >moves/expected.csv # the float32 nearest to 0.11 and 0.01
check "features: a change" sh -c "'$program' model features --data moves/rows.csv --recipe moves/recipe.json | cmp - moves/expected.csv"
printf 'now\n1\n' >moves/short.csv
check "features: a change without its other tag" ends 4 "no column usual" model features --data moves/short.csv --recipe moves/recipe.json
check "predict from features" run model predict model.sotto features.csv --leaves --why
cp out scores.csv
check "predict: header" sh -c "head -n 1 scores.csv | grep -q '^row,margin,probability,leaf_0,.*,bias,age,job,is_student,balance'"
check "predict: a line a row" test "$(wc -l <scores.csv)" = 1501
check "reasons add up to the margin" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "bias") b = i; next }
    { s = 0; for (i = b; i <= NF; i++) s += $i; d = s - $2; if (d > 1e-9 || d < -1e-9) bad = 1 } END { exit bad || NR < 2 }' scores.csv
check "predict from tags" run model predict model.sotto rows.csv --dictionary "$golden/dictionary.json" --today 2026-01-01
cp out tags.csv
cut -d, -f1-3 scores.csv >plain.csv
check "tags and features give the same bytes" cmp -s plain.csv tags.csv
check "reasons by tag" run model predict model.sotto rows.csv --dictionary "$golden/dictionary.json" --today 2026-01-01 --why
cp out why.csv
check "(two features of job are one)" file_is why.csv "row,margin,probability,bias,age,job,balance,newsletter,since,rate,hour"

# calibration: probabilities change, margins do not
for method in platt isotonic; do
    check "calibrate by $method" run model calibrate model.sotto features.csv --label taken --method $method --rows all -o $method.sotto
    check "(before and after on rows that it was not fitted on)" sh -c "grep -q 'before: mean' out && grep -q 'after: *mean' out"
    check "(worse is said, and only then)" awk '$1 == "before:" { b = $NF } $1 == "after:" { a = $NF } /Worse than before/ { w = 1 }
        END { exit !(a != "" && b != "" && (a > b) == w) }' out
    run model check $method.sotto
    check "(the model knows: $method)" sh -c "grep -q 'calibration: $method' out && grep -q 'sotto.calibration=$method' out"
    run model predict $method.sotto features.csv
    cut -d, -f1,2 out >margins.csv
    check "(the same margins)" sh -c "cut -d, -f1,2 plain.csv | cmp -s - margins.csv"
    check "(the order of margins is that of probabilities)" sh -c "tail -n +2 out | sort -t, -g -k2,2 | awk -F, '\$3 < last { exit 1 } { last = \$3 }'"
done
check "a calibration takes the place of another" run model calibrate isotonic.sotto features.csv --label taken --rows all -o again.sotto
check "(byte for byte)" cmp -s platt.sotto again.sotto
awk 'BEGIN { FS = OFS = "," } NR > 1 { $NF = $NF == 1 || $NF == "yes" ? "no" : "yes" } 1' features.csv >upside.csv
check "rows that say the contrary" ends 3 "nothing that grows fits" model calibrate model.sotto upside.csv --label taken --rows all -o none.sotto
check "calibrate: no such method" ends 2 "--method is" model calibrate model.sotto features.csv --method guess -o none.sotto
check "calibrate: rows that nobody held out" ends 3 "--rows all" model calibrate wild.sotto features.csv --label taken --rows held-out -o none.sotto
head -n 3 features.csv >two.csv
awk 'BEGIN { FS = OFS = "," } NR > 1 && NR < 60 { $NF = NR % 2 } NR < 60' features.csv >coin.csv
check "a fit on few rows that tell nothing" run model calibrate model.sotto coin.csv --label taken --method isotonic --rows all -o coin.sotto
cp out coin.txt
check "(the same as JSON)" run model calibrate model.sotto coin.csv --label taken --method isotonic --rows all -o coin.sotto --json
check "(worse or not, the same)" sh -c "if grep -q 'Worse than' coin.txt; then grep -q '\"worse\":true' out; else grep -q '\"worse\":false' out; fi"
check "calibrate: too few rows" ends 3 "need each label" model calibrate model.sotto two.csv --label taken --rows all -o none.sotto
check "(nothing was written)" test ! -e none.sotto
if $can_train; then
    check "held-out rows are those of the training" run model calibrate model.sotto rows.csv --dictionary "$golden/dictionary.json" --json -o held.sotto
    check "(a fifth of the rows in all)" sh -c "sed 's/.*\"fitted\":\([0-9]*\),\"judged\":\([0-9]*\),.*/\1 \2/' out | awk '{ exit !(\$1 + \$2 > 240 && \$1 + \$2 < 360) }'"
fi

# without a recipe columns are taken as they stand; an empty field is missing, and so is nan
check "compile without a recipe" run model compile --from xgboost model.json -o columns.sotto
check "predict columns" run model predict columns.sotto features.csv
cp out columns.csv
check "(the same scores)" cmp -s plain.csv columns.csv
sed 's/,,/,nan,/g; s/,,/,NaN,/g' features.csv >nan.csv
check "nan is missing" sh -c "'$program' model predict columns.sotto nan.csv | cmp -s - plain.csv"
sed '2s/^[0-9]*/-inf/' features.csv >inf.csv
check "infinity is a number" run model predict columns.sotto inf.csv

# describe
check "describe" run describe rows.csv --label taken --drop hour -o described
check "(kinds)" sh -c "grep -q 'balance *amount, 2 decimals, missing in' out && grep -q 'job *choice of 5' out && grep -q 'since *date' out"
check "(what was dropped and why)" sh -c "grep -q 'hour *dropped: asked for' out && grep -q 'unused *dropped: more than 256' out"
check "describe --json" run describe rows.csv --label taken --drop hour --json -o described
check "(label and its word)" has '"positive": "yes"'
printf 'ID;Big Name;x;When;y\n1;a;1.5;2024-01-02;no\n2;b;;2024-01-03;yes\n3;a;2;2024-01-02;no\n4;;2.25;2024-01-02;no\n' >odd.csv
check "semicolons, a row number, names that are no ids" run describe odd.csv --label y -o odd
check "(row number)" sh -c "grep -q 'ID *dropped: a row number' out && grep -q 'Big Name *choice of 2.*(tag big_name)' out"
check "features of such a table" run model features --data odd.csv --dictionary odd/dictionary.json --recipe odd/recipe.json --today 2024-02-01
check "(by the columns' own names)" sh -c "sed -n 2p out | grep -q '^0,1.5,30$' && sed -n 3p out | grep -q '^1,,29$'"

# other sources: ONNX against what ONNX Runtime gave for the same rows (recorded), scorecards, centroids
for name in pipeline logistic votes; do
    check "compile $name.onnx, every row proven" run model compile --from onnx "$golden/$name.onnx" --data "$golden/onnx_rows.csv" -o "$name.sotto"
    check "(beside the runtime's float32)" sh -c "grep -q 'proof: 160 rows' out && grep -q 'to the float32 sum that ONNX' out"
    check "predict $name.onnx" run model predict "$name.sotto" "$golden/onnx_rows.csv"
    check "$name: ONNX Runtime's own probabilities to 1e-6" awk -F, -v name="$name" '
        FNR == 1 { for (i = 1; i <= NF; i++) { if (FILENAME == ARGV[1] && index($i, name) == 1) theirs[++n] = i
                       if (FILENAME == ARGV[2] && index($i, "probability") == 1) ours[++m] = i } next }
        FILENAME == ARGV[1] { for (k = 1; k <= n; k++) want[FNR, k] = $(theirs[k]); next }
        { for (k = 1; k <= n; k++) { d = $(ours[k]) - want[FNR, k]; if (d > 1e-6 || d < -1e-6) bad = 1; seen++ } }
        END { exit bad || n == 0 || n != m || seen < 160 }' "$golden/onnx_expected.csv" out
done
awk 'BEGIN { print "codes_0,codes_1,amount"; split("0 1 2 3 7 40 41 4", a, " "); split("1 4 9 0 2 50", b, " ")
    for (i = 0; i < 600; i++) print (i % 17 == 3 ? "" : a[1 + i % 8]) "," (i % 19 == 5 ? "" : b[1 + int(i / 8) % 6]) "," (i % 23 == 1 ? "" : i * 37 % 1001 / 100 - 5) }' >codes.csv
check "OrdinalEncoder before trees: every row proven" run model compile "$golden/ordinal.onnx" --data codes.csv -o ordinal.sotto
check "(every leaf)" has "600 rows x 6 trees = 3,600 leaves, all identical"
check "OrdinalEncoder before a linear model: every row proven" run model compile "$golden/ordinal_linear.onnx" --data codes.csv -o ordinal.sotto
run model predict ordinal.sotto codes.csv
check "(the first row, by hand: .25 - 1.5 + .09375 - .625)" sh -c "sed -n 2p out | grep -qx '0,-1.78125'"
check "reasons of one class" run model predict votes.sotto "$golden/onnx_rows.csv" --why --class 2
check "(add up to its margin)" awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "bias") b = i; next }
    { s = 0; for (i = b; i <= NF; i++) s += $i; d = s - $4; if (d > 1e-9 || d < -1e-9) bad = 1 } END { exit bad || NR < 2 }' out
examples=$golden/../../../docs/examples/models
awk 'BEGIN { OFS = ","; print "a,b,c"; for (i = 0; i < 300; i++) print i % 7 == 3 ? "" : i / 13 - 4, i * 37 % 101 / 8, i % 11 == 5 ? "" : i % 5 }' >linear_rows.csv
for name in linear linear3; do
    check "gblinear: every row proven ($name)" run model compile --from xgboost "$golden/$name.json" --data linear_rows.csv -o "$name.sotto"
    check "(by terms)" sh -c "grep -q 'proof: 300 rows' out && grep -q 'exact sum of the terms' out"
done
check "a scorecard" run model compile --from scorecard "$examples/scorecard.csv" -o card.sotto
printf 'age,housing,income\n24.99,0,3000\n25,1,\n' >card_rows.csv
check "its score" run model predict card.sotto card_rows.csv --leaves
check "(points over pdo / ln 2)" awk -F, 'NR == 2 { d = $2 - 0.7408746543663967; exit !(d < 1e-7 && d > -1e-7 && $4 == 0 && $5 == 0) }' out
run model compile --from scorecard "$examples/amount.csv" -o amount.sotto
check "every row proven: scorecard" run model compile "$examples/scorecard.csv" --data card_rows.csv -o card.sotto
check "(its bins)" has "2 rows x 2 trees = 4 leaves, all identical"
check "two steps" run model combine card.sotto amount.sotto -o value.sotto
check "(the bound)" has "an expected value is off by at most"
for name in card amount value; do
    run model predict "$name.sotto" card_rows.csv --why
    cp out "$name.csv"
done
check "(probability times amount, row by row)" sh -c "paste -d, card.csv amount.csv value.csv | awk -F, '
    NR == 1 { for (i = 1; i <= NF; i++) if (\$i == \"margin\") at[++n] = i; next }
    { d = \$3 * \$(at[2]) - \$(at[3]); if (d > 1e-5 || d < -1e-5) bad = 1 } END { exit bad || n != 3 || NR != 3 }'"
check "(reasons add up)" awk -F, 'NR > 1 { s = 0; for (i = 3; i <= NF; i++) s += $i; d = s - $2; if (d > 1e-9 || d < -1e-9) bad = 1 } END { exit bad || NR != 3 }' value.csv
check "combine --json" run model combine card.sotto amount.sotto -o value.sotto --json
check "(its error)" has '"value_error":'
check "two steps the wrong way round" ends 3 "must say a probability" model combine amount.sotto card.sotto -o none.sotto
check "one step" ends 2 "the amount model's file is missing" model combine card.sotto -o none.sotto
check "a terminal cannot rank by it" ends 3 "propensity times the campaign's value" model check value.sotto --dictionary "$golden/dictionary.json"
check "centroids" run model compile --from kmeans "$examples/segments.json" -o segments.sotto
printf 'age,balance,visits\n30,500,9\n45,1000,3\n60,9000,4\n' >segment_rows.csv
check "its segments" run model predict segments.sotto segment_rows.csv --leaves
check "(the nearest)" sh -c "cut -d, -f3 out | tr '\n' ' ' | grep -q '^leaf_0 0 1 2 $'"
check "check of centroids" run model check segments.sotto
check "(has no trees)" sh -c "grep -q '3 clusters' out && ! grep -q 'trees' out && grep -q 'a distance differs' out"
check "every row proven: centroids" run model compile "$examples/segments.csv" --data segment_rows.csv -o segments2.sotto --json
check "(no leaf differs)" sh -c "grep -q '\"leaves\":3,\"leaves_differ\":0' out && grep -q '\"near\":0' out"
sed 1d segment_rows.csv >headless_rows.csv
check "no header: said" ends 4 "seems to have no header" model predict segments.sotto headless_rows.csv
check "no header: given" run model predict segments.sotto headless_rows.csv --leaves --names age,balance,visits
check "(the same)" sh -c "cut -d, -f3 out | tr '\n' ' ' | grep -q '^leaf_0 0 1 2 $'"

# refusals: where, why, exit code, nothing written
check "unknown option" ends 2 "--frobnicate is not known here" train --frobnicate
check "a missing option" ends 2 "--data is missing" train --label taken
check "model without a word" ends 2 "compile, combine, predict, calibrate, check, features or report" model
check "no such file" ends 4 "nowhere.csv" describe nowhere.csv --label y -o none
check "no such column" ends 4 "no column wanted" describe rows.csv --label wanted -o none
check "a label of many values" ends 3 "two are needed" describe rows.csv --label hour -o none
printf '1,2,3\n4,5,6\n' >headless.csv
check "a table without a header" ends 3 "not a header" describe headless.csv --label 3 -o none
check "ages need a day" ends 2 "--today" model features --data rows.csv "${tags[@]:0:4}"
sed '700s/,[0-9][0-9]*,/,soon,/' features.csv >bad.csv
check "a bad field: file, line and column, not what it holds" ends 3 "bad.csv:700: column" model predict columns.sotto bad.csv
check "(its value is not repeated)" sh -c "! grep -q soon err"
sed '900s/student\|clerk\|retired\|engineer\|teacher/pilot/; 901s/student\|clerk\|retired\|engineer\|teacher/pilot/; 902s/student\|clerk\|retired\|engineer\|teacher/pilot/' rows.csv >pilot.csv
check "a choice that is not in the dictionary" ends 3 "column job" model features --data pilot.csv "${tags[@]}"
sed '5s/yes$\|no$/perhaps/' rows.csv >perhaps.csv
check "a label that is neither" ends 3 "perhaps.csv:5: column taken" model features --data perhaps.csv "${tags[@]}" --label taken
sed '9s/^[0-9]*/\xff/' features.csv >latin.csv
check "not UTF-8" ends 3 "latin.csv:9" model predict columns.sotto latin.csv
head -c 900 model.sotto >cut.sotto
check "a model cut short" ends 3 "cut.sotto" model check cut.sotto
cp model.sotto flip.sotto
printf '\x55' | dd of=flip.sotto bs=1 seek=700 conv=notrunc status=none
check "a damaged model" ends 3 "checksum" model check flip.sotto
check "a model that is none" ends 3 "not a model" model check rows.csv
sed 's/binary:logistic/multi:softmax/' model.json >multi.json
check "a model of another kind" ends 3 "multi.json" model compile --from xgboost multi.json -o none.sotto
check "(nothing was written)" test ! -e none.sotto
check "a source that says nothing of itself" ends 2 "say --from xgboost" model compile rows.csv -o none.sotto
for name in votes.onnx linear.json; do
    check "compile without --from: $name" run model compile "$golden/$name" -o guess.sotto --json
    check "(what it is)" sh -c "grep -q '\"from\":\"' out && grep -q '\"scale_bits\":24' out && grep -q '\"link\":\"' out"
done
for name in scorecard.csv scorecard.json segments.csv segments.json amount.csv; do
    check "compile without --from: $name" run model compile "$examples/$name" -o guess.sotto
done
check "check --names" run model check guess.sotto --names "x,income,age"
check "check --names: one is missing" ends 4 "feature age is none" model check guess.sotto --names "income,agee"
sed 1d rows.csv >bare.csv
check "features of a table without a header" run model features --data bare.csv "${tags[@]}" --label taken --names "$(head -n 1 rows.csv)"
check "(the same)" cmp -s out features.csv
check "--from something else" ends 3 "xgboost, lightgbm, onnx" model compile --from catboost model.json -o none.sotto
mkdir given beside lonely
cp "$golden/recipe.json" lonely/r.json
check "a recipe with its dictionary" run model compile --from xgboost model.json --recipe "$golden/recipe.json" --dictionary "$golden/dictionary.json" -o given/m.sotto
check "(of which nothing is said)" test ! -s err
check "a recipe alone: the dictionary beside it" run model compile --from xgboost model.json --recipe "$golden/recipe.json" --json -o beside/m.sotto
check "(which is said)" grep -qF "dictionary: $golden/dictionary.json" err
check "(and stands in the JSON)" has "\"dictionary\":\"$golden/dictionary.json\""
check "(the same model)" cmp -s given/m.sotto beside/m.sotto
check "features by a recipe alone" run model features --data rows.csv --recipe "$golden/recipe.json" --today 2026-01-01 --label taken
check "(the same columns)" cmp -s out features.csv
check "a recipe without any dictionary" ends 2 "needs --dictionary" model compile --from xgboost model.json --recipe lonely/r.json -o none.sotto
check "features without any dictionary" ends 2 "needs --dictionary" model features --data rows.csv --recipe lonely/r.json
check "an error that is not allowed" ends 3 "--max-error" model compile --from xgboost model.json --max-error 1e-9 -o none.sotto
check "(nothing is written)" test ! -e none.sotto
check "an error that is allowed" run model compile --from xgboost model.json --max-error 0.001 --json -o none.sotto
check "(and printed)" has '"margin_error_allowed":0.00099'
check "an error that is no number" ends 2 "--max-error" model compile --from xgboost model.json --max-error none -o none.sotto
check "a folder that is not there" ends 4 "" model compile --from xgboost model.json -o no/such/folder/m.sotto
for command in train "model" "model compile" "model combine" "model calibrate" "model predict" "model check" "model features" describe; do
    # shellcheck disable=SC2086
    check "$command --help shows an example" sh -c "'$program' $command --help | grep -q 'sotto-hq $command .*'"
done
if [ -e /dev/full ]; then
    "$program" model predict columns.sotto features.csv >/dev/full 2>err
    check "a full disk behind standard output" test $? = 6
fi

# real data, where it is at hand
bank=$data/bank-marketing/bank-additional-full.csv.xz
if [ -n "$data" ] && [ -e "$bank" ] && $can_train; then
    check "describe a real table" run describe "$bank" --label y --drop duration -o bank
    check "train on it" run train --data "$bank" --dictionary bank/dictionary.json --recipe bank/recipe.json --label y --rounds 40 -o bank.json
    check "prove every row of it" run model compile --from xgboost bank.json --dictionary bank/dictionary.json --recipe bank/recipe.json \
        --data "$bank" -o bank.sotto
    check "(41,188 rows)" has "41,188 rows x 40 trees"
    sed -n 's/^  on /  bank: on /p' out
else
    skipped=$((skipped + 1))
    echo "skipped: real tables (no data, or no XGBoost)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
