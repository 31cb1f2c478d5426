#!/bin/bash
# Where a terminal's keys rest: a program, the kernel keyring, a TPM (swtpm). One that is not there at start is a clear error and nothing is lost.
# Arguments: SOTTO SOTTO_HQ KIOSK_APP.
# shellcheck source-path=SCRIPTDIR source=bank.sh
source "$(dirname "${BASH_SOURCE[0]}")/bank.sh"

"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
PORT=$(free_port) ENROL_PORT=$(free_port)
hq_start
# with_keys NAME KEY DEVICE_KEY: a terminal's configuration with these providers.
with_keys() {
    terminal_make "$1"
    sed -i "s|\"utc_offset_min\"|\"key\": $2, \"device_key\": $3, \"utc_offset_min\"|" "$WORK/$1/sotto.json"
}
# lives NAME: made, enrolled, and a night over TLS with the device's key; no key stands in a file.
lives() {
    expect 0 "Made a key" t "$1" init
    serve_start "$1"
    expect 0 "Enrolled as $1" t "$1" enrol "$(code_for "$1")"
    # No release was published, and what its sync said of that came over TLS, with the device's key.
    expect 4 "answered 404.*no such file in the release" t "$1" sync
    if grep -q "release.health device=$1 " "$WORK/hq.log"; then ok; else bad "$1: head office heard nothing with the device's key"; fi
    if grep -q "certificate\|handshake" "$WORK/$1/serve.log"; then bad "$1: serve's log"; else ok; fi
    serve_stop
    if [ -e "$WORK/$1/vault/root.key" ] || [ -e "$WORK/$1/sync/device.key" ]; then bad "$1: a key stands in a file"; else ok; fi
    expect 4 "already\|is made" t "$1" init
}

# ---- a program ----
cat >"$WORK/keeper" <<'SH'
#!/bin/sh
case $1 in
    create) cat >"$2" ;;
    load) [ -e "$2" ] || exit 2; cat "$2" ;;
    refuse) exit 7 ;;
    talk) while :; do echo talk; done ;;
esac
SH
chmod +x "$WORK/keeper"
command_key() { printf '{"provider":"command","load":["%s","%s","%s"],"create":["%s","create","%s"]}' "$WORK/keeper" "$2" "$1" "$WORK/keeper" "$1"; }
with_keys by-program "$(command_key "$WORK/k1" load)" "$(command_key "$WORK/k2" load)"
lives by-program
mv "$WORK/k1" "$WORK/away"
expect 4 "no key was created" t by-program status
expect 4 "its key is gone" t by-program init
echo "this is not a key" >"$WORK/k1"
expect 3 "in the form of a key file" t by-program status
sed 's/^../00/' "$WORK/away" >"$WORK/k1"
expect 3 "form of a key file" t by-program status
mv "$WORK/away" "$WORK/k1"
expect 0 '"device":"by-program"' t by-program status --json
for verb in refuse talk; do
    with_keys "bad-$verb" "$(command_key "$WORK/k1" "$verb")" '{"provider":"file"}'
    cp -r "$WORK/by-program/store" "$WORK/bad-$verb/"
    expect "$([ $verb = refuse ] && echo 5 || echo 3)" "exit code 7\|could not be run" t "bad-$verb" status
done
with_keys no-program '{"provider":"command","load":["/no/such/program"],"create":["/no/such/program"]}' '{"provider":"file"}'
expect 4 "/no/such/program" t no-program init
with_keys short-path '{"provider":"command","load":["keeper"],"create":["keeper"]}' '{"provider":"file"}'
expect 3 "whole path" t short-path init
with_keys unknown '{"provider":"cloud"}' '{"provider":"file"}'
expect 3 "file, keyring or command" t unknown init

# ---- the kernel keyring: in a session of its own, gone with it ----
if command -v keyctl >/dev/null && keyctl show @u >/dev/null 2>&1; then
    name="sotto-test-$$"
    with_keys by-keyring "{\"provider\":\"keyring\",\"name\":\"$name\"}" "{\"provider\":\"keyring\",\"name\":\"$name-device\"}"
    lives by-keyring
    keyctl pipe "$(keyctl search @u user "$name")" >"$WORK/kept"
    keyctl unlink "$(keyctl search @u user "$name")" @u >/dev/null
    expect 4 "empty after each start" t by-keyring status
    expect 4 "its key is gone" t by-keyring init
    head -c 65 "$WORK/kept" | keyctl padd user "$name" @u >/dev/null
    expect 3 "form of a key file" t by-keyring status
    keyctl padd user "$name" @u <"$WORK/kept" >/dev/null
    expect 0 '"device":"by-keyring"' t by-keyring status --json
    sed -i 's/"require_walls": false/"require_walls": true/' "$WORK/by-keyring/sotto.json"
    expect 5 "sync could read the store's key" t by-keyring sync
    for left in "$name" "$name-device"; do keyctl unlink "$(keyctl search @u user "$left")" @u >/dev/null; done
else
    echo "keyring: skipped"
fi

# ---- a TPM ----
if command -v swtpm >/dev/null && command -v tpm2_unseal >/dev/null; then
    mkdir "$WORK/tpm"
    swtpm socket --tpm2 --tpmstate dir="$WORK/tpm" --server type=unixio,path="$WORK/tpm.sock" --ctrl type=unixio,path="$WORK/tpm.sock.ctrl" \
        --flags not-need-init,startup-clear >"$WORK/swtpm.log" 2>&1 &
    PIDS+=("$!")
    wait_for 10 test -S "$WORK/tpm.sock"
    tpm_key() { printf '{"provider":"command","load":["%s","load","%s","sha256:0,7","swtpm:path=%s"],"create":["%s","create","%s","sha256:0,7","swtpm:path=%s"]}' \
        "$TPM" "$1" "$WORK/tpm.sock" "$TPM" "$1" "$WORK/tpm.sock"; }
    TPM=$WORK/tpm-key
    cp "$TOP/firmware/services/sotto-tpm-key" "$TPM"
    with_keys by-tpm "$(tpm_key "$WORK/sealed1")" "$(tpm_key "$WORK/sealed2")"
    lives by-tpm
    expect 0 '"device":"by-tpm"' t by-tpm status --json
    TPM2TOOLS_TCTI=swtpm:path=$WORK/tpm.sock tpm2_pcrextend 7:sha256=0000000000000000000000000000000000000000000000000000000000000001
    expect 5 "gives no key" t by-tpm status
else
    echo "TPM: skipped"
fi
finish
