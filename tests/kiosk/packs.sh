#!/bin/bash
# Tags from head office: made for one terminal, fetched at night, applied whole, built upon, refused by any other. Also from a file.
# Arguments: SOTTO SOTTO_HQ KIOSK_APP.
# shellcheck source-path=SCRIPTDIR source=bank.sh
source "$(dirname "${BASH_SOURCE[0]}")/bank.sh"

pack() { "$HQ" pack "$@"; }
make() { local name=$1; shift; pack make --dir "$WORK/hq" --device "$name" --from "$WORK/tags.csv" "$@"; }
customers() { t "$1" status --json | sed 's/.*"customers":\([0-9]*\).*/\1/'; }
is() { if [ "$1" = "$2" ]; then ok; else bad "$3: $1, not $2"; fi; }
at_night() { t "$1" sync --json >"$WORK/night.json" 2>>"$WORK/night.err"; }
packed() { sed 's/.*"pack":\([0-9]*\).*/\1/' "$WORK/night.json"; }

bank_open
for name in branch-a branch-b; do
    terminal_make "$name"
    t "$name" init >/dev/null
    serve_start "$name"
    t "$name" enrol "$(code_for "$name")" >/dev/null
done
cp "$WORK/bank/customers.csv" "$WORK/tags.csv"
ALL=$(($(wc -l <"$WORK/tags.csv") - 1))
FIRST=$(sed -n 2p "$WORK/tags.csv" | cut -d, -f1) SECOND=$(sed -n 3p "$WORK/tags.csv" | cut -d, -f1)

# Nobody can make a pack for a terminal that has not said to which key; the first night says it.
expect 4 "has not said yet" make branch-a
expect 4 "not found" make nobody
at_night branch-a
is "$(packed)" 0 "a night without a pack"
expect 0 "all $ALL customers" make branch-a -o "$WORK/a1.pack"
expect 0 "Pack 1 for branch-a" pack show "$WORK/a1.pack"
expect 0 '; 1 chunk, sealed' pack show "$WORK/a1.pack"

# Sealed: not a customer number in it, nor on the way, nor a pack in the open on the terminal.
if grep -aqF "$FIRST" "$WORK/a1.pack"; then bad "the pack shows a customer number"; else ok; fi
at_night branch-a
is "$(packed)" 1 "the pack at night"
is "$(customers branch-a)" "$ALL" "customers after pack 1"
is "$(find "$WORK/branch-a/release/packs" -name '*.pack' | wc -l)" 0 "packs left on the disk"
if grep -rqaF "$FIRST" "$WORK/branch-a/release" "$WORK/branch-a/sync" "$WORK/branch-a/store" "$WORK/branch-a/serve.log" "$WORK/hq.log"; then
    bad "a customer number stands in the open"
else ok; fi
expect 0 '"pack":{"made":1,"held":1' "$HQ" devices --dir "$WORK/hq" --json
at_night branch-a
is "$(packed)" 0 "an applied pack is not sent again"

# What has changed, and who has gone.
expect 0 "Nothing has changed since pack 1" make branch-a
sed -i "/^$FIRST,/d" "$WORK/tags.csv"
expect 0 "0 customers set and 1 forgotten since pack 1" make branch-a -o "$WORK/a2.pack"
at_night branch-a
is "$(customers branch-a)" $((ALL - 1)) "customers after a deletion"
expect 4 "unknown customer" t branch-a forget --customer "$FIRST"

# The other terminal takes nothing that is not its own; its own numbers.
at_night branch-b
expect 0 "Pack 1 for branch-b" make branch-b -o "$WORK/b1.pack"
serve_stop
expect 5 "is for branch-a" t branch-b import --pack "$WORK/a1.pack"
is "$(customers branch-b)" 0 "customers after another's pack"
expect 0 "Tag pack 1 applied: $((ALL - 1)) customers set" t branch-b import --pack "$WORK/b1.pack"
expect 0 "was applied before" t branch-b import --pack "$WORK/b1.pack"
is "$(customers branch-b)" $((ALL - 1)) "customers from a file"
t branch-b pack >"$WORK/b.json"
expect 0 "branch-b holds pack 1" pack accept --dir "$WORK/hq" --from "$WORK/b.json"

# Back, on a wrong base, cut: refused, and nothing is changed.
sed -i "/^$SECOND,/d" "$WORK/tags.csv"
expect 0 "1 forgotten since pack 1" make branch-b -o "$WORK/b2.pack"
expect 0 "1 forgotten" t branch-b import --pack "$WORK/b2.pack"
expect 5 "was applied already" t branch-b import --pack "$WORK/b1.pack"
expect 0 "since pack 1" make branch-b -o "$WORK/b3.pack"
expect 9 "must make a full one" t branch-b import --pack "$WORK/b3.pack"
is "$(customers branch-b)" $((ALL - 2)) "customers after refusals"

# A full pack is the whole list: who is not in it goes.
sed -i 4,20d "$WORK/tags.csv"
t branch-b pack >"$WORK/b.json"
pack accept --dir "$WORK/hq" --from "$WORK/b.json" >/dev/null
expect 0 "all $((ALL - 19)) customers" make branch-b --full -o "$WORK/b4.pack"
head -c 60000 "$WORK/b4.pack" >"$WORK/cut.pack"
expect 3 "ends too early" t branch-b import --pack "$WORK/cut.pack"
is "$(customers branch-b)" $((ALL - 2)) "customers after a cut file"
expect 0 "17 forgotten" t branch-b import --pack "$WORK/b4.pack"
is "$(customers branch-b)" $((ALL - 19)) "customers after a full pack"

# A customer who takes consent back keeps no tag that needs it; a bad table is named by its line.
serve_start branch-b
printf 'customer,age\n1,notanumber\n' >"$WORK/bad.csv"
expect 3 "bad.csv:2" pack make --dir "$WORK/hq" --device branch-b --from "$WORK/bad.csv"
printf 'customer,no_such_tag\n1,2\n' >"$WORK/bad.csv"
expect 4 "no_such_tag" pack make --dir "$WORK/hq" --device branch-b --from "$WORK/bad.csv"
expect 2 "make, show or accept" pack
expect 0 "usage: sotto-hq pack make" pack --help
finish
