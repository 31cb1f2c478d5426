#!/bin/bash
# sotto-hq model report as a person runs it, with names that attack the page, and the page in a real browser where one is.
#   report.sh PROGRAM FOLDER-OF-GOLDEN-FILES
set -u
program=$(realpath "$1") golden=$(realpath "$2")
# shellcheck source=tests/hq/kit.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kit.sh"

has() { grep -qF -- "$1" "$2"; }
hasnt() { ! grep -qF -- "$1" "$2"; }
own() { sed '/^<script>/,/<\/script>$/d' "$1"; } # a page without the text of its scripts
export -f own
# same NAME NAME FILE: two members of a JSON file have the same digits.
same() {
    local a b
    a=$(grep -oE "\"$1\": ?[-0-9.]+" "$3" | head -n 1 | sed 's/.*://') b=$(grep -oE "\"$2\": ?[-0-9.]+" "$4" | head -n 1 | sed 's/.*://')
    [ -n "$a" ] && awk -v a="$a" -v b="$b" 'BEGIN { exit !(a - b < 1e-6 && b - a < 1e-6) }'
}

# A table of the golden model's features as plain columns; the label follows some of them.
awk 'function r(n) { s = (s * 1103515 + 12345) % 2147483648; return int(s / 65536) % n }
BEGIN { s = 7; print "age,job,is_student,balance,newsletter,tenure,rate,hour,when,known,taken"
    for (i = 0; i < 1200; i++) { a = 18 + r(70); j = r(5); n = r(2); b = r(900000) / 100 - 1000
        t = (a + (j == 3) * 30 + n * 20 + b / 200 + r(60)) > 110
        printf "%d,%d,%d,%.2f,%d,%d,%s,%d,2026-%02d-01,%s,%s\n", a, j, j == 3, b, n, r(7000), r(2) ? "1.25" : "3", 8 + r(11),
            1 + int(i / 200), r(3) ? "known" : "new", t ? "yes" : "no" } }' >rows.csv
check "a model to judge" run model compile --from xgboost "$golden/golden.json" --data rows.csv -o m.sotto --json
cp out compiled.json
check "the report" run model report m.sotto rows.csv --source "$golden/golden.json" --time-column when --known-column known -o page.html
check "says where it is and how good" has "of the buyers" out
check "without a network: nothing is fetched" bash -c "! own page.html | grep -qE '(src|href)=|@import|url\\('"
check "a policy that allows nothing but its own scripts" has "default-src 'none'; script-src 'sha256-" page.html
check "plots have words and tables" sh -c "[ \$(grep -c '<figcaption>' page.html) -ge 10 ] && grep -q 'Figures as a table' page.html"
check "the same as JSON" run model report m.sotto rows.csv --source "$golden/golden.json" --time-column when --known-column known --json
cp out report.json
check "JSON is whole" sh -c "command -v jq >/dev/null || exit 0; jq -e '.by_time | length == 6' report.json >/dev/null && jq -e '.by_known | length == 2' report.json >/dev/null"
check "AUC of compile's own proof" same auc_integer auc_integer compiled.json report.json
check "no leaf differs" has '"leaves_differ":0' report.json
check "coarser scales cost more" sh -c "command -v jq >/dev/null || exit 0; jq -e '[.source.scales[].worst] | . == (sort | reverse)' report.json >/dev/null"
check "all rows" run model report m.sotto rows.csv --split all --json
check "all rows are judged" has '"rows":1200' out

check "rows of another split" run model report m.sotto rows.csv --split time -o other.html
check "are not called unseen" has "may be among them" other.html

check "another source is refused" sh -c "sed 's/\"sotto.seed\":\"1\"/\"sotto.seed\":\"2\"/' '$golden/golden.json' >other.json"
check "with the cause" ends 9 "not the file" model report m.sotto rows.csv --source other.json -o x.html
check "no page then" test ! -e x.html
check "groups without end are refused" ends 3 "different values" model report m.sotto rows.csv --known-column balance -o x.html
check "no label" ends 4 "no column gone" model report m.sotto rows.csv --label gone -o x.html
check "no page" ends 2 "-o FILE" model report m.sotto rows.csv
check "no counts" ends 3 "count.sh" model report m.sotto rows.csv --instructions rows.csv -o x.html
printf '%s\n' '  200 products  best          8.60 instructions a candidate and tree' >counts
check "counted instructions" run model report m.sotto rows.csv --instructions counts -o counted.html
check "are on the page" has "8.60" counted.html
check "every target, and that it is an estimate" sh -c "grep -q Cortex-M4 counted.html && grep -q 'at most, estimated' counted.html && grep -q aarch64 counted.html"
check "targets as JSON" sh -c "command -v jq >/dev/null || exit 0
    jq -e '[.targets[].target] == [\"x86-64\", \"armv7\", \"aarch64\", \"Cortex-M4\"] and .targets[0].instructions_estimated > .targets[0].tests_at_most * 8
        and (.targets[1:] | all(.instructions_estimated > .tests_at_most * 10))' report.json >/dev/null"
head -n 2 rows.csv >one.csv
check "rows of one kind only" ends 3 "same label" model report m.sotto one.csv --split all -o x.html

# Models that answer neither yes nor no, and sources besides XGBoost: judged, and compared with their own files.
examples=$golden/../../../docs/examples/models
awk -F, -v OFS=, '{ print $0, NR == 1 ? "is" : NR % 2, NR == 1 ? "kind" : NR % 3 }' "$golden/onnx_rows.csv" >onnx.csv
check "votes compile" run model compile "$golden/votes.onnx" -o votes.sotto
check "classes" run model report votes.sotto onnx.csv --label kind --source "$golden/votes.onnx" -o classes.html
check "say how often they are right" has "the right class in" out
check "with confusions, each class and the proof" sh -c "grep -q 'chosen (across)' classes.html && grep -q 'class 2' classes.html && grep -q 'all 2,400 leaves' classes.html"
check "as JSON" run model report votes.sotto onnx.csv --label kind --source "$golden/votes.onnx" --json
check "confusions add up to the rows" sh -c "command -v jq >/dev/null || exit 0
    jq -e '([.confusions[][]] | add) == 160 and ([.classes[].rows] | add) == 160 and .source.leaves_differ == 0 and .judged_as == \"classes\"' out >/dev/null"
for name in pipeline logistic; do
    check "$name compiles" run model compile "$golden/$name.onnx" -o "$name.sotto"
    check "$name: yes or no from ONNX" run model report "$name.sotto" onnx.csv --label is --source "$golden/$name.onnx" --json
    check "$name: float32 beside it" sh -c "grep -q '\"leaves_differ\":0' out && grep -qE '\"margin_difference_runtime\": ?0\.0000' out"
done
check "a class that is not there" ends 3 "whole number from 0 to 2" model report votes.sotto onnx.csv --label f0 --json
check "a class is no amount" ends 3 "--output" model report votes.sotto onnx.csv --label kind --output 1 --json
awk 'BEGIN { OFS = ","; print "age,housing,income,balance,visits,spent,taken"
    for (i = 0; i < 400; i++) print i % 9 ? 18 + i % 70 : "", i % 11 ? i % 3 : "", i * 7 % 1000, i * 13 % 9000, i % 12, 120 + i * 7 % 1000 * 0.03 + i % 10, i % 2 }' >spent.csv
check "an amount compiles" run model compile "$examples/amount.csv" -o amount.sotto
check "amounts" run model report amount.sotto spent.csv --label spent --source "$examples/amount.csv" -o amounts.html
check "tenth by tenth" sh -c "grep -q 'Tenths by what was said' amounts.html && grep -q 'off by' out"
check "amounts as JSON" run model report amount.sotto spent.csv --label spent --json
check "ten tenths of 40 rows" sh -c "command -v jq >/dev/null || exit 0; jq -e '[.tenths[].rows] == [range(10) | 40]' out >/dev/null"
check "parts are for yes and no" ends 3 "yes or no" model report amount.sotto spent.csv --label spent --time-column visits --json
check "a scorecard compiles" run model compile "$examples/scorecard.json" -o card.sotto
check "a scorecard's report" run model report card.sotto spent.csv --label taken --source "$examples/scorecard.json" -o card.html
check "its bins are the source's" has "all 800 leaves" card.html
check "centroids compile" run model compile "$examples/segments.csv" -o segments.sotto
check "clusters, without a label" run model report segments.sotto spent.csv --source "$examples/segments.csv" -o clusters.html
check "sizes and distances" sh -c "grep -q 'Each cluster' clusters.html && grep -q 'no distance differs by' clusters.html"
check "clusters as JSON" run model report segments.sotto spent.csv --json
check "every row is in one" sh -c "command -v jq >/dev/null || exit 0; jq -e '([.clusters[].rows] | add) == 400 and .model.trees == 0' out >/dev/null"
check "two steps" run model combine card.sotto amount.sotto -o value.sotto
check "an expected value is an amount" run model report value.sotto spent.csv --label spent -o value.html

# Names that attack the page: of a feature, of the model, of a group and of a time.
evil='<img src=x onerror=document.title=1>"&</script><script>document.title=2</script>'
evil_json=$(printf '%s' "${evil:0:64}" | sed 's/"/\\"/g') evil_csv=$(printf '%s' "${evil:0:64}" | sed 's/"/""/g')
# sed's replacement gives & and \ a meaning of their own.
quoted=$(printf '%s' "$evil_json" | sed 's/[&\\|]/\\&/g')
sed "s|\"feature_names\":\\[\"age\"|\"feature_names\":[\"$quoted\"|" "$golden/golden.json" >evil.json
awk -v name="\"${evil_csv//\\/\\\\}\"" 'BEGIN { FS = OFS = "," } NR == 1 { sub(/^age/, ""); printf "%s%s\n", name, $0; next }
    { $10 = $10 == "new" ? "</script><!--" : "\"><b onclick=x>"; $9 = $9 "<script>"; if ($10 ~ /"/) { gsub(/"/, "\"\"", $10); $10 = "\"" $10 "\"" } print }' rows.csv >evil.csv
check "hostile names compile" run model compile --from xgboost evil.json --name '</title><script>alert(1)</script>' -o evil.sotto
check "hostile names are reported" run model report evil.sotto evil.csv --source evil.json --known-column known --time-column when -o evil.html
check "no tag of theirs" bash -c "! own evil.html | grep -qE '<img|<b onclick|<script>(alert|document)|</title><script'"
check "as many scripts as ever" sh -c "[ \$(grep -o '<script' page.html | wc -l) = \$(grep -o '<script' evil.html | wc -l) ]"
check "they are there as text" has "&lt;img src=x onerror" evil.html

# In a browser: every plot drawn, nothing said on the console.
browse() { # browse PAGE OPTIONS...
    local page=$1
    shift
    timeout 100 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --user-data-dir="$work/browser" \
        --enable-logging=stderr --v=0 --virtual-time-budget=2000 "$@" "file://$work/$page" >out 2>err
}
if ! command -v chromium >/dev/null || ! has '"plot-1"' page.html; then
    echo "skipped: the page in a browser (no chromium, or no plot library when sotto-hq was built)"
    skipped=$((skipped + 1))
else
    for page in page.html evil.html classes.html amounts.html clusters.html; do
        plots=$(grep -o 'data-plot="plot-' $page | wc -l)
        check "$page in a browser" browse "$page" --dump-dom
        check "$page: every plot is drawn" sh -c "grep -q 'data-plots=\"$plots\"' out && [ \$(grep -o '<svg' out | wc -l) = $plots ]"
        check "$page: nothing on the console" hasnt "CONSOLE" err
    done
    check "the evil page again" browse evil.html --dump-dom
    check "hostile names do nothing" sh -c "grep -qE '<title>Model report: &lt;/title&gt;' out"
    check "a picture" browse page.html --screenshot="$work/page.png" --window-size=1280,2000
    check "of more than a blank page" sh -c "[ \$(wc -c <'$work/page.png') -gt 60000 ]"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
