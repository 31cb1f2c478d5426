#!/bin/bash
# The terminal's program against a small head office, as an operator would meet it: a day, and what bad input gets.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
bank_open
customer=$(sed -n 2p "$WORK/bank/customers.csv" | cut -d, -f1)

# ---- an office that nobody has reported to: every figure says so, and none is an error ----
"$HQ" init --dir "$WORK/quiet" --name "Quiet Bank" --host 127.0.0.1 >/dev/null
"$HQ" publish --dir "$WORK/quiet" --model "$WORK/bank/model.sotto" --dictionary "$WORK/bank/dictionary.json" --catalogue "$WORK/bank/catalogue.json" \
    --policy "$WORK/bank/policy.json" --tasks "$TOP/docs/examples/bank/tasks.json" >/dev/null
for command in totals funnel lift drift; do
    expect 0 'No reports yet; terminals enrolled: 0' "$HQ" "$command" --dir "$WORK/quiet"
    expect 0 '^{' "$HQ" "$command" --dir "$WORK/quiet" --json
done

# ---- before anything is there ----
terminal_make one
expect 2 'no command' "$SOTTO" dance
# Every page of help fits a terminal of 100 columns.
while read -r words; do
    # shellcheck disable=SC2086 # nothing, or a command
    expect 0 '^$' echo "$("$SOTTO" $words --help | awk 'length($0) > 100 { print; exit }')"
done < <(echo && "$SOTTO" --help | awk '/^  [a-z]/ { print $1 }')
expect 4 'nowhere.json' "$SOTTO" --config "$WORK/nowhere.json" status
expect 4 'root.key' t one status
expect 0 'encrypted store' t one init
expect 4 'made already' t one init
# What a power cut in the middle of init leaves is completed; a store never gets another key than its own.
rm -r "$WORK/one/store/tuf"
expect 0 'encrypted store' t one init
rm -r "$WORK/one/store"
expect 0 'encrypted store' t one init
mv "$WORK/one/vault/root.key" "$WORK/key"
expect 4 'its key is gone' t one init
mv "$WORK/key" "$WORK/one/vault/root.key"
expect 4 'made already' t one init
expect 4 'start it first' t one enrol 0000-0000-0000-0000
expect 4 'not enrolled' t one sync
expect 4 'not enrolled' t one sync --within 60 --until-done # no waiting helps
expect 2 'at most 86400' t one sync --within 86401
expect 2 'at most 86400' t one sync --within
expect 4 'no release' t one import "$WORK/bank/customers.csv"
expect 0 'Show nothing' t one decide --customer "$customer"

# ---- enrolment ----
serve_start one
expect 5 '' t one enrol 0000-0000-0000-0000
code=$(code_for one)
expect 0 'Enrolled as one' t one enrol "$code"
expect 5 '' t one enrol "$code"
# A code for another device: this terminal stays the one that it is, certificate and all.
before=$(sha256sum "$WORK/one/sync/device.pem")
expect 9 'enrolled as one already' t one enrol "$(code_for two)"
[ "$before" = "$(sha256sum "$WORK/one/sync/device.pem")" ] && ok || bad "a second enrolment took the certificate away"
expect 0 'Release 1' t one sync
expect 7 'another process' t one serve
expect 7 'in use by process [0-9]*: stop sotto serve first' t one import "$WORK/bank/customers.csv"
serve_stop
# Without serve a night says so once: a release would come all the same. Also where a socket lies there that nobody answers.
for socket in gone stale; do
    if [ "$socket" = stale ]; then
        serve_start one
        kill -KILL "$SERVE_PID"
        wait "$SERVE_PID" || true
        test -S "$WORK/one/run/link/sotto.sock" && ok || bad "no socket was left behind"
    fi
    expect 4 'sotto serve does not answer: start it first' t one sync
    expect 0 '^1$' bash -c "'$SOTTO' --config '$WORK/one/sotto.json' sync 2>&1 >/dev/null | wc -l"
    expect 0 '^Release 1 is the newest.$' bash -c "'$SOTTO' --config '$WORK/one/sotto.json' sync 2>/dev/null || true"
    expect 4 'serve does not answer: start it first' t one sync --again
    expect 4 'serve does not answer: start it first' t one enrol 0000-0000-0000-0000
done
rm "$WORK"/one/run/{api,link}/sotto.sock # so that the next start is waited for

# ---- import: whole files or nothing ----
csv=$WORK/bank/customers.csv
bad_csv() { awk -F, -v OFS=, "$1" "$csv" >"$WORK/bad.csv"; }
bad_csv 'NR==1{$1="number"}{print}';         expect 4 "bad.csv:1: column 1" t one import "$WORK/bad.csv"
bad_csv 'NR==1{$2="not_a_tag"}{print}';      expect 4 'bad.csv:1: .*not_a_tag' t one import "$WORK/bad.csv"
bad_csv 'NR==7{$2="\377\376"}{print}';       expect 3 ':7' t one import "$WORK/bad.csv"
bad_csv 'NR==200{print $1;next}{print}';     expect 3 ':200' t one import "$WORK/bad.csv"
bad_csv 'NR==200{$1=""}{print}';             expect 3 ':200' t one import "$WORK/bad.csv"
expect 4 'missing.csv' t one import "$WORK/missing.csv"
expect 0 'customers  0' t one status
expect 0 'Imported 400' t one import "$csv"
expect 0 'before' t one import "$csv"
expect 0 '{"customers":0,"repeated":true}' t one import --json "$csv"
expect 2 'one CSV file' t one import "$csv" "$csv"
expect 0 'customers  400' t one status

# ---- wrong keys ----
cp "$WORK/one/vault/root.key" "$WORK/key"
rm "$WORK/one/vault/root.key"
expect 4 'root.key' t one status
printf '%064d\n' 0 >"$WORK/one/vault/root.key"
chmod 600 "$WORK/one/vault/root.key"
expect 3 '' t one status
cp "$WORK/key" "$WORK/one/vault/root.key"
chmod 644 "$WORK/one/vault/root.key"
expect 5 '' t one status
chmod 600 "$WORK/one/vault/root.key"
terminal_make other
t other init >/dev/null
cp "$WORK/other/vault/root.key" "$WORK/one/vault/root.key"
before=$(sha256sum "$WORK/one/store/sotto.db")
expect 5 '' t one status
[ "$before" = "$(sha256sum "$WORK/one/store/sotto.db")" ] && ok || bad "a wrong key changed the store"
cp "$WORK/key" "$WORK/one/vault/root.key"
head -c 100 /dev/urandom >"$WORK/other/store/sotto.db"
expect 3 'cut off' t other status
head -c 40960 /dev/urandom >"$WORK/other/store/sotto.db"
expect 5 '' t other status

# ---- the day ----
serve_start one
api() { curl -sS --unix-socket "$WORK/one/run/api/sotto.sock" "http://localhost$1" "${@:2}"; }
expect 0 '"decision"' api /v1/decide -d "{\"customer\":\"$customer\",\"explain\":true}"
expect 0 'misspelt\|custmer' api /v1/decide -d '{"custmer":"1"}'
expect 0 '"known":false' api /v1/decide -d '{"customer":"nobody"}'
expect 3 'offers.*(.*range' t one decide --customer "$customer" --offers 99
expect 3 '"decision"' bash -c "printf '{\"offers\":0}\n{}\n' | '$SOTTO' --config '$WORK/one/sotto.json' decide -"
expect 2 'config needs a value' "$SOTTO" --config
expect 2 'a word too many (not repeated here: it may be a customer number): .*--customer NUMBER' t one decide 10017
expect 2 '--customer: unknown option' t one status --customer "$customer"
expect 2 '--kind: unknown option' t one decide --customer "$customer" --kind shown
expect 2 '--customer: unknown option, or one without' t one decide --customer
expect 2 '--customer: is given twice' t one decide --customer "$customer" --customer="$customer"
expect 2 '--json: is given twice' t one status --json --json
expect 2 '--customer: unknown option, or one without' t one decide --customer --json
expect 2 '--bogus: export takes a file' t one audit export --bogus
expect 2 '--bogus: takes a one-time code' t one enrol --bogus
expect 2 '--slotted: unknown' t one event --slotted=idle
expect 2 '--dir is given twice' "$HQ" devices --dir "$WORK/hq" --dir "$WORK/hq"
expect 2 '--json is given twice' "$HQ" devices --json --dir "$WORK/hq" --json
expect 2 '--label is given twice' "$HQ" train --label a --label b
expect 2 'too long' t one decide --customer "$(printf '%05000d' 1)"
expect 4 'unknown customer' t one event --customer nobody --kind card_in
expect 0 'Recorded' t one event --customer "$customer" --kind card_in
expect 3 '31 days' t one event --customer "$customer" --kind card_in --at 1970-01-01T00:00:00Z
expect 4 'no campaign' t one event --customer "$customer" --kind shown --campaign nothing
expect 0 '"arrivals"' bash -c "'$APP' '$WORK/one/run/api/sotto.sock' '$WORK/bank/arrivals.csv' '$WORK/truth.json' 1 >/dev/null && cat '$WORK/truth.json'"
expect 0 'Erased' t one forget --customer "$customer"
expect 4 'unknown customer' t one forget --customer "$customer"
expect 0 'Begins in [01] s' t one sync --within=2
expect 0 '0 reports acknowledged' t one sync
expect 0 'Nothing has left' t one audit
expect 0 '' t one doctor
serve_stop

# ---- the night after: one report, once, and nobody else's server ----
sed -i 's/"clock_offset_s": 0/"clock_offset_s": 86400/' "$WORK/one/sotto.json"
serve_start one
cp "$WORK/one/authority.pem" "$WORK/good.pem"
"$HQ" init --dir "$WORK/rogue" --name Rogue --host 127.0.0.1 >/dev/null
cp "$WORK/rogue/authority/ca.pem" "$WORK/one/authority.pem"
expect 5 '' t one sync
cp "$WORK/good.pem" "$WORK/one/authority.pem"
kill "$HQ_PID"; wait "$HQ_PID" || true
expect 8 '' t one sync
hq_start
expect 0 '1 report acknowledged' t one sync
expect 0 '0 reports acknowledged' t one sync
expect 0 'Report 1' t one audit
[ "$(grep -c 'report.accepted.*repeated=false' "$WORK/hq.log")" = 1 ] && ok || bad "not exactly one report counted"
serve_stop

# ---- an evil release folder: serve believes nothing ----
release=$(ls -d "$WORK"/one/release/[0-9]*)
for file in model.sotto dictionary.json catalogue.json policy.json tasks.json; do
    cp "$release/$file" "$WORK/file"
    printf 'x' | dd of="$release/$file" bs=1 seek=20 conv=notrunc 2>/dev/null
    expect 0 'release    0' t one status
    cp "$WORK/file" "$release/$file"
done
# A pipe in a file's place: whoever waited for its writer would wait for ever.
mv "$release/policy.json" "$WORK/file"
mkfifo "$release/policy.json"
expect 0 'release    0' timeout 10 "$SOTTO" --config "$WORK/one/sotto.json" status
rm "$release/policy.json"
mv "$WORK/file" "$release/policy.json"
expect 0 'release    1' t one status

# ---- an old release in a new one's place: genuine, but not again ----
bank_publish >/dev/null
serve_start one
expect 0 'Release 2' t one sync
serve_stop
printf 'x' >>"$WORK/one/release/2/model.sotto"
serve_start one
expect 0 'release    0' t one status
link() { curl -sS --unix-socket "$WORK/one/run/link/sotto.sock" "http://localhost$1" "${@:2}"; }
expect 0 'older than release 2' link /v1/release -d '{"version":1}'
expect 0 'release    0' t one status
serve_stop

# ---- a release folder that is lost is fetched again; serve takes what it had ----
rm -r "$WORK/one/release"
mkdir "$WORK/one/release"
serve_start one
expect 0 'Release 2 fetched' t one sync
expect 0 'release    2' t one status
serve_stop

# ---- a store that is lost is not made again under the same key: the budgets stood in it ----
mv "$WORK/one/store" "$WORK/lost"
expect 4 'store is gone' t one init
expect 4 '' t one status

# ---- a clock that is twelve years ahead carries nothing with it ----
terminal_ready three
expect 0 'serve  *running' t three doctor
expect 0 'told by head office' t three doctor
for check in clock disk certificate release sync outbox budget; do
    expect 0 "^ok  *$check " t three doctor
    expect 0 "\"check\":\"$check\",\"verdict\":\"ok\"" t three doctor --json
done
expect 0 '^SOTTO OK - all is well .*| waiting=0 nothing_left=0$' t three doctor --monitor
expect 2 'takes --json or --monitor' t three doctor --monitor --json
facts=$(t three status --json)
for fact in '"told":"' '"machine_ahead_s":' '"free_bytes":[1-9]' '"release":[1-9]' '"last_acknowledged":' '"waiting":0' '"charged":0,"nothing_left":0' \
    '"night":null' '"certificate":{"damaged":false,"not_after":"20'; do
    grep -q "$fact" <<<"$facts" && ok || bad "status --json has no $fact: $facts"
done
serve_stop
expect 2 '^SOTTO CRITICAL - serve: does not answer' t three doctor --monitor
expect 1 'unseen  *budget  *only serve knows' t three doctor
sed -i 's/"clock_offset_s": 0/"clock_offset_s": 400000000/' "$WORK/three/sotto.json"
expect 0 'Recorded' t three event --customer "$customer" --kind card_in
serve_start three
expect 0 'days ahead of what is known' t three doctor
serve_stop
sed -i 's/"clock_offset_s": 400000000/"clock_offset_s": 0/' "$WORK/three/sotto.json"
serve_start three
expect 0 'told by head office' t three doctor
serve_stop

# ---- and what doctor says of a terminal that nobody has heard of for ten days, nine months, and fourteen ----
terminal_ready five
expect 0 'ok  *sync  *head office was last heard 0 hours ago' t five doctor
serve_stop
for days in 10 270 420; do
    sed -i "s/\"clock_offset_s\": [0-9]*/\"clock_offset_s\": $((days * 86400))/" "$WORK/five/sotto.json"
    case $days in # without serve, which would not follow so far, it goes by the machine's clock
    10)
        serve_start five
        expect 0 'warn  *sync  *head office was last heard 10 days ago' t five doctor
        expect 1 '^SOTTO WARNING - .*head office was last heard 10 days ago' t five doctor --monitor
        serve_stop
        ;;
    270) expect 1 'warn  *certificate .*renewal is overdue' t five doctor ;;
    420) expect 1 'for 90 days after its end' t five doctor ;;
    esac
done

# ---- a day behind UTC: what was agreed to for a day holds to the end of the terminal's own day, also for counting ----
sed -i 's/"name": "Agrees to be counted", "kind": "flag",/& "ttl_days": 1,/' "$WORK/bank/dictionary.json"
bank_publish >/dev/null
agreed=$(awk -F, 'NR==1 { for (i = 1; i <= NF; i++) if ($i == "consent_measurement") c = i; next } $c == 1 { print $1; exit }' "$csv")
UTC_OFFSET_MIN=-1440 terminal_ready west
expect 0 'counted for tonight' t west event --customer "$agreed" --kind shown --campaign saver
serve_stop
finish
