#!/bin/sh
# Every row of Adult, both Bank files, Hillstrom and Bruun's users through XGBoost and the compiled model, for a grid of models.
#   every_row.sh [--thin] EVERY_ROW DATA_FOLDER       --thin: one small model each, for ./check; 77: no data
set -eu
thin=no
[ "$1" != --thin ] || { thin=yes; shift; }
program=$1 data=$2
[ -r "$data/adult/adult.data.xz" ] || { echo "skipped: no $data/adult"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unpack() { xz -dc "$data/$1" >"$work/$2"; }
{
    echo age,workclass,fnlwgt,education,education_num,marital,occupation,relationship,race,sex,gain,loss,hours,country,income
    xz -dc "$data/adult/adult.data.xz"
    xz -dc "$data/adult/adult.test.xz" | grep -v '^|'
} >"$work/adult.csv"
unpack bank-marketing/bank-additional-full.csv.xz additional.csv
unpack bank-marketing/bank-full.csv.xz full.csv
unpack hillstrom/hillstrom.csv.xz hillstrom.csv
unpack bruun-insurance-recsys/mm_users.csv.xz users.csv

failed=0
# table label positive dropped: the grid
try() {
    echo "$1"
    echo "  rows  trees  depth     leaves   differ    margin to   bound  to XGBoost  AUC    XGBoost  order"
    echo "                                          exact sum             (float32)                  differs"
    if [ $thin = yes ]; then
        "$program" "$work/$1.csv" "$2" "$3" 12 5 "$4" || failed=1
        return
    fi
    "$program" "$work/$1.csv" "$2" "$3" 1,50,300 1,6,12 "$4" || failed=1
    "$program" "$work/$1.csv" "$2" "$3" 2000 ${DEEPEST:-4} "$4" || failed=1
}
try adult income '>50K' ''
try additional y yes duration
try full y yes duration
try hillstrom visit 1 conversion,spend
try users session_id '*' user_id,conversation_id
exit $failed
