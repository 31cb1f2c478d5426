#!/bin/bash
# What docs/design.md promises of the code's shape: median function under 15 lines, none over 60 (tests neither), files at most 700 lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v ctags >/dev/null && ctags --version | grep -q Universal || { echo "skipped: no universal-ctags"; exit 77; }

# lines, name and file of each function below the given folders, the shortest first
lengths_in() {
    find "$@" -name '*.[ch]' -print0 | xargs -0 ctags --fields=+ne --c-kinds=f -o - |
        awk -F'\t' '{ l = e = 0; for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) l = substr($i, 6); if ($i ~ /^end:/) e = substr($i, 5) }
                      if (e) print e - l + 1, $1, $2 }' | sort -n
}

lengths=$(lengths_in src include firmware)
tests=$(lengths_in tests)
count=$(wc -l <<<"$lengths")
median=$(sed -n "$((count / 2 + 1))p" <<<"$lengths" | cut -d' ' -f1)
long=$(awk '$1 > 60' <<<"$lengths"$'\n'"$tests")
big=$(find src include -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 700')
echo "$count functions, median $median lines, longest $(tail -n 1 <<<"$lengths"); of tests the longest $(tail -n 1 <<<"$tests")"
failed=0
[ "$median" -lt 15 ] || { echo "FAIL the median function has $median lines"; failed=1; }
[ -z "$long" ] || { printf 'FAIL over 60 lines:\n%s\n' "$long"; failed=1; }
[ -z "$big" ] || { printf 'FAIL over 700 lines:\n%s\n' "$big"; failed=1; }
exit $failed
