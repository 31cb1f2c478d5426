#!/bin/bash
# doctor on a terminal as it is installed (firmware/services): serve, sync and the operator are three users, each sees what is his, root all of it,
# and nobody takes what he may not see for an alarm. Needs root, to be the other two.
if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
    echo "skipped: only root can be three users (setpriv)" >&2
    exit 77
fi
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"
cp "$SOTTO" "$WORK/sotto" # where the others can run it
SOTTO=$WORK/sotto
chmod 755 "$WORK"
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
# shellcheck disable=SC2034 # read by bank.sh
PORT=$(free_port) ENROL_PORT=$(free_port)
hq_start

# The numbers and modes of sysusers.conf and tmpfiles.conf.
LINK=993 API=994 SERVE=990 SYNC=991
terminal_make one
one=$WORK/one
install -d -m 0700 -o $SERVE -g $SERVE "$one/vault" "$one/store"
install -d -m 2750 -o $SYNC -g $LINK "$one/release"
install -d -m 0700 -o $SYNC -g $SYNC "$one/sync"
install -d -m 0755 "$one/run"
install -d -m 2750 -o $SERVE -g $API "$one/run/api"
install -d -m 2750 -o $SERVE -g $LINK "$one/run/link"
groups_of() { [ "$1" = $SERVE ] && echo $LINK,$API || echo $LINK; }
as() { local user=$1; shift; setpriv --reuid "$user" --regid "$user" --groups "$(groups_of "$user")" "$@"; }
said() { local user=$1; shift; as "$user" "$SOTTO" --config "$one/sotto.json" "$@"; }

# ---- before serve runs: root is told so, sync cannot know ----
said $SERVE init >/dev/null
expect 1 '^ok  *key  *there, and private' t one doctor
expect 1 '^BAD  *serve  *does not answer' t one doctor
expect 1 '^unseen  *certificate  *none$' t one doctor
expect 0 '^unseen  *key  *not to be seen by this user$' said $SYNC doctor

serve_run() {
    # Not by the function, whose number would be a shell's.
    setpriv --reuid $SERVE --regid $SERVE --groups "$(groups_of $SERVE)" "$SOTTO" --config "$one/sotto.json" serve >>"$one.log" 2>&1 &
    SERVE_PID=$!
    PIDS+=("$SERVE_PID")
    wait_for 20 test -S "$one/run/api/sotto.sock" -a -S "$one/run/link/sotto.sock"
}
serve_run
expect 0 'Enrolled as one' said $SYNC enrol "$(code_for one)"

# ---- all is well: everybody ends with 0, root sees all, and nobody gets advice for what is not his ----
for check in clock key disk certificate serve; do expect 0 "^ok  *$check " t one doctor; done
expect 1 '^SOTTO WARNING - release: none yet (0 bad, [12] warnings, 0 unseen)' t one doctor --monitor
expect 0 '^ok  *key  *there, and private' said $SERVE doctor
expect 0 '^unseen  *certificate  *not to be seen by this user$' said $SERVE doctor
expect 0 '^ok  *certificate ' said $SYNC doctor
expect 0 '^unseen  *key  *not to be seen by this user$' said $SYNC doctor
expect 0 '^unseen  *serve  *not to be seen by this user$' said $SYNC doctor
expect 0 '"check":"serve","verdict":"unseen","text":"not to be seen by this user","remedy":""' said $SYNC doctor --json
expect 3 '^SOTTO UNKNOWN - serve: not to be seen by this user (0 bad' said $SYNC doctor --monitor
for user in $SERVE $SYNC; do
    if said "$user" doctor | grep -A1 'not to be seen' | grep -q 'do:'; then bad "$user gets advice for what is not his"; else ok; fi
done

# ---- and what is wrong is still told ----
chmod 640 "$one/vault/root.key"
expect 1 '^BAD  *key  *others can read' t one doctor
expect 1 '^BAD  *key  *others can read' said $SERVE doctor
chmod 600 "$one/vault/root.key"
chown $SYNC "$one/vault/root.key"
expect 1 "^BAD  *key  *belongs to user $SYNC, its folder to user $SERVE" t one doctor
chown $SERVE "$one/vault/root.key"
serve_stop
expect 2 '^SOTTO CRITICAL - serve: does not answer' t one doctor --monitor

# ---- a key that is no file: a keyring is its user's alone, a program answers root too ----
sed -i "s|\"version\": 1|\"version\": 1, \"key\": {\"provider\":\"keyring\",\"name\":\"sotto-test-$$\"}|" "$one/sotto.json"
expect 1 '^unseen  *key  *not to be seen by this user$' t one doctor
expect 1 '^unseen  *key  *its provider has none for this user$' said $SERVE doctor
sed -i 's|{"provider":"keyring"[^}]*}|{"provider":"command","load":["/bin/cat","'"$one/vault/root.key"'"],"create":["/bin/false"]}|' "$one/sotto.json"
expect 1 '^ok  *key  *its provider gives it$' t one doctor
expect 0 '^unseen  *key  *not to be seen by this user$' said $SYNC doctor
finish
