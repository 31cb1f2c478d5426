#!/bin/bash
# A release that fails its health check: the one before stays or comes back, head office is told, and nothing is tried or fetched again
# and again. Usage: health.sh SOTTO SOTTO_HQ KIOSK_APP.
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"

# publish_wrong: the next release, its self-test of other numbers than its model gives; signed all the same.
publish_wrong() {
    local draft old new file
    draft=$(bank_publish --prepare --json | sed 's/.*"draft": *"\([^"]*\)".*/\1/')
    old=$(grep -o '"selftest.sotto":{"hashes":{"sha256":"[0-9a-f]*' "$draft" | grep -o '[0-9a-f]*$')
    file=$WORK/wrong.selftest
    cp "$WORK/hq/repo/targets/$old.selftest.sotto" "$file"
    printf '\377\377' | dd of="$file" bs=1 seek=$(($1)) conv=notrunc 2>/dev/null
    new=$(sha256sum "$file" | cut -d' ' -f1)
    cp "$file" "$WORK/hq/repo/targets/$new.selftest.sotto"
    sed -i "s/$old/$new/" "$draft"
    "$HQ" sign "$draft" --key "$WORK/hq/keys/targets.key" >/dev/null
    "$HQ" publish --dir "$WORK/hq" --finish >/dev/null
}
releases() { (cd "$WORK/one/release" && echo [0-9]*); }

bank_open
terminal_ready one
expect 0 '"release":1,"good":0,"failed":0,"why":"none"' curl -sS --unix-socket "$WORK/one/run/link/sotto.sock" http://localhost/v1/health

# ---- a file that the signed list names and somebody has removed: no release, and no verdict on it ----
serve_stop
for gone in selftest.sotto tasks.json; do
    mv "$WORK/one/release/1/$gone" "$WORK/gone"
    serve_start one
    expect 0 '"release":0,.*"failed":0,"why":"none"' curl -sS --unix-socket "$WORK/one/run/link/sotto.sock" http://localhost/v1/health
    serve_stop
    mv "$WORK/gone" "$WORK/one/release/1/$gone"
done
serve_start one
expect 0 '"release":1,.*"failed":0,"why":"none"' curl -sS --unix-socket "$WORK/one/run/link/sotto.sock" http://localhost/v1/health

# ---- other numbers here than where it was published ----
# The margin of the first row stands behind its keys, which stand behind 20 bytes.
features=$(od -An -tu4 -j16 -N4 "$WORK/one/release/1/selftest.sotto" | tr -d ' ')
publish_wrong $((20 + 4 * features + 2))
expect 5 'comes out differently\|margin' t one sync
expect 0 'release    1' t one status
expect 0 'failed     release 2: its self-test' t one status
expect 0 'release 2 is not used' t one doctor
expect 0 'release_failed' "$HQ" devices --dir "$WORK/hq"
expect 0 'offers' t one decide --json --customer "$(sed -n 3p "$WORK/bank/customers.csv" | cut -d, -f1)"
# The next night it is neither fetched nor tried, and is no failure; head office has been told once.
expect 0 '"release_changed":false,"release_accepted":false,"release_failed":true' t one sync --json
[ "$(grep -c 'release.failed' "$WORK/one/serve.log")" = 1 ] && ok || bad "tried again"
# Once: told again only when something is another, which the free disk of this machine may be.
told() { sed -n 's/.* release.health //p' "$WORK/hq.log"; }
told | grep -q 'release=1 good=0 failed=2 why=selftest .* disk_free_mib=[0-9]* waiting=0 clock_ahead_min=-*[0-9]' && ok || bad "head office was not told"
[ -z "$(told | uniq -d)" ] && ok || bad "head office was told the same twice"
expect 0 '"last_contact":"20.*"release":1,.*"findings":\[\],"health":{.*"failed":2,"why":"selftest".*"waiting":0' "$HQ" devices --dir "$WORK/hq" --json
expect 0 ' 1 < 2 ' "$HQ" devices --dir "$WORK/hq"
disk=$(told | sed -n 's/.*disk_free_mib=\([0-9]*\).*/\1/p' | tail -n 1)
((disk > 0 && (disk & (disk - 1)) == 0)) && ok || bad "the free disk is not told coarsely: $disk"
serve_stop
serve_start one
expect 0 'release    1' t one status

# ---- a good one follows; the bad one's files go ----
bank_publish >/dev/null
expect 0 'Release 3 fetched and verified, in use' t one sync
expect 0 '"failed":0,"why":"none"' t one status --json
[ "$(releases)" = '1 3' ] && ok || bad "releases kept: $(releases)"
expect 0 'with alarms' "$HQ" devices --dir "$WORK/hq"
! "$HQ" devices --dir "$WORK/hq" | grep -q release_failed && ok || bad "the alarm did not end"

# ---- accepted, and unfit when serve starts anew: back to the one before ----
{ cat "$WORK/bank/policy.json"; head -c 4000000 /dev/zero | tr '\0' ' '; } >"$WORK/large.json"
"$HQ" publish --dir "$WORK/hq" --model "$WORK/bank/model.sotto" --dictionary "$WORK/bank/dictionary.json" \
    --catalogue "$WORK/bank/catalogue.json" --policy "$WORK/large.json" --tasks "$WORK/bank/tasks.json" >/dev/null
expect 0 'Release 4 fetched and verified, in use' t one sync
serve_stop
sed -i 's/"require_walls"/"release_memory_kib": 16384, "require_walls"/' "$WORK/one/sotto.json"
serve_start one
expect 0 'release    3' t one status
expect 0 'failed     release 4: it needs more memory' t one status
grep -q 'release.fallback version=3 failed=4 why=memory' "$WORK/one/serve.log" && ok || bad "no word of the fallback"
expect 0 '"release_changed":false,"release_accepted":false,"release_failed":true' t one sync --json
expect 0 'release_failed' "$HQ" devices --dir "$WORK/hq"
[ "$(cat "$WORK/one/release/current") $(releases)" = '3 3 4' ] && ok || bad "current $(cat "$WORK/one/release/current"), kept $(releases)"
serve_stop
serve_start one # it goes to the good one at once
[ "$(grep -c 'release.unusable version=4' "$WORK/one/serve.log")" = 1 ] && ok || bad "tried again at the next start"
bank_publish >/dev/null
expect 0 'Release 5 fetched and verified, in use' t one sync
[ "$(releases)" = '3 5' ] && ok || bad "releases kept: $(releases)"
# Nothing older than what was accepted comes back by asking.
expect 0 'older than release 5' curl -sS --unix-socket "$WORK/one/run/link/sotto.sock" http://localhost/v1/release -d '{"version":3}'
# Another enrolment: head office knows nothing of how it does, until it is told again.
code=$("$HQ" enrol-code --dir "$WORK/hq" --device one 2>/dev/null)
expect 0 'one' t one enrol "$code"
expect 0 '"findings":\[{"check":"sync","text":"has not called since it was enrolled, 0 days ago".*"health":null' "$HQ" devices --dir "$WORK/hq" --json
expect 0 'acknowledged' t one sync
expect 0 '"findings":\[\],"health":{.*"release":5' "$HQ" devices --dir "$WORK/hq" --json
serve_stop
finish
