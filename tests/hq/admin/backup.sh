#!/bin/bash
# backup: what it holds while others write, what it refuses, and what it leaves behind when it fails. Arguments: SOTTO_HQ.
# (tests/kiosk/office.sh puts one back.)
set -euo pipefail
# shellcheck source=tests/hq/expect.sh
. "$(dirname "${BASH_SOURCE[0]}")/../expect.sh"
HQ=$1
command -v flock >/dev/null || { echo "skipped: needs flock"; exit 77; }
WORK=$(mktemp -d)
trap 'wait; rm -rf "$WORK"' EXIT
cd "$WORK"
here() { if [ -e "$1" ]; then ok; else bad "there is no $1"; fi; }
gone() { if [ ! -e "$1" ]; then ok; else bad "there is $1"; fi; }
# meanwhile TEST COMMAND: once the copy is that far, in the background. Ends by itself when the copy has ended before.
meanwhile() {
    rm -f ended
    # shellcheck disable=SC2016 # expanded by the shell that is started
    bash -c 'for _ in $(seq 3000); do if eval "$0"; then eval "$1"; exit; fi; [ ! -e ended ] || exit; sleep 0.01; done' "$1" "$2" &
}
# copied TO: backs up hq to TO and tells whoever waits that it has ended. Its exit code is in $code.
copied() { code=0; "$HQ" backup --dir hq --to "$1" >said 2>&1 || code=$?; touch ended; wait; }
"$HQ" init --dir hq --name 'Test Bank' >/dev/null

# ---- paths ----
expect 0 'and the registry' "$HQ" backup --dir hq/ --to copy/
here copy/registry.db
gone copy.unfinished
expect 4 'already' "$HQ" backup --dir hq --to copy
for to in hq/x hq/x/ ./hq/x "$WORK/hq/x" hq/repo/x; do
    expect 2 'lies in the folder' "$HQ" backup --dir hq/ --to "$to"
    expect 2 'lies in the folder' "$HQ" backup --dir ./hq --to "$to"
done
expect 2 'lies in the folder' "$HQ" backup --dir hq/ --to hq
ln -s hq elsewhere
expect 2 'lies in the folder' "$HQ" backup --dir hq --to elsewhere/x
# Below a folder of it that a link names: seen when it is met, and nothing is left.
mkdir hq/keys/old
expect 2 'lies in the folder' "$HQ" backup --dir hq --to elsewhere/keys/old/x
gone hq/keys/old/x.unfinished
# Only the last folder is made: what should be mounted and is not fills no other disk.
for to in unmounted/x unmounted/er/x/ "$WORK/unmounted//er/x" elsewhere/new/x; do
    expect 4 'no such folder: is the disk for copies mounted' "$HQ" backup --dir hq --to "$to"
    gone unmounted
    gone hq/new
done
touch file
expect 6 'file' "$HQ" backup --dir hq --to file/x
rm file
here hq/keys/old
rmdir hq/keys/old
rm elsewhere
mkdir disk && ln -s disk copies
expect 0 'and the registry' "$HQ" backup --dir hq --to copies/today
here disk/today/registry.db
expect 1 '' bash -c 'find hq | grep "/x"'
mkdir cut.unfinished
expect 4 'cut.unfinished: .*remove it' "$HQ" backup --dir hq --to cut
here cut.unfinished

# ---- a registry that cannot be opened is no database's ----
cp -a hq newer
sqlite3 newer/registry.db 'PRAGMA user_version = 999' 2>/dev/null || printf '\0\0\003\347' | dd of=newer/registry.db bs=1 seek=60 conv=notrunc status=none
expect 3 'a newer sotto-hq' "$HQ" backup --dir newer --to of-newer
gone of-newer
gone of-newer.unfinished

# ---- what is being written is not there yet; what is neither file nor folder is told, and no keys are left behind ----
echo half >hq/authority/server.pem.new
expect 0 'private keys among them' "$HQ" backup --dir hq --to without
gone without/authority/server.pem.new
if cmp -s hq/authority/server.pem without/authority/server.pem; then ok; else bad "the server's certificate differs"; fi
rm hq/authority/server.pem.new
ln -s nowhere hq/authority/link
expect 3 'no file and no folder' "$HQ" backup --dir hq --to linked
gone linked
gone linked.unfinished
rm hq/authority/link

# ---- replaced while it is copied: as it was before, or as it is after ----
SIZE=$((96 << 20))
truncate -s "$SIZE" hq/large
echo other >other
meanwhile '[ -s replaced.unfinished/large ]' 'mv other hq/large'
copied replaced
if [ "$code" = 0 ]; then ok; else bad "ended with $code: $(cat said)"; fi
case $(stat -c %s replaced/large) in "$SIZE" | 6) ok ;; *) bad "neither the old file nor the new one: $(stat -c %s replaced/large)" ;; esac
# Cut short while it is copied: an error, or whole.
rm -f hq/large
truncate -s "$SIZE" hq/large
meanwhile '[ -s short.unfinished/large ]' 'truncate -s 9 hq/large'
copied short
if [ "$code" = 0 ]; then
    case $(stat -c %s short/large) in "$SIZE" | 9) ok ;; *) bad "a part of a file, and no word: $(cat said)" ;; esac
else
    if grep -q 'cut short' said; then ok; else bad "said $(cat said)"; fi
    gone short.unfinished
fi
rm hq/large

# ---- a terminal's packs: the one that is being made is waited for ----
mkdir -p hq/packs/branch.new
touch hq/packs/branch.new/1.list
rm -f ended
flock hq/packs/branch.new/lock bash -c 'touch held; until [ -e waits.unfinished/packs/branch.new ] || [ -e ended ]; do sleep 0.01; done
    sleep 0.3; echo made >hq/packs/branch.new/2.list' &
until [ -e held ]; do sleep 0.01; done
copied waits
if [ "$code" = 0 ]; then ok; else bad "ended with $code: $(cat said)"; fi
here waits/packs/branch.new/1.list
here waits/packs/branch.new/2.list
gone waits/packs/branch.new/lock
finish
