#!/bin/bash
# Stock clients at the collector's doors: curl and openssl enrol, fetch and upload; what must be refused is.
# Arguments: SOTTO_HQ. Skipped (77) where curl or openssl is absent.
set -euo pipefail
HQ=$1
command -v curl >/dev/null && command -v openssl >/dev/null || { echo "skipped: needs curl and openssl"; exit 77; }
WORK=$(mktemp -d)
PASSED=0 FAILED=0 SERVER=
end() {
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$WORK"
}
trap end EXIT
ok() { PASSED=$((PASSED + 1)); }
bad() { FAILED=$((FAILED + 1)); echo "FAIL $*"; }
yes() { if "$@" >"$WORK/said" 2>&1 </dev/null; then ok; else bad "$*: $(tail -c 400 "$WORK/said")"; fi; }
no() { if "$@" >"$WORK/said" 2>&1 </dev/null; then bad "not refused: $*"; else ok; fi; }
says() { if grep -q -- "$1" "$WORK/said"; then ok; else bad "did not say '$1': $(tail -c 400 "$WORK/said")"; fi; }

start() { # options before the command
    : >"$WORK/line"
    "$HQ" "$@" serve --dir "$WORK/hq" --listen 127.0.0.1:0 --enrol-listen 127.0.0.1:0 --health 127.0.0.1:0 \
        >"$WORK/line" 2>>"$WORK/log" &
    SERVER=$!
    for _ in $(seq 200); do
        grep -q listening "$WORK/line" && break
        sleep 0.05
    done
    read -r _ devices enrol health _ <"$WORK/line"
    DEVICES=https://127.0.0.1:${devices#*=} ENROL=https://127.0.0.1:${enrol#*=} HEALTH=http://127.0.0.1:${health#*=}
}
stop() { kill -TERM "$SERVER"; if wait "$SERVER"; then ok; else bad "serve ended with $?"; fi; SERVER=; }

"$HQ" init --dir "$WORK/hq" --name 'Stock Bank' >/dev/null
CA=$WORK/hq/authority/ca.pem
code() { "$HQ" enrol-code --dir "$WORK/hq" --device "$1" --json | sed 's/.*"code": *"\([^"]*\)".*/\1/'; }
device() { # NAME: a key, a request, and a certificate for it over the enrolment door
    local key
    openssl ecparam -name prime256v1 -genkey -noout -out "$WORK/$1.key"
    openssl req -new -key "$WORK/$1.key" -subj "/CN=anything" -out "$WORK/$1.csr"
    key=$(openssl ec -in "$WORK/$1.key" -pubout -outform DER 2>/dev/null | tail -c 65 | od -An -v -tx1 | tr -d ' \n')
    awk -v code="$2" -v key="$key" 'BEGIN{printf "{\"code\":\"%s\",\"report_key\":\"%s\",\"csr\":\"", code, key}
        {printf "%s\\n", $0} END{printf "\"}"}' "$WORK/$1.csr" >"$WORK/$1.json"
    curl -sS --cacert "$CA" --data-binary @"$WORK/$1.json" -w '%{http_code}' -o "$WORK/$1.answer" "$ENROL/v1/enrol"
}

# ---- curl ----
start
yes curl -sS -f "$HEALTH/healthz"
says '"status":"ok"'
yes curl -sS -f "$HEALTH/readyz"
says '"status":"ready"'
CODE=$(code atm-1)
[ "$(device atm-1 0000-0000-0000-0000)" = 403 ] && ok || bad "a wrong code was taken"
[ "$(device atm-1 "$CODE")" = 200 ] && ok || bad "enrolment by curl: $(cat "$WORK/atm-1.answer")"
sed 's/.*"certificate":"\([^"]*\)".*/\1/; s/\\n/\n/g' "$WORK/atm-1.answer" >"$WORK/atm-1.pem"
yes openssl verify -CAfile "$CA" -purpose sslclient "$WORK/atm-1.pem"
no openssl verify -CAfile "$CA" -purpose sslserver "$WORK/atm-1.pem"
yes openssl x509 -in "$WORK/atm-1.pem" -noout -subject
says 'CN *= *atm-1'
mine=(--cacert "$CA" --cert "$WORK/atm-1.pem" --key "$WORK/atm-1.key")
yes curl -sS -f --tlsv1.3 "${mine[@]}" -o "$WORK/root" "$DEVICES/v1/release/1.root.json"
yes cmp "$WORK/root" "$WORK/hq/repo/1.root.json"
answer() { curl -sS --path-as-is -o "$WORK/said" -w '%{http_code}' "$@"; }
expect() { local code=$1 got; shift; got=$(answer "$@" 2>&1) || true; [ "$got" = "$code" ] && ok || bad "$got, not $code: $*"; }
expect 404 "${mine[@]}" "$DEVICES/v1/release/timestamp.json"
expect 404 "${mine[@]}" "$DEVICES/v1/release/../registry.db"
expect 404 "${mine[@]}" "$DEVICES/v1/release/%2e%2e/registry.db"
expect 404 "${mine[@]}" "$DEVICES/"
expect 400 "${mine[@]}" -T "$WORK/hq/repo/1.root.json" "$DEVICES/v1/reports/1"
says '"error"'
head -c 200000 /dev/zero >"$WORK/large"
expect 413 "${mine[@]}" -H 'Expect:' -T "$WORK/large" "$DEVICES/v1/reports/1"

# ---- refused ----
no curl -sS -f --cacert "$CA" "$DEVICES/v1/release/1.root.json"
says 'alert certificate required'
no curl -sS -f --tls-max 1.2 "${mine[@]}" "$DEVICES/v1/release/1.root.json"
says 'alert protocol version'
no curl -sS -f --tls-max 1.2 --cacert "$CA" "$ENROL/v1/enrol"
no curl -sS -f "${mine[@]}" "http://${DEVICES#https://}/v1/release/1.root.json"
"$HQ" init --dir "$WORK/other" >/dev/null
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$WORK/self.key" -subj /CN=atm-1 -days 9 \
    -out "$WORK/self.pem" 2>/dev/null
no curl -sS -f --cacert "$CA" --cert "$WORK/self.pem" --key "$WORK/self.key" "$DEVICES/v1/release/1.root.json"
says 'alert unknown ca'
no curl -sS -f --cacert "$WORK/other/authority/ca.pem" --cert "$WORK/atm-1.pem" --key "$WORK/atm-1.key" "$DEVICES/"
# The server's own certificate is none of a device's.
no curl -sS -f --cacert "$CA" --cert "$WORK/hq/authority/server.pem" --key "$WORK/hq/authority/server.key" \
    "$DEVICES/v1/release/1.root.json"
says 'alert unsupported certificate'

# ---- openssl s_client ----
s_client() { timeout 10 openssl s_client -connect "${DEVICES#https://}" -CAfile "$CA" -verify_return_error "$@"; }
request() { printf 'GET /v1/release/1.root.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'; }
request | s_client -tls1_3 -quiet -cert "$WORK/atm-1.pem" -key "$WORK/atm-1.key" >"$WORK/said" 2>&1 || true
says 'HTTP/1.1 200'
no s_client -tls1_2 -cert "$WORK/atm-1.pem" -key "$WORK/atm-1.key"
says 'alert protocol version'
request | s_client -tls1_3 -ign_eof >"$WORK/said" 2>&1 || true
says 'alert certificate required'

request | s_client -tls1_3 -ign_eof -cert "$WORK/self.pem" -key "$WORK/self.key" >"$WORK/said" 2>&1 || true
says 'alert unknown ca'
# New keys in the midst (RFC 8446 section 4.6.3), which Mbed TLS 3.6 does not do: told, not just hung up on. s_client takes the letter
# for a command when it comes alone, and writes the message before the next data.
mkfifo "$WORK/typed"
s_client -tls1_3 -cert "$WORK/atm-1.pem" -key "$WORK/atm-1.key" <"$WORK/typed" >"$WORK/said" 2>&1 &
typing=$!
(
    until grep -q 'Verify return code' "$WORK/said" || ! kill -0 "$typing" 2>/dev/null; do sleep 0.05; done
    echo k
    while kill -0 "$typing" 2>/dev/null; do
        sleep 0.1
        echo x
    done
) >"$WORK/typed" 2>/dev/null || true
wait "$typing" || true
says KEYUPDATE
says 'alert unexpected message'

# ---- who watches over it ----
yes curl -sS -f "$HEALTH/metrics"
says '^sotto_tls_handshakes_total [1-9]'
says '^sotto_tls_refused_total [1-9]'
says '^sotto_alarms_total{kind="not_genuine"} 1$'
grep -q 'atm-1' "$WORK/said" && bad "a device's name among the figures" || ok
expect 404 "$HEALTH/v1/release/1.root.json"

# ---- a new certificate without an end to the service ----
fingerprint() { { s_client -tls1_3 </dev/null 2>/dev/null || true; } | openssl x509 -noout -fingerprint 2>/dev/null; }
BEFORE=$(fingerprint)
openssl req -new -key "$WORK/hq/authority/server.key" -subj /CN=collector -out "$WORK/server.csr"
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n' >"$WORK/ext"
cp "$WORK/hq/authority/server.pem" "$WORK/server.before"
openssl x509 -req -in "$WORK/server.csr" -CA "$CA" -CAkey "$WORK/hq/authority/ca.key" -CAcreateserial -days 30 \
    -extfile "$WORK/ext" -out "$WORK/hq/authority/server.pem" 2>/dev/null
kill -HUP "$SERVER"
for _ in $(seq 100); do grep -q 'serve.reload' "$WORK/log" && break; sleep 0.1; done
[ "$(fingerprint)" != "$BEFORE" ] && ok || bad "the old certificate after SIGHUP"
echo nonsense >"$WORK/hq/authority/server.pem"
kill -HUP "$SERVER"
for _ in $(seq 100); do grep -q 'serve.reload done=false' "$WORK/log" && break; sleep 0.1; done
expect 200 "${mine[@]}" "$DEVICES/v1/release/1.root.json" # a bad one changes nothing
cp "$WORK/server.before" "$WORK/hq/authority/server.pem"
read -r worker _ <"/proc/$SERVER/task/$SERVER/children" || true # a worker that dies is started again
kill -KILL "$worker"
for _ in $(seq 100); do grep -q 'worker.restart' "$WORK/log" && break; sleep 0.1; done
sleep 1.5
expect 200 "${mine[@]}" "$DEVICES/v1/release/1.root.json"

# ---- revoked, and a certificate that has ended ----
yes "$HQ" revoke --dir "$WORK/hq" --device atm-1
expect 403 "${mine[@]}" "$DEVICES/v1/release/1.root.json"
says 'revoked'
[ "$(device atm-1 "$(code atm-1)")" = 200 ] && ok || bad "a new code lets it in again"
sed 's/.*"certificate":"\([^"]*\)".*/\1/; s/\\n/\n/g' "$WORK/atm-1.answer" >"$WORK/atm-1.pem"
expect 200 "${mine[@]}" "$DEVICES/v1/release/1.root.json"
stop
start --clock-offset 31708800 # 367 days on
no curl -sS -f "${mine[@]}" "$DEVICES/v1/release/1.root.json"
request | s_client -tls1_3 -ign_eof -no_check_time -cert "$WORK/atm-1.pem" -key "$WORK/atm-1.key" >"$WORK/said" 2>&1 || true
says 'alert certificate expired'
stop

# ---- what must not stand in a log ----
grep -q 'enrol.accepted device=atm-1' "$WORK/log" && ok || bad "no line about the enrolment"
grep -q "${CODE//-/.}" "$WORK/log" && bad "the code stands in the log" || ok
echo "$PASSED passed, $FAILED failed"
[ "$FAILED" = 0 ]
