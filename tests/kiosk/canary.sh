#!/bin/bash
# Invariant 1: a canary in a tag and in a customer number is nowhere in the files on disk, the logs, or the bytes sent.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
bank_open
number=CANARY7391
word=kanarienvogel

# The canaries: a customer number, and a short text in a tag made for it.
sed -i '0,/"tags": \[/s//"tags": [ { "number": 900, "id": "note", "name": "Note", "kind": "text", "facet": "fixed", "purpose": ["service", "marketing"] },/' \
    "$WORK/bank/dictionary.json"
bank_publish >/dev/null
awk -F, -v OFS=, -v n=$number -v w=$word '
    NR==1 { for (i = 1; i <= NF; i++) if ($i ~ /^consent_/) agreed[i]; print $0, "note"; next }
    NR==2 { $1 = n; for (i in agreed) $i = 1; print $0, w; next }
    { print $0, "" }' \
    "$WORK/bank/customers.csv" >"$WORK/bank/marked.csv"
mv "$WORK/bank/marked.csv" "$WORK/bank/customers.csv"
terminal_ready one

# What goes over the line is TLS, where nothing could be found. Inside it go the sealed bytes and nothing else that serve has: sync cannot
# get at more (test_wall.c), and serve's link hands out no more (test_api.c). So the sealed bytes are looked at here, and what head office keeps.
t one event --customer $number --kind card_in >/dev/null
t one decide --customer $number --explain --json >"$WORK/answer.json"
campaign=$(grep -o '"campaign":"[^"]*"' "$WORK/answer.json" | head -n 1 | cut -d'"' -f4)
t one event --customer $number --kind shown --campaign "$campaign" >/dev/null
expect 0 'counted for tonight' t one event --customer $number --kind taken --campaign "$campaign"
serve_stop
sed -i 's/"clock_offset_s": 0/"clock_offset_s": 86400/' "$WORK/one/sotto.json"
serve_start one
t one sync >/dev/null
curl -sS --unix-socket "$WORK/one/run/api/sotto.sock" 'http://localhost/v1/audit?bytes' |
    grep -o '"sealed":"[0-9a-f]*"' | cut -d'"' -f4 | tr a-f A-F | tr -d '\n' | basenc -d --base16 >"$WORK/sent.bin"
[ -s "$WORK/sent.bin" ] && ok || bad "no sealed bytes to look at"

hex() { printf %s "$1" | od -An -tx1 | tr -d ' \n'; }

# look WHERE FILE...: neither canary may be there, raw or as hexadecimal.
look() {
    local where=$1 needle
    shift
    for needle in $number $word "$(hex $number)" "$(hex $word)"; do
        if grep -aqri -- "$needle" "$@"; then bad "$needle is in $where"; else ok; fi
    done
}
look "the terminal's files while it runs" "$WORK/one"
serve_stop
look "the terminal's files at rest" "$WORK/one"
look "the logs" "$WORK/one/serve.log" "$WORK/hq.log"
look "the bytes sent" "$WORK/sent.bin"
look "head office's files" "$WORK/hq"

# The test of the test: it would have seen them.
if grep -aqri -- $word "$WORK/bank/customers.csv"; then ok; else bad "the canary was never there"; fi
grep -q "$campaign" "$WORK/answer.json" && ok || bad "no campaign was offered"
finish
