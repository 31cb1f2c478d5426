#!/bin/bash
# The command line: help for every command, exit codes, messages that say what to do. Arguments: SOTTO_HQ.
set -euo pipefail
# shellcheck source=tests/hq/expect.sh
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
HQ=$1
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
expect 2 'usage' "$HQ"
expect 0 'Exit codes' "$HQ" --help
expect 0 'sotto-hq [0-9]' "$HQ" --version
expect 2 'no command' "$HQ" dance
# Every page of help fits a terminal of 100 columns.
COMMANDS=$("$HQ" --help | awk '/^  [a-z]/ { print $1 }')
expect 0 '^[23][0-9]$' echo "$(wc -l <<<"$COMMANDS")"
while read -r words; do
    # shellcheck disable=SC2086 # words of a command line
    wide=$("$HQ" $words --help | awk 'length($0) > 100 { print; exit }')
    expect 0 '^$' echo "$wide"
    expect 0 'sotto-hq' "$HQ" ${words:+$words} --help
done < <(
    echo
    echo "$COMMANDS"
    "$HQ" model --help | sed -n 's/^  sotto-hq \(model [a-z-]*\).*/\1/p' | sort -u
    printf 'evaluate %s\n' predictions uplift policy
    printf 'recommend %s\n' train predict evaluate
)
# One column of summaries, and an example for each form of the commands that have many.
expect 0 '^1$' echo "$("$HQ" --help | awk 'match($0, /^  [a-z-]+ +/) { seen[RLENGTH] } END { for (at in seen) n++; print n }')"
for form in list add rotate threshold renew add-role; do expect 0 "^  sotto-hq keys $form --dir /srv" "$HQ" keys --help; done
for form in init pair task forward status collect '--role helper' '--role leader'; do
    expect 0 "^  sotto-hq aggregate $form --dir /srv" "$HQ" aggregate --help
done
expect 2 'unknown option' "$HQ" --loud init
for command in init publish enrol-code serve totals funnel lift drift budgets devices certificate revoke; do
    expect 0 "sotto-hq $command --dir /srv" "$HQ" "$command" --help
    expect 2 'dir is missing' "$HQ" "$command"
    expect 2 'needs a value' "$HQ" "$command" --dir
    expect 2 'not known here' "$HQ" "$command" --dir "$WORK/hq" --colour
done
for command in totals funnel lift drift budgets devices; do expect 4 'sotto-hq init' "$HQ" "$command" --dir "$WORK/hq"; done
expect 4 'sotto-hq init' "$HQ" enrol-code --dir "$WORK/hq" --device a
expect 2 'device is missing' "$HQ" enrol-code --dir "$WORK/hq"
expect 0 'ca.pem' "$HQ" init --dir "$WORK/hq" --name 'Example Bank' --host hq.example.org --host 10.1.2.3
expect 4 'nothing was changed' "$HQ" init --dir "$WORK/hq"
expect 0 '"hosts":\["127.0.0.1","localhost"\]' "$HQ" init --dir "$WORK/second" --json
expect 3 '' "$HQ" init --dir "$WORK/third" --host 'not a name'
expect 4 'nothing was published' "$HQ" totals --dir "$WORK/hq"
expect 0 'everything. Not used up within ten years' "$HQ" plan-task --tasks "$(dirname "$0")/../../docs/examples/bank/tasks.json" --terminals 40
expect 0 '"spent_within_a_year":false' "$HQ" plan-task --tasks "$(dirname "$0")/../../docs/examples/bank/tasks.json" --json
expect 0 'live-model (3)' "$HQ" plan-task --tasks "$(dirname "$0")/../../docs/examples/bank/tasks.json" --terminals 40
expect 0 'Warning: that is a life.s budget in less than a year' "$HQ" plan-task --tasks "$(dirname "$0")/../kiosk/tasks.json"
expect 0 '"spent_within_a_year":true' "$HQ" plan-task --tasks "$(dirname "$0")/../kiosk/tasks.json" --json
expect 2 'tasks is missing' "$HQ" plan-task
expect 2 '--role is leader or helper' "$HQ" aggregate --role bogus --dir "$WORK/nowhere"
expect 4 '' "$HQ" plan-task --tasks "$WORK/none.json"
expect 4 'nothing was published' "$HQ" publish --dir "$WORK/hq" --refresh
expect 2 'or --refresh' "$HQ" publish --dir "$WORK/hq" --model x
expect 2 'takes no files' "$HQ" publish --dir "$WORK/hq" --refresh --model x
expect 2 'whole number' "$HQ" publish --dir "$WORK/hq" --refresh --days 0
expect 0 '^[0-9A-Z]\{4\}-[0-9A-Z]\{4\}-[0-9A-Z]\{4\}-[0-9A-Z]\{4\}$' "$HQ" enrol-code --dir "$WORK/hq" --device atm-1
expect 0 '"expires"' "$HQ" enrol-code --dir "$WORK/hq" --device=atm-2 --valid-hours=1 --json
expect 2 'id has 1 to 64' "$HQ" enrol-code --dir "$WORK/hq" --device 'a b'
expect 2 'whole number' "$HQ" enrol-code --dir "$WORK/hq" --device a --valid-hours never
expect 0 '2 devices, 0 enrolled' "$HQ" devices --dir "$WORK/hq"
expect 0 'invited  *-  *-  *-  *-  *-  *-  *-  *-$' "$HQ" devices --dir "$WORK/hq"
expect 0 '"state":"invited"' "$HQ" devices --dir "$WORK/hq" --json
expect 0 '^{"devices":\[{"device":"atm-1",.*"health":null},{"device":"atm-2",.*"health":null}\],"office":\[.*doctor there"}$' "$HQ" devices --dir "$WORK/hq" --json
expect 0 'state: waits for its code' "$HQ" devices --dir "$WORK/hq"
expect 0 '"check":"state","text":"waits for its code","remedy":"sotto enrol CODE' "$HQ" devices --dir "$WORK/hq" --json
expect 0 'Budgets stay on the terminals' "$HQ" devices --dir "$WORK/hq"
expect 4 'atm-9' "$HQ" revoke --dir "$WORK/hq" --device atm-9
expect 0 'is revoked' "$HQ" revoke --dir "$WORK/hq" --device atm-1
expect 0 'revoked' "$HQ" revoke --dir "$WORK/hq" --device atm-1 --json
expect 0 'sotto-hq keys add --dir /srv' "$HQ" keys --help
expect 0 'sotto-hq sign 8' "$HQ" sign --help
expect 2 'needs list' "$HQ" keys
expect 2 'dir is missing' "$HQ" keys list
expect 4 'there is no head office here' "$HQ" keys list --dir "$WORK"
expect 4 'there is no head office here' "$HQ" publish --refresh --dir "$WORK/none"
expect 1 '' test -e "$WORK/publish.lock"
expect 2 'whole number of seconds' "$HQ" --clock-offset tomorrow keys list --dir "$WORK/hq"
expect 0 'elsewhere\|here' "$HQ" keys list --dir "$WORK/hq"
expect 2 'role is root' "$HQ" keys rotate --dir "$WORK/hq"
expect 3 'would need 2 signatures of 1' "$HQ" keys threshold --dir "$WORK/hq" --role root --threshold 2
expect 0 'is published' "$HQ" keys rotate --dir "$WORK/hq" --role timestamp
expect 0 '"root":2' "$HQ" keys list --dir "$WORK/hq" --json
expect 4 'nothing is prepared' "$HQ" publish --dir "$WORK/hq" --finish
expect 2 'one of' "$HQ" publish --dir "$WORK/hq" --finish --refresh
expect 2 'payload alone' "$HQ" sign "$WORK/hq/repo/1.root.json"
expect 0 'Signed by' "$HQ" sign "$WORK/hq/repo/2.root.json" --key "$WORK/hq/keys/root.key"
expect 5 'none of those that sign root' "$HQ" sign "$WORK/hq/repo/2.root.json" --key "$WORK/hq/keys/targets.key"
cp "$WORK/hq/repo/2.root.json" "$WORK/carried.json"
expect 5 'nothing was signed' "$HQ" sign "$WORK/carried.json" --key "$WORK/hq/keys/targets.key" --root "$WORK/hq/repo/2.root.json"
expect 0 'is not known here' "$HQ" sign "$WORK/carried.json" --key "$WORK/hq/keys/targets.key"
expect 2 'needs --host' "$HQ" certificate --dir "$WORK/hq"
expect 0 'SIGHUP' "$HQ" certificate --dir "$WORK/hq" --host hq.example.org --host 10.1.2.3 --days 30
expect 0 '^! server certificate of this office ends on .*sotto-hq certificate' "$HQ" devices --dir "$WORK/hq"
expect 0 '"what":"server certificate","until":"[^"]*","near":true' "$HQ" devices --dir "$WORK/hq" --json
expect 0 '"certificate_until"' "$HQ" certificate --dir "$WORK/hq" --host 10.1.2.3 --json
expect 0 '"what":"server certificate","until":"[^"]*","near":false' "$HQ" devices --dir "$WORK/hq" --json
if command -v openssl >/dev/null; then
    expect 0 'OK' openssl verify -verify_ip 10.1.2.3 -purpose sslserver -CAfile "$WORK/hq/authority/ca.pem" "$WORK/hq/authority/server.pem"
fi
# What cannot be read is near, and said: alone, and together with the rest.
damaged() { # FILE WHAT: FILE is lost, then garbage
    local kept=$WORK/kept
    mv "$WORK/hq/$1" "$kept"
    for what in none garbage; do
        [ $what = none ] || echo garbage >"$WORK/hq/$1"
        [ "$1:$what" = repo/timestamp.json:none ] && continue # no release yet
        expect 0 "^! $2 of this office cannot be read: " "$HQ" devices --dir "$WORK/hq"
        expect 0 "\"office\":.*\"what\":\"$2\",\"until\":null,\"near\":true,\"remedy\":\"[^\"]" "$HQ" devices --dir "$WORK/hq" --json
    done
    mv "$kept" "$WORK/hq/$1"
}
expect 1 '' grep -q 'cannot be read' <("$HQ" devices --dir "$WORK/hq")
damaged authority/server.pem 'server certificate'
damaged authority/ca.pem 'device authority'
touch "$WORK/hq/repo/timestamp.json"
damaged repo/timestamp.json repository
rm "$WORK/hq/repo/timestamp.json"
expect 1 '' grep -q 'time certificate' <("$HQ" devices --dir "$WORK/hq")
touch "$WORK/hq/authority/time.key" "$WORK/hq/authority/time.pem"
damaged authority/time.pem 'time certificate'
rm "$WORK/hq/authority/time.key" "$WORK/hq/authority/time.pem"
# No option is a value, and no command reads its words in another way.
expect 2 'dir needs a value' "$HQ" init --dir --dir
expect 1 '' test -e "$WORK/--dir"
expect 2 'is missing' "$HQ" audit verify
expect 2 'takes: verify' "$HQ" audit
expect 2 'not known here' "$HQ" audit verify --colour
expect 2 'sotto-hq audit --help' "$HQ" audit verify a b
expect 4 'none.json' "$HQ" audit verify --json "$WORK/none.json"
expect 2 'not known here' "$HQ" pack show --colour
expect 2 'is missing' "$HQ" pack show
expect 2 'sotto-hq pack --help' "$HQ" pack show a b
expect 4 'none.pack' "$HQ" pack show "$WORK/none.pack"
expect 2 'one FILE' "$HQ" sign "$WORK/carried.json" --file "$WORK/carried.json" --payload
expect 2 'FILE is missing' "$HQ" sign --payload
expect 0 'signed\|_type' "$HQ" sign --payload "$WORK/carried.json"
expect 0 '_type' "$HQ" sign --payload --file "$WORK/carried.json"
for word in --new-key --days=9 --sign-command=true; do
    expect 2 'for a new certificate' "$HQ" certificate --dir "$WORK/hq" --from "$WORK/none.pem" "$word"
done
expect 2 'confidence' "$HQ" totals --dir "$WORK/hq" --confidence 20
chmod 644 "$WORK/hq/authority/ca.key"
expect 5 'ca.key' "$HQ" serve --dir "$WORK/hq" --listen 127.0.0.1:0 --enrol-listen 127.0.0.1:0
finish
