#!/bin/bash
# units.sh SOTTO SOTTO_HQ: the systemd units are started by systemd, the first process of an emulated machine of its own, installed there by the
# very commands of docs/operations.md: a night through them, reload, stop, kill, what their sandbox forbids, and that it is never in the way.
# Ends with 77 where qemu-system-x86_64 is missing. The machine is of Debian's packages, unpacked and not configured: nothing of systemd ever runs here.
# Three minutes; the first time 120 MB are fetched.
# KEEP=DIR keeps the machine's disk and the console's log there.
set -- "${1:-build/release/src/kiosk/sotto}" "${2:-build/release/src/hq/sotto-hq}" ""
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "$0")/../kiosk/bank.sh"
# shellcheck source=firmware/common.sh
. "$TOP/firmware/common.sh"
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022
TRIAL=$TOP/tests/firmware/units
ROOT=$WORK/root
arch_set amd64

for tool in "$QEMU_BINARY" mke2fs dpkg-deb readelf cpio modprobe flock ldd; do
    command -v "$tool" >/dev/null || { echo "skipped: needs $tool"; exit 77; }
done
# The files of the disk belong to its root: who is not root here is so in a namespace.
AS_ROOT=()
[ "$(id -u)" = 0 ] || AS_ROOT=(unshare --map-root-user)
"${AS_ROOT[@]}" true || { echo "skipped: needs root, or namespaces of users"; exit 77; }
for program in "$SOTTO" "$HQ"; do
    [ -x "$program" ] || { echo "skipped: no $program (cmake --preset release && cmake --build --preset release --target sotto sotto-hq)"; exit 77; }
done

# What an ordinary machine with systemd has, and the packages of the libraries that the two programs were linked with.
packages() {
    printf '%s\n' systemd-sysv base-files base-passwd bash coreutils curl dash findutils grep keyutils libc-bin libpam-modules login mawk mount procps sed util-linux
    ldd "$SOTTO" "$HQ" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r file; do
        dpkg -S "$file" 2>/dev/null || dpkg -S "/usr$file" || dpkg -S "${file#/usr}"
    done | sed 's/[:,].*//' | sort -u
}

packages_get() {
    local wanted
    mapfile -t wanted < <(packages)
    DEBS=$FIRMWARE_CACHE/units-$(. /etc/os-release && echo "${VERSION_CODENAME:-debian}")-$(echo "${wanted[*]}" | sha256sum | cut -c 1-16)
    mkdir -p "$FIRMWARE_CACHE"
    exec 9>"$FIRMWARE_CACHE/lock.units"
    flock 9
    [ -d "$DEBS" ] || {
        rm -rf "$DEBS.new"
        "$FIRMWARE_DIR/fetch" --with-depends "$DEB_ARCH" "$DEBS.new" "${wanted[@]}"
        mv "$DEBS.new" "$DEBS"
    }
    exec 9>&-
}

# Unpacked, not installed. What scripts of packages would have made and this machine needs is made here: the first users, and PAM's
# common part (for runuser).
root_unpack() {
    local dir deb
    mkdir -p "$ROOT"/usr/{bin,sbin,lib,lib64}
    for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$ROOT/$dir"; done
    for deb in "$DEBS"/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$ROOT"; done
    cp "$ROOT/usr/share/base-passwd/passwd.master" "$ROOT/etc/passwd"
    cp "$ROOT/usr/share/base-passwd/group.master" "$ROOT/etc/group"
    for dir in auth account password session; do echo "$dir required pam_permit.so" >"$ROOT/etc/pam.d/common-$dir"; done
    cp "$ROOT/etc/pam.d/common-session" "$ROOT/etc/pam.d/common-session-noninteractive"
    ln -s mawk "$ROOT/usr/bin/awk"
    echo 5077052f6b1f4c5b8a3f0c3b2d9e7a10 >"$ROOT/etc/machine-id" # without one systemd would enable all it finds
    echo '127.0.0.1 localhost hq.example.org' >"$ROOT/etc/hosts"
    echo trial >"$ROOT/etc/hostname"
}

# The commands of docs/operations.md, each block under its own mark.
steps() {
    awk -v mark="<!-- units.sh: $1 -->" '$0 == mark { on = 1; next } on && /^    / { print substr($0, 5); seen = 1; next } on && seen { exit }' \
        "$TOP/docs/operations.md"
}

# A checkout with its programs where the documents say that they are.
root_furnish() {
    local source=$ROOT/usr/src/sotto name
    mkdir -p "$source"/build/{release/src/hq,armv7/src/kiosk} "$source/firmware" "$ROOT/usr/lib/trial/steps"
    cp -r "$TOP/firmware/collector" "$TOP/firmware/services" "$source/firmware/"
    cp "$HQ" "$source/build/release/src/hq/"
    cp "$SOTTO" "$source/build/armv7/src/kiosk/"
    cp -r "$WORK/bank" "$source/"
    cp -r "$TRIAL/root/." "$ROOT/"
    for name in office sotto.json terminal start; do
        steps $name >"$ROOT/usr/lib/trial/steps/$name"
        [ -s "$ROOT/usr/lib/trial/steps/$name" ] || { echo "FAIL docs/operations.md has no steps '$name'"; exit 1; }
    done
    mkdir -p "$ROOT/etc/systemd/system/multi-user.target.wants"
    ln -s ../trial.service "$ROOT/etc/systemd/system/multi-user.target.wants/"
    ln -sf /usr/lib/systemd/system/multi-user.target "$ROOT/etc/systemd/system/default.target"
    for name in getty@tty1 serial-getty@ttyS0 systemd-networkd-wait-online; do ln -sf /dev/null "$ROOT/etc/systemd/system/$name.service"; done
}

# World-readable, whatever umask the checkout was made with; the disk is then a copy.
disk_make() {
    chmod -R go=rX "$ROOT/usr/src" "$ROOT/usr/lib/trial"
    truncate -s 2G "$WORK/disk"
    # shellcheck disable=SC2016 # expanded by the shell that is started
    "${AS_ROOT[@]}" sh -c 'chown -R 0:0 "$1" && mke2fs -q -t ext4 -d "$1" "$2"' sh "$ROOT" "$WORK/disk"
}

machine_run() {
    local status=0
    "$FIRMWARE_DIR/image" amd64 "$WORK/image" --overlay "$TRIAL/boot"
    "$FIRMWARE_DIR/run" --image "$WORK/image" --script units --data "$WORK/disk" --memory 1024 --now 1803902400 --timeout 900 \
        --log "$WORK/console" --quiet &
    PIDS+=("$!") # ended with this test, and QEMU with it
    wait "$!" || status=$?
    tr -d '\r' <"$WORK/console" | sed -n 's/^trial: //p'
    PASSED=$(grep -c '^trial: ok' "$WORK/console" || true)
    FAILED=$(grep -c '^trial: FAIL' "$WORK/console" || true)
    [ "$status" = 0 ] || [ "$FAILED" != 0 ] || bad "the machine ended with $status: $(tail -n 20 "$WORK/console")"
}

started=$SECONDS
packages_get
bank_model
root_unpack
root_furnish
disk_make
echo "the machine made in $((SECONDS - started)) s"
machine_run
echo "$((SECONDS - started)) s in all"
[ -z "${KEEP:-}" ] || cp "$WORK/console" "$WORK/disk" "$KEEP/"
finish
