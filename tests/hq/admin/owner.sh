#!/bin/bash
# Whose an office is: another user is told so before anything is written, root as well; and init fills an empty folder whose
# parent is not its user's. Arguments: SOTTO_HQ. Only root can be two users: skipped otherwise.
set -euo pipefail
# shellcheck source=tests/hq/expect.sh
. "$(dirname "${BASH_SOURCE[0]}")/../expect.sh"
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || { echo "skipped: needs root and setpriv"; exit 77; }
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
chmod 755 "$WORK"
cd "$WORK"
# In a folder that the other one may enter; hard links keep the time of copying a large program.
ln "$1" sotto-hq 2>/dev/null || cp "$1" sotto-hq
chmod 755 sotto-hq
NOBODY=$(id -un 65534)
other() { (cd / && setpriv --reuid=65534 --regid=65534 --clear-groups "$WORK/sotto-hq" "$@"); }
HQ=$WORK/sotto-hq
DIR=$WORK/hq

# ---- root's, and another's look at it ----
"$HQ" init --dir "$DIR" >/dev/null
COMMANDS=("devices" "enrol-code --device a" "revoke --device a" "totals" "publish --refresh" "publish --finish" "keys list" "restored"
    "certificate --host a.example" "serve --listen 127.0.0.1:0 --enrol-listen 127.0.0.1:0" "pack make --device a --from x.csv")
for command in "${COMMANDS[@]}"; do
    # shellcheck disable=SC2086 # words
    expect 5 "hq: belongs to root, and this is $NOBODY" other $command --dir "$DIR"
done
chmod 755 "$DIR" "$DIR/repo" # as one that is served by a web server, too: the keys and the registry stay closed
for command in "${COMMANDS[@]}"; do
    # shellcheck disable=SC2086 # words
    expect 5 "belongs to root, and this is $NOBODY" other $command --dir "$DIR"
done
chmod 700 "$DIR"
expect 4 'no head office here: sotto-hq init' other devices --dir "$WORK/none"
mkdir -m 700 closed
expect 5 "closed/hq: lies in a folder that $NOBODY may not enter" other devices --dir "$WORK/closed/hq"

# ---- another's, and root's hand on it: what root wrote its owner could not use ----
chown -R 65534:65534 "$DIR"
touch before
for command in "publish --refresh" "publish --finish" "publish --model m --dictionary d --catalogue c --policy p --tasks t" "keys rotate --role timestamp" \
    "enrol-code --device a" "revoke --device a" "devices --release-quarantine a" "restored" "backup --to $WORK/copy" \
    "certificate --host a.example" "serve --listen 127.0.0.1:0 --enrol-listen 127.0.0.1:0" "pack make --device a --from x.csv" "pack accept --from x.json"; do
    # shellcheck disable=SC2086 # words
    expect 5 "belongs to $NOBODY and this is root.*runuser -u $NOBODY" "$HQ" $command --dir "$DIR"
done
if [ -z "$(find "$DIR" -newer before -o ! -uid 65534)" ]; then ok; else bad "written: $(find "$DIR" -newer before -o ! -uid 65534)"; fi
expect 0 '0 devices' "$HQ" devices --dir "$DIR" # root may look
if [ -z "$(find "$DIR" ! -uid 65534)" ]; then ok; else bad "root's: $(find "$DIR" ! -uid 65534)"; fi
expect 0 'One-time code' other enrol-code --device a --dir "$DIR"

# ---- an empty folder, whose parent is not writable ----
mkdir -m 755 srv
mkdir -m 755 srv/hq srv/full srv/roots
touch srv/full/file
chown 65534 srv/hq srv/full
expect 4 'there is something here already; nothing was changed' other init --dir "$WORK/srv/full"
expect 5 "roots: belongs to root, and this is $NOBODY" other init --dir "$WORK/srv/roots"
expect 5 "hq: belongs to $NOBODY and this is root" "$HQ" init --dir "$WORK/srv/hq"
if [ "$(ls -A srv/hq srv/roots srv/full | tr '\n' ' ')" = 'srv/full: file  srv/hq:  srv/roots: ' ]; then ok; else bad "changed: $(ls -A srv/*)"; fi
expect 0 'is open in' other init --dir "$WORK/srv/hq/"
if [ "$(stat -c '%U %a' srv/hq)" = "$NOBODY 700" ]; then ok; else bad "srv/hq is $(stat -c '%U %a' srv/hq)"; fi
if diff <(cd "$DIR" && find . ! -name publish.lock | sort) <(cd srv/hq && find . | sort); then ok; else bad "not the same files as elsewhere"; fi
expect 4 'a head office here already' other init --dir "$WORK/srv/hq"
expect 0 '0 devices' other devices --dir "$WORK/srv/hq"
expect 4 'nothing was published' other publish --refresh --dir "$WORK/srv/hq"
mkdir -p srv/left/init.unfinished
expect 4 'left by an init that was interrupted: remove it, and what else lies in that folder, and' "$HQ" init --dir "$WORK/srv/left"
finish
