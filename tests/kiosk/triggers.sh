#!/bin/bash
# Triggers of three accounts of the PKDD'99 bank, day by day: the terminal's tags and rules beside arithmetic of our own over the raw file.
# triggers.sh BERKA_TRIGGERS TRANSACTIONS.xz
set -euo pipefail
program=$1 data=$2
if [ ! -e "$data" ] || ! command -v xz >/dev/null; then
    echo "skipped: no transactions, or no xz"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
accounts=(576 2378 704)
"$program" "$data" "${accounts[@]}" | sort >"$work/ours"

# A balance stands from the day it was told; money in counts on its day and the six that follow. In hellers, so nothing is rounded.
xz -dc "$data" | tr -d '"\r' | awk -F';' -v wanted="${accounts[*]}" '
    function day_of(y, m, d) { # days since 1970-01-01: a year begins in March, so the leap day is its last
        y -= m <= 2
        return 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1 - 719468
    }
    function hellers(text, part) { split(text, part, "."); return part[1] * 100 + substr(part[2] "00", 1, 2) }
    BEGIN { n = split(wanted, account, " "); for (i = 1; i <= n; i++) is_wanted[account[i]] = 1 }
    NR == 1 { next }
    { day = day_of(1900 + substr($3, 1, 2), substr($3, 3, 2) + 0, substr($3, 5, 2) + 0)
      name[day] = "19" substr($3, 1, 2) "-" substr($3, 3, 2) "-" substr($3, 5, 2)
      if (day > last) last = day }
    is_wanted[$2] {
        if (!($2 in first)) first[$2] = day
        balance[$2, day] = hellers($7)
        if ($4 == "PRIJEM") {
            paid[$2, day] += hellers($6)
            if (hellers($6) > most[$2, day]) most[$2, day] = hellers($6)
        }
    }
    END {
        for (i = 1; i <= n; i++) {
            a = account[i]
            for (d = first[a]; d <= last; d++) {
                if ((a, d) in balance) b = balance[a, d]
                sum = largest = 0
                for (k = d - 6; k <= d; k++) {
                    sum += paid[a, k]
                    if (most[a, k] > largest) largest = most[a, k]
                }
                if (!(d in name)) { print "no transaction of any account on day", d; exit }
                if (b < 1500000) print a "," name[d] ",balance_below_15000"
                if (sum > 2000000) print a "," name[d] ",paid_in_above_20000_in_7_days"
                if (largest > 2000000) print a "," name[d] ",deposit_above_20000_within_7_days"
            }
        }
    }' | sort >"$work/theirs"

diff "$work/ours" "$work/theirs" | head -n 20
cmp -s "$work/ours" "$work/theirs" || { echo "FAIL the terminal's triggers are not those of the arithmetic"; exit 1; }
for trigger in balance_below_15000 paid_in_above_20000_in_7_days deposit_above_20000_within_7_days; do
    fired=$(grep -c "$trigger" "$work/ours" || true)
    echo "$trigger: $fired days"
    [ "$fired" -gt 0 ] || { echo "FAIL it never fired"; exit 1; }
done
# Money paid in piece by piece is not one large deposit.
[ "$(grep -c paid_in "$work/ours")" -gt "$(grep -c deposit_above "$work/ours")" ] || { echo "FAIL the two do not differ here"; exit 1; }
