#!/bin/bash
# sotto-hq advise against goals worked by hand, refusals, exit codes.   advise.sh PROGRAM
set -u
program=$(realpath "$1")
command -v jq >/dev/null || { echo "skipped: no jq"; exit 77; }
# shellcheck source=tests/hq/kit.sh
. "$(dirname "${BASH_SOURCE[0]}")/../kit.sh"

advise() { "$program" advise "$@" >out 2>err; }
run() { advise "$@"; }
# Campaigns "behind" and "giver" with goals, and one without.
policy() { # policy GOAL_OF_BEHIND GOAL_OF_GIVER
    printf '{"version":1,"campaigns":[{"id":"behind","goal":{"taken":%s,"by":"2026-11-30"}},{"id":"other"},{"id":"giver","from":"2026-11-01","goal":{"taken":%s,"by":"2026-11-30"}}]}' "$1" "$2" >p.json
}
# Ten days counted: what the first showed and took, what the second did, and the half width of all.
totals() { # totals SHOWN TAKEN SHOWN TAKEN PLUS_MINUS
    printf '{"reports":9,"confidence_percent":95,"period_days":1,"from":"2026-11-01","to":"2026-11-10","rows":[
        {"campaign":"behind","segment":null,"shown":%s,"taken":%s,"plus_minus":%s},{"campaign":"behind","segment":"young","shown":1,"taken":1,"plus_minus":1},
        {"campaign":"giver","segment":null,"shown":%s,"taken":%s,"plus_minus":%s}]}' "$1" "$2" "$5" "$3" "$4" "$5" >t.json
}
first() { holds ".campaigns[0] | $1"; }
near() { echo "(($1) - ($2)) | . * . < 1e-4"; }

policy 400 200
totals 1000 100 4000 200 0
check "100 taken in ten days of thirty" advise --policy p.json --totals t.json --json
check "two goals, no third" holds '.campaigns | length == 2'
# Forecast 300, variance 100 x 2^2 + 200; (399.5 - 300) / sqrt(600) = 4.062.
check "will be 300" first "$(near .forecast.value 300) "
check "with sqrt(600) either way" first "$(near '(.forecast.high - .forecast.low) / 2' 48.0090)"
check "which is behind 400" first '.verdict == "behind" and .chance < 0.0001'
check "one taken of ten shown needs 150 a day" first "$(near .showings_a_day_needed 150)"
# 65 more a day: 430 expected, deviation sqrt(33^2 + 330); 79.1 % above 399.5.
check "a shift of 65 a day from who reached" first '.shift_from == "giver" and .shift_showings_a_day == 65'
check "makes it likely" first "$(near .chance_after 0.7909)"
check "who reached, reached" holds '.campaigns[1].verdict == "reached"'
check "in words" advise --policy p.json --totals t.json
check "that say who shifts" grep -q 'shift 65 showings a day from giver' out
policy 300 200
check "300" advise --policy p.json --totals t.json --json
check "is open: chance 50.8 %" first ".verdict == \"open\" and ($(near .chance 0.5081))"
policy 200 200
check "200" advise --policy p.json --totals t.json --json
check "is on plan" first '.verdict == "on_plan" and .shift_from == null'
totals 400 30 4000 200 100
policy 150 200
check "the same rate behind noise" advise --policy p.json --totals t.json --json
# Noise 51.02: deviation sqrt(153.07^2 + 30 x 4 + 60) = 153.66; (149.5 - 90) / 153.66.
check "is open, though 90 are expected" first ".verdict == \"open\" and ($(near .chance 0.3493))"
totals 100 10 4000 200 100
policy 900 200
check "little was shown, much is planned" advise --policy p.json --totals t.json
check "no shift is proposed" grep -q 'too little was shown' out
totals 1000 100 50 3 0
policy 400 200
check "nobody can spare any" advise --policy p.json --totals t.json
check "is said" grep -q 'no campaign can spare' out
sed -i 's/"2026-11-30"/"2026-11-09"/' p.json
check "a day that is over" advise --policy p.json --totals t.json --json
check "is missed" first '.verdict == "missed"'

policy 1 1
check "no totals" ends 2 "--totals, --dir or --collected" --policy p.json
echo "{\"campaigns\":[]}" >empty.json
check "no goals" ends 4 "goal" --policy empty.json --totals t.json
echo '{"campaigns":[{"id":"x","goal":{"taken":0,"by":"2026-11-30"}}]}' >bad.json
check "a goal of none" ends 3 "bad.json" --policy bad.json --totals t.json
echo '{"reports":0}' >none.json
check "no reports" ends 4 "reported" --policy p.json --totals none.json
check "no file of totals" ends 4 "nothere.json" --policy p.json --totals nothere.json
: >nothing.json
check "an empty one" ends 3 "nothing.json" --policy p.json --totals nothing.json
check "a folder instead" ends 6 "$work" --policy p.json --totals "$work"
head -c 100 t.json >cut.json
check "one that was cut off" ends 3 "cut.json" --policy p.json --totals cut.json
totals 1000 100 4000 200 0
{ echo '{"task":2,"reports":3,"rows":[{"card_in":1}]}'; tr -d '\n' <t.json; echo; tr -d '\n' <t.json | sed 's/^{/{"task":9,/; s/"reports":9/"reports":0/'; } >lines.json
policy 400 200
check "a line a task, as totals prints them" advise --policy p.json --totals lines.json --json
check "the first that counts campaigns" first "$(near .forecast.value 300)"
check "another by its number" ends 4 "reported" --policy p.json --totals lines.json --task 9
check "one that is not there" ends 4 "task" --policy p.json --totals lines.json --task 5
check "no such office" ends 4 "" --policy p.json --dir nowhere
check "help" "$program" advise --help >/dev/null

echo "$passed passed, $failed failed"
[ $failed = 0 ]
