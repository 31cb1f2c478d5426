#!/usr/bin/env bash
# What head office does to itself while terminals go on: it is backed up while it serves, lost and put back from an older copy;
# its device authority is replaced by another; keys are changed and a stolen one shut out.
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "$0")/bank.sh"
command -v openssl >/dev/null || { echo "skipped: needs openssl"; exit 77; }
hq_stop() { kill "$HQ_PID"; wait "$HQ_PID" 2>/dev/null || true; }
hq_hup() {
    local before
    before=$(grep -c 'serve.reload done=true' "$WORK/hq.log" || true)
    kill -HUP "$HQ_PID"
    # shellcheck disable=SC2016 # expanded by the shell that is started
    wait_for 40 bash -c '[ "$(grep -c "serve.reload done=true" "$0")" -gt "$1" ]' "$WORK/hq.log" "$before"
}
device() { "$HQ" devices --dir "$WORK/hq" --json | tr '{' '\n' | grep -A8 "\"device\":\"$1\""; }
reports() { device "$1" | sed -n 's/.*"reports":\([0-9]*\).*/\1/p' | head -1; }
same() { if [ "$1" = "$2" ]; then ok; else bad "$3: $1, wanted $2"; fi; }
day=0
# next_night NAME: a day later the period has ended, so the next sync seals a report and sends it.
next_night() {
    day=$((day + 1))
    serve_stop
    sed -i "s/\"clock_offset_s\": [0-9]*/\"clock_offset_s\": $((day * 86400))/" "$WORK/$1/sotto.json"
    serve_start "$1"
}


# ---- backed up while it serves, lost, and put back from a copy that is older than what the terminals have seen ----
bank_open
terminal_ready one
next_night one
expect 0 '^1 report' t one sync
expect 0 'private keys among them and the registry' "$HQ" backup --dir "$WORK/hq" --to "$WORK/copy"
expect 4 'already' "$HQ" backup --dir "$WORK/hq" --to "$WORK/copy"
expect 2 'lies in the folder' "$HQ" backup --dir "$WORK/hq" --to "$WORK/hq/copy"
same "$(stat -c %a "$WORK/copy/registry.db" "$WORK/copy/authority/ca.key" | tr '\n' ,)" 600,600, "modes of the copy"
if diff -r "$WORK/hq/repo" "$WORK/copy/repo" >/dev/null; then ok; else bad "the copy of the repository differs"; fi
# Release 2, and another report: both after the copy.
bank_publish >/dev/null
next_night one
expect 0 '^1 report' t one sync
same "$(reports one)" 2 "reports before the loss"
serve_stop
terminal_make late
t late init >/dev/null
serve_start late
expect 0 'Enrolled' t late enrol "$(code_for late)"
serve_stop
hq_stop

put_back() { rm -rf "$WORK/hq"; cp -a "$WORK/copy" "$WORK/hq"; }
put_back
hq_start
serve_start one
expect 5 'has stopped this terminal' t one sync # told nothing, head office must take it for a copy
hq_stop
put_back
expect 0 'is taken for a copy' "$HQ" restored --dir "$WORK/hq"
hq_start
expect 0 '"health":null' device one # what the copy knew is not told as if it were so
expect 5 'older than what was accepted' t one sync # release 1, where it holds 2: it keeps what it has
expect 0 'release: it holds release 2, and this office has published none after 1' "$HQ" devices --dir "$WORK/hq"
expect 0 '1 in want of something' "$HQ" devices --dir "$WORK/hq"
same "$(reports one)" 1 "reports of the copy"
bank_publish >/dev/null
bank_publish >/dev/null
expect 0 'acknowledged' t one sync # release 3
expect 0 ' 0 in want of something' "$HQ" devices --dir "$WORK/hq"
next_night one
expect 0 '^1 report' t one sync
same "$(reports one)" 2 "reports after: the first and the third"
expect 0 '"gap"' device one
expect 0 'acknowledged' t one sync
serve_stop
serve_start late
expect 5 'not registered' t late sync
expect 0 'Enrolled' t late enrol "$(code_for late)"
expect 0 'acknowledged' t late sync
serve_stop

# ---- another device authority: both are believed, then the new one issues, then the old one goes ----
"$HQ" init --dir "$WORK/next" --name 'Test Bank 2' --host 127.0.0.1 >/dev/null
AUTHORITY=$WORK/hq/authority
cp "$AUTHORITY/ca.pem" "$WORK/old.pem"
cp "$WORK/next/authority/ca.pem" "$WORK/new.pem"
cat "$WORK/old.pem" "$WORK/new.pem" >"$WORK/both.pem"
cp "$WORK/both.pem" "$AUTHORITY/ca.pem"
cp "$WORK/both.pem" "$WORK/one/authority.pem" # as an image brings it; `late` has not had it
hq_hup
serve_start one
expect 0 'acknowledged' t one sync
serve_stop
cat "$WORK/new.pem" "$WORK/old.pem" >"$AUTHORITY/ca.pem"
cp "$WORK/next/authority/ca.key" "$AUTHORITY/ca.key"
expect 0 'good until' "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --new-key
hq_hup
serve_start one
expect 0 'acknowledged' t one sync # its own certificate is the old one's
expect 0 'told by head office' t one doctor
expect 0 'OK' openssl verify -CAfile "$WORK/old.pem" "$WORK/one/sync/device.pem"
serve_stop
serve_start late
expect 5 'trusted authority\|authority that is known' t late sync
serve_stop
serve_start one
expect 0 'Enrolled' t one enrol "$(code_for one)"
expect 0 'OK' openssl verify -CAfile "$WORK/new.pem" "$WORK/one/sync/device.pem"
cp "$WORK/new.pem" "$AUTHORITY/ca.pem"
cp "$WORK/new.pem" "$WORK/one/authority.pem"
hq_hup
serve_stop
serve_start one
expect 0 'acknowledged' t one sync

# ---- a stolen device key ----
cp -r "$WORK/one/sync" "$WORK/stolen"
expect 0 'one' "$HQ" revoke --dir "$WORK/hq" --device one
expect 5 'has stopped this terminal: this device was revoked' t one sync
expect 1 '' bash -c '"$0" --config "$1" sync 2>&1 | grep "another machine"' "$SOTTO" "$WORK/one/sotto.json" # who was revoked is no copy
rm "$WORK/one/sync/device.key" "$WORK/one/sync/device.pem"
expect 0 'Enrolled' t one enrol "$(code_for one)"
expect 0 'acknowledged' t one sync
if cmp -s "$WORK/stolen/device.key" "$WORK/one/sync/device.key"; then bad "the same key again"; else ok; fi
cp "$WORK/one/sync/session" "$WORK/stolen/session"
mv "$WORK/one/sync" "$WORK/mine"
mv "$WORK/stolen" "$WORK/one/sync" # the thief, with all that the terminal had
expect 5 'replaced' t one sync
rm -rf "$WORK/one/sync"
mv "$WORK/mine" "$WORK/one/sync"
expect 0 'acknowledged' t one sync
serve_stop
finish
