#!/bin/bash
# Keys of each scheme sign a release, at head office's own hand and by another tool (a token, a module), and a terminal follows.
# Usage: schemes.sh SOTTO SOTTO_HQ KIOSK_APP.
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"

K=$WORK/keys
key_make() { openssl genpkey -out "$K/$1.key" "${@:2}" 2>/dev/null && openssl pkey -in "$K/$1.key" -pubout -out "$K/$1.pem"; }
# sign_elsewhere NAME OPENSSL_DGST_OPTIONS...: the bytes are printed here, signed by a tool that knows nothing of releases.
sign_elsewhere() {
    local name=$1
    shift
    "$HQ" sign "$DRAFT" --payload >"$WORK/payload"
    if [ "$name" = ed25519 ]; then
        openssl pkeyutl -sign -inkey "$K/$name.key" -rawin -in "$WORK/payload" -out "$WORK/$name.sig"
    else
        openssl dgst -sha256 -sign "$K/$name.key" "$@" -out "$WORK/$name.sig" "$WORK/payload"
    fi
}
attach() { "$HQ" sign "$DRAFT" --public "$K/$1.pem" --signature "$WORK/$1.sig"; }
draft() { "$HQ" publish --dir "$WORK/hq" "$@" | grep -o '[^ ]*/draft/[0-9]*\.targets\.json' | head -n 1; }

mkdir "$K"
key_make ecdsa -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key_make rsa -algorithm RSA -pkeyopt rsa_keygen_bits:3072
key_make ed25519 -algorithm ed25519
key_make short -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key_make p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
bank_open
terminal_ready one

for name in ecdsa rsa ed25519; do
    expect 0 'is published' "$HQ" keys add --dir "$WORK/hq" --role targets --key "$K/$name.pem" --threshold 1
done
expect 4 'a key of targets already\|already' "$HQ" keys add --dir "$WORK/hq" --role targets --key "$K/ed25519.pem"
for name in short p384; do expect 3 'not a public key that can be used' "$HQ" keys add --dir "$WORK/hq" --role targets --key "$K/$name.pem"; done
"$HQ" keys threshold --dir "$WORK/hq" --role targets --threshold 4 >"$WORK/said"
DRAFT=$(grep -o '[^ ]*draft/[0-9]*\.targets\.json' "$WORK/said" | head -n 1)
[ -n "$DRAFT" ] && ok || bad "no draft: $(cat "$WORK/said")"
case $DRAFT in /*) ;; *) DRAFT=$WORK/hq/${DRAFT#"$WORK/hq/"} ;; esac

# Each by its private key; three of four are not enough.
expect 5 'sign' "$HQ" publish --dir "$WORK/hq" --finish
expect 0 '2 signatures' "$HQ" sign "$DRAFT" --key "$K/ecdsa.key"
expect 0 '3 signatures' "$HQ" sign "$DRAFT" --key "$K/rsa.key"
expect 5 'sign' "$HQ" publish --dir "$WORK/hq" --finish

# The fourth by another tool. What is not its signature of these bytes is not added.
sign_elsewhere ed25519
cp "$DRAFT" "$WORK/before"
head -c 64 /dev/zero >"$WORK/rsa.sig"
expect 5 'not by this' attach rsa
cp "$WORK/ed25519.sig" "$WORK/ecdsa.sig"
expect 5 'not by this key' attach ecdsa
head -c 2000 /dev/zero >"$WORK/rsa.sig"
expect 3 'bytes' attach rsa
expect 4 '' attach nobody
cmp -s "$DRAFT" "$WORK/before" && ok || bad "a refused signature changed the draft"
expect 0 '4 signatures' attach ed25519
for name in ecdsa rsa; do
    if [ $name = rsa ]; then sign_elsewhere rsa -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1; else sign_elsewhere ecdsa; fi
    expect 0 '4 signatures' attach $name # anew, in the place of the one before
done
expect 0 'Finished' "$HQ" publish --dir "$WORK/hq" --finish
expect 0 'in use' t one sync

# A file that could be read in two ways: what is listed would not be what is signed.
benign='{"_type":"targets","spec_version":"1.0.34","version":9,"expires":"2030-01-01T00:00:00Z","targets":{}}'
evil=${benign/9/10}
two_ways() {
    # shellcheck disable=SC2059 # the format is the test's
    printf "$1" "$benign" "$evil" >"$WORK/9.targets.json"
    cp "$WORK/9.targets.json" "$WORK/9.before"
    expect 3 'for certain\|an object expected\|duplicate\|twice' "$HQ" sign "$WORK/9.targets.json" --payload
    expect 3 'for certain\|an object expected\|duplicate\|twice' "$HQ" sign "$WORK/9.targets.json" --key "$K/ecdsa.key"
    cmp -s "$WORK/9.targets.json" "$WORK/9.before" && ok || bad "a file that nobody can read was written"
}
two_ways '{"x":"signed","y":%s,"signatures":[],"\\u0073igned":%s}'
two_ways '{"signatures":[],"y":{"signed":%s},"\\u0073igned":%s}'
two_ways '{"signed":%s,"signatures":[],"signed":%s}'
two_ways '{"signed":5,"signatures":[],"y":[%s,%s]}'
printf '{"x":"signed","y":%s,"signatures":[],"signed" : %s}' "$benign" "$evil" >"$WORK/9.targets.json"
expect 0 '"version":10' "$HQ" sign "$WORK/9.targets.json" --payload
expect 0 'version 10' "$HQ" sign "$WORK/9.targets.json" --key "$K/ecdsa.key"

# A usage that is not whole is refused as such, and a key that signs nothing here as well.
expect 2 'payload' "$HQ" sign "$WORK/hq/repo/1.root.json" --public "$K/rsa.pem"
expect 2 'payload' "$HQ" sign "$WORK/hq/repo/1.root.json" --payload --key "$K/rsa.key"
expect 5 'nothing was signed' "$HQ" sign "$WORK/hq/repo/1.root.json" --key "$K/rsa.key"
for name in ed25519 short p384; do expect 3 '' "$HQ" sign "$WORK/hq/repo/1.root.json" --key "$K/$name.key"; done
finish
