#!/bin/bash
# sotto model score prints the same bytes on every CPU, and those of sotto-hq model predict: trees, classes, linear terms,
# centroids, expected values.   model.sh "SOTTO" "SOTTO_HQ or nothing" FOLDER-OF-GOLDEN-FILES
set -u
# An emulator may stand before the program.
read -ra sotto <<<"$1"
hq=$2 golden=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 compared=0
while read -r model sum bytes; do
    for words in "" "--leaves --why"; do
        read -ra options <<<"$words"
        if ! "${sotto[@]}" model score "$golden/$model" "$golden/score_rows.csv" "${options[@]}" >"$work/ours" 2>"$work/err"; then
            echo "FAILED: $model $words: $(head -c 300 "$work/err")"
            failed=$((failed + 1))
            continue
        fi
        if [ -n "$hq" ] && { ! "$hq" model predict "$golden/$model" "$golden/score_rows.csv" "${options[@]}" >"$work/theirs" ||
            ! cmp -s "$work/ours" "$work/theirs"; }; then
            echo "FAILED: $model $words: not what sotto-hq model predict prints"
            failed=$((failed + 1))
        fi
        compared=$((compared + 1))
    done
    if [ "$(cksum <"$work/ours")" != "$sum $bytes" ]; then
        echo "FAILED: $model: $(cksum <"$work/ours"), not $sum $bytes"
        failed=$((failed + 1))
    fi
done <"$golden/scores.txt"
echo "$compared outputs compared, $failed failed"
[ "$compared" -gt 0 ] && [ "$failed" = 0 ]
