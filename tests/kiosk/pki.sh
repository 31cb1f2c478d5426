#!/usr/bin/env bash
# The bank's own PKI, played by openssl: a root and an intermediate that issues, whose key head office never has; then one
# whose key was handed over; then one that is asked by hand. A real terminal enrols, learns the time and renews under each.
# shellcheck source=tests/kiosk/bank.sh
. "$(dirname "$0")/bank.sh"
command -v openssl >/dev/null || { echo "skipped: needs openssl"; exit 77; }
PKI=$WORK/pki
mkdir "$PKI"
DAY=86400
REAL_HQ=$HQ
hq_at() {
    printf '#!/bin/sh\nexec "%s" --clock-offset %s "$@"\n' "$REAL_HQ" "$1" >"$WORK/hq-at"
    chmod +x "$WORK/hq-at"
    HQ=$WORK/hq-at
}
hq_stop() { kill "$HQ_PID"; wait "$HQ_PID" 2>/dev/null || true; }
hq_move() { hq_stop; hq_at "$1"; hq_start; }
same() { if [ "$1" = "$2" ]; then ok; else bad "$3: $1, wanted $2"; fi; }
logged() { if grep -q -- "$1" "$WORK/hq.log"; then ok; else bad "no '$1' in head office's log"; fi; }
until_of() { "$HQ" devices --dir "$WORK/hq" --json | tr '{' '\n' | grep -A6 "\"device\":\"$1\"" |
    sed -n 's/.*"certificate_until":"\([^"]*\)".*/\1/p'; }

# ---- the bank: an RSA root and, below it, an authority for devices; and a stranger ----
key_rsa() { openssl genrsa -out "$1" "${2:-2048}" 2>/dev/null; }
key_ec() { openssl ecparam -name "${2:-prime256v1}" -genkey -noout -out "$1"; chmod 600 "$1"; }
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n' >"$PKI/ca.ext"
root() { # NAME
    openssl req -x509 -new -key "$PKI/$1.key" -subj "/C=XX/O=Bank/CN=$1" -days 3650 -config <(printf '[req]\ndistinguished_name=n\nx509_extensions=e\n[n]\n[e]\n'; cat "$PKI/ca.ext") -out "$PKI/$1.pem"
}
below() { # NAME ISSUER
    openssl req -new -key "$PKI/$1.key" -subj "/C=XX/O=Bank/CN=$1" -out "$PKI/$1.csr"
    openssl x509 -req -in "$PKI/$1.csr" -CA "$PKI/$2.pem" -CAkey "$PKI/$2.key" -CAcreateserial -days 3000 -extfile "$PKI/ca.ext" \
        -out "$PKI/$1.pem" 2>/dev/null
}
key_rsa "$PKI/root.key"
root root
key_ec "$PKI/devices.key"
below devices root
key_ec "$PKI/stranger.key"
root stranger
cat "$PKI/devices.pem" "$PKI/root.pem" >"$PKI/bundle.pem"

# What the bank wrote around its PKI: USE NAME, the request on standard input. `mood` says how it is today.
echo good >"$PKI/mood"
echo 365 >"$PKI/days"
cat >"$PKI/sign" <<PROGRAM
#!/bin/bash
set -eu
use=\$1 name=\$2 mood=\$(cat "$PKI/mood")
work=\$(mktemp -d "$PKI/job.XXXXXX")
trap 'rm -rf "\$work"' EXIT
cat >"\$work/csr"
echo "\$use \$name" >>"$PKI/asked"
issuer=devices days=\$(cat "$PKI/days")
ext='basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n'
case \$use in
device) ext+='extendedKeyUsage=clientAuth\n' ;;
server) ext+='extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n' ;;
esac
case \$mood in
refuses) printf 'not "in\tthe" inventory' >&2; exit 3 ;;
broken) exit 1 ;;
killed) kill -KILL \$\$ ;;
silent) exit 0 ;;
babbles) head -c 100000 /dev/zero | tr '\0' x; exit 0 ;;
slow) while [ "\$(cat "$PKI/mood")" = slow ]; do sleep 0.05; done ;;
holds) sleep 300 & ;; # a helper that keeps the output open when this has ended
name) name=atm-of-another ;;
key) openssl ecparam -name prime256v1 -genkey -noout -out "\$work/key"; openssl req -new -key "\$work/key" -subj /CN=x -out "\$work/csr" ;;
stranger) issuer=stranger ;;
authority) ext='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature,keyCertSign\n' ;;
server) ext='extendedKeyUsage=serverAuth\n' ;;
both) ext='extendedKeyUsage=clientAuth,serverAuth\n' ;;
silence) ext='keyUsage=critical,digitalSignature\n' ;;
named) ext+='subjectAltName=IP:127.0.0.1\n' ;;
short) days=0 ;;
esac
printf "\$ext" >"\$work/ext"
openssl x509 -req -in "\$work/csr" -subj "/O=Bank/CN=\$name" -CA "$PKI/\$issuer.pem" -CAkey "$PKI/\$issuer.key" \\
    -set_serial "0x\$(openssl rand -hex 15)" -days "\$days" -extfile "\$work/ext" -text 2>/dev/null
PROGRAM
chmod +x "$PKI/sign"
mood() { echo "$1" >"$PKI/mood"; }

# ---- 1. a program signs; head office has no key of the authority ----
hq_at 0
INIT_WITH=(--authority "$PKI/bundle.pem" --sign-command "$PKI/sign")
SERVE_WITH=(--sign-command "$PKI/sign" --workers 1)
bank_open
if [ ! -e "$WORK/hq/authority/ca.key" ]; then ok; else bad "a key of an authority lies at head office"; fi
expect 0 'OK' openssl verify -CAfile "$WORK/hq/authority/ca.pem" -purpose sslserver "$WORK/hq/authority/server.pem"
expect 4 'sign-command' "$HQ" serve --dir "$WORK/hq" --listen 127.0.0.1:0 --enrol-listen 127.0.0.1:0
expect 2 'whole path' "$HQ" serve --dir "$WORK/hq" --sign-command sign
expect 2 'whole path' "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --sign-command sign
expect 2 'whole path' "$HQ" init --dir "$WORK/none" --authority "$PKI/bundle.pem" --sign-command sign
for program in "$PKI/none" "$PKI/devices.pem" "$PKI"; do
    expect 4 'no program that can be run' timeout 20 "$HQ" serve --dir "$WORK/hq" --listen 127.0.0.1:0 --enrol-listen 127.0.0.1:0 --sign-command "$program"
done
expect 4 'no program that can be run' "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --sign-command "$PKI/none"
cp "$WORK/hq/authority/server.pem" "$WORK/server.before"
expect 6 "does not have .hq.example.org." "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --host hq.example.org --sign-command "$PKI/sign"
expect 6 "does not have .localhost." "$HQ" init --dir "$WORK/none" --authority "$PKI/bundle.pem" --sign-command "$PKI/sign"
expect 0 '' cmp "$WORK/server.before" "$WORK/hq/authority/server.pem"
grep -v '^server' "$PKI/asked" >"$PKI/asked.others" || true
{ echo 'server Test Bank head office'; cat "$PKI/asked.others"; } >"$PKI/asked" # those asked in vain are none of the count below
terminal_ready one
expect 0 'OK' openssl verify -CAfile "$PKI/bundle.pem" -purpose sslclient "$WORK/one/sync/device.pem"
expect 0 'CN *= *one$' openssl x509 -in "$WORK/one/sync/device.pem" -noout -subject
expect 0 'sotto time' openssl x509 -in "$WORK/hq/authority/time.pem" -noout -subject
expect 0 'told by head office' t one doctor
expect 0 'acknowledged' t one sync
same "$(sort "$PKI/asked" | uniq -c | awk '{print $1, $2, $3}' | sort -u | head -3 | tr '\n' ,)" \
    "1 device one,1 server Test,1 time sotto," "what the PKI was asked"
serve_stop

# What is not what was asked for is not taken, the reason is said at both ends, and the code stays good.
terminal_make two
t two init >/dev/null
serve_start two
CODE=$(code_for two)
while IFS='|' read -r how code text; do
    mood "$how"
    expect "$code" "$text" t two enrol "$CODE"
    logged "sign.failed device=\"two\" text=\".*$text"
    [ "$how" != refuses ] || logged 'warn .*sign.said device="two" text="not .in?the. inventory"'
    if [ ! -e "$WORK/two/sync/device.pem" ]; then ok; else bad "$how: a certificate all the same"; fi
done <<'MOODS'
refuses|5|refuses a certificate for .two.
broken|7|its program ended with 1
silent|7|there is no certificate in PEM
babbles|7|more than 65536 bytes
killed|7|stopped by signal 9
name|7|its common name is .atm-of-another., not .two.
key|7|for another key
stranger|7|does not come from the authority
authority|7|is an authority's
server|7|no clientAuth
silence|7|no clientAuth
both|7|may serve, too
named|7|a name in subjectAltName
short|7|ends within a day
MOODS
# Who left while the PKI was asked finds the code as good as before.
terminal_make left
t left init >/dev/null
serve_stop_two=$SERVE_PID
serve_start left
LEFT_CODE=$(code_for left)
mood slow
"$SOTTO" --config "$WORK/left/sotto.json" enrol "$LEFT_CODE" >/dev/null 2>&1 &
leaving=$!
wait_for 20 grep -q 'device left' "$PKI/asked" && ok || bad "the PKI was not asked for the one who leaves"
kill -KILL "$leaving"
wait "$leaving" 2>/dev/null || true
mood holds
wait_for 40 t left enrol "$LEFT_CODE" && ok || bad "the code of who left is used up: $(t left enrol "$LEFT_CODE" 2>&1)"
mood good
serve_stop
SERVE_PID=$serve_stop_two

# A slow PKI holds up nobody else: one worker answers another terminal, and this one afterwards.
before=$(grep -c 'device two' "$PKI/asked")
mood slow
t two enrol "$CODE" >"$WORK/two.said" 2>&1 &
waiting=$!
wait_for 20 bash -c "[ \$(grep -c 'device two' '$PKI/asked') -gt $before ]" && ok || bad "the PKI was not asked"
serve_stop_two=$SERVE_PID
serve_start one
expect 0 'acknowledged' t one sync
serve_stop
if kill -0 "$waiting" 2>/dev/null; then ok; else bad "the slow enrolment did not wait: $(cat "$WORK/two.said")"; fi
expect 7 'asked already' t two enrol "$CODE"
mood good
wait "$waiting" && ok || bad "the slow enrolment: $(cat "$WORK/two.said")"
expect 5 'has been used' t two enrol "$CODE"
SERVE_PID=$serve_stop_two
expect 0 'acknowledged' t two sync
serve_stop

# A year: renewed by the program; the time's certificate, too.
first=$(until_of one)
time_before=$(openssl x509 -in "$WORK/hq/authority/time.pem" -noout -fingerprint)
echo 900 >"$PKI/days"
hq_move $((250 * DAY))
bank_publish >/dev/null
serve_start one
expect 0 'acknowledged' t one sync
if [ "$(until_of one)" \> "$first" ]; then ok; else bad "not renewed: $(until_of one)"; fi
wait_for 40 bash -c "[ \"\$(openssl x509 -in '$WORK/hq/authority/time.pem' -noout -fingerprint)\" != '$time_before' ]" && ok ||
    bad "the time's certificate was not renewed"
expect 0 'acknowledged' t one sync
serve_stop
expect 0 'new key' "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --new-key --sign-command "$PKI/sign"
kill -HUP "$HQ_PID"
wait_for 20 grep -q 'serve.reload done=true' "$WORK/hq.log" && ok || bad "no reload"
serve_start one
expect 0 'acknowledged' t one sync
serve_stop
hq_stop
mood broken
rm "$WORK/hq/authority/time.pem" # no word on the time any more: serve says so, and the terminals go by their clocks
hq_start
wait_for 20 grep -q 'time.no_certificate' "$WORK/hq.log" && ok || bad "no word on the time's certificate"
hq_stop
rm -rf "$WORK/hq" "$WORK/one" "$WORK/two"

# ---- 2. the bank hands over an authority with its key: RSA, and P-384 ----
SERVE_WITH=()
hq_at 0
key_rsa "$PKI/rsa.key"
chmod 600 "$PKI/rsa.key"
below rsa root
key_ec "$PKI/p384.key" secp384r1
below p384 root
for kind in rsa p384; do
    INIT_WITH=(--authority "$PKI/$kind.pem" --authority-key "$PKI/$kind.key")
    "$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 "${INIT_WITH[@]}" >/dev/null
    hq_start
    terminal_make "$kind"
    t "$kind" init >/dev/null
    serve_start "$kind"
    expect 0 'Enrolled' t "$kind" enrol "$(code_for "$kind")"
    expect 0 'told by head office' t "$kind" doctor
    serve_stop
    hq_stop
    rm -rf "$WORK/hq"
done
INIT_WITH=()
init() { "$HQ" init --dir "$WORK/hq" --host 127.0.0.1 "$@"; }
chmod 600 "$PKI/devices.key" "$PKI/stranger.key"
expect 5 'another key' init --authority "$PKI/devices.pem" --authority-key "$PKI/stranger.key"
key_ec "$PKI/leaf.key"
openssl req -new -key "$PKI/leaf.key" -subj /CN=leaf -out "$PKI/leaf.csr"
openssl x509 -req -in "$PKI/leaf.csr" -CA "$PKI/root.pem" -CAkey "$PKI/root.key" -CAcreateserial -days 30 -out "$PKI/leaf.pem" 2>/dev/null
expect 5 "not an authority" init --authority "$PKI/leaf.pem" --authority-key "$PKI/leaf.key"
key_rsa "$PKI/weak.key" 1024
chmod 600 "$PKI/weak.key"
root weak
expect 5 "does not come from the authority" init --authority "$PKI/weak.pem" --authority-key "$PKI/weak.key"
expect 2 'go with --authority' init --sign-command "$PKI/sign"
expect 2 'not both' init --authority "$PKI/devices.pem" --authority-key "$PKI/devices.key" --sign-command "$PKI/sign"
if [ ! -e "$WORK/hq.unfinished" ]; then ok; else bad "a refused init left something"; fi

# ---- 3. asked by hand ----
mood good
echo 400 >"$PKI/days"
expect 0 'server.csr' init --authority "$PKI/devices.pem"
openssl req -in "$WORK/hq/authority/server.csr" -noout -text >"$WORK/csr.txt"
if grep -q 'IP Address:127.0.0.1' "$WORK/csr.txt"; then ok; else bad "the request names no address"; fi
"$PKI/sign" server x <"$WORK/hq/authority/server.csr" >"$WORK/server.pem"
expect 0 'good until' "$HQ" certificate --dir "$WORK/hq" --from "$WORK/server.pem"
expect 4 'server.csr' "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --new-key
"$PKI/sign" server x <"$WORK/hq/authority/server.csr" >"$WORK/next.pem"
expect 5 'another key' "$HQ" certificate --dir "$WORK/hq" --from "$PKI/leaf.pem"
cp -r "$WORK/hq" "$WORK/hq.before"
expect 4 'server.csr' "$HQ" certificate --dir "$WORK/hq" --host 127.0.0.1 --host hq.example.org --host 2001:db8::1
"$PKI/sign" server x <"$WORK/hq/authority/server.csr" >"$WORK/fewer.pem"
expect 5 "fewer.pem: .*does not have '\(hq.example.org\|2001:db8:0:0:0:0:0:1\)', as authority/server.csr asks" \
    "$HQ" certificate --dir "$WORK/hq" --from "$WORK/fewer.pem"
expect 0 '' cmp "$WORK/hq/authority/server.pem" "$WORK/hq.before/authority/server.pem"
rm -rf "$WORK/hq"
mv "$WORK/hq.before" "$WORK/hq"
expect 0 'new key' "$HQ" certificate --dir "$WORK/hq" --from "$WORK/next.pem"
expect 5 'another key' "$HQ" certificate --dir "$WORK/hq" --from "$WORK/server.pem"
if [ ! -e "$WORK/hq/authority/server.key.next" ]; then ok; else bad "the key that waited lies there still"; fi
rm -rf "$WORK/hq"

# ---- 4. the example of docs/operations.md does what the text says of such a program ----
sed -n '/^        #!\/bin\/sh$/,/-extfile/s/^        //p' "$TOP/docs/operations.md" | sed "s|/etc/bank-pki|$PKI|" >"$PKI/example"
chmod +x "$PKI/example"
INIT_WITH=(--authority "$PKI/bundle.pem" --sign-command "$PKI/example")
SERVE_WITH=(--sign-command "$PKI/example" --workers 1)
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 --host localhost "${INIT_WITH[@]}" >/dev/null
hq_start
terminal_make four
t four init >/dev/null
serve_start four
expect 0 'Enrolled' t four enrol "$(code_for four)"
expect 0 'sotto time' openssl x509 -in "$WORK/hq/authority/time.pem" -noout -subject
expect 0 'DNS:localhost, IP Address:127.0.0.1\|IP Address:127.0.0.1, DNS:localhost' openssl x509 -in "$WORK/hq/authority/server.pem" -noout -text
serve_stop
hq_stop
expect 3 '' "$PKI/example" signer x
finish
