#!/bin/bash
# What may stand between a terminal and head office. In front of the collector: nginx that passes TCP on (stream), so that TLS has both
# its ends as before and head office sees each terminal's certificate. On the terminal's side: an HTTP proxy with credentials (tinyproxy).
# Arguments: SOTTO SOTTO_HQ KIOSK_APP. Skipped (77) without nginx with its stream module; tinyproxy's part only where it is.
command -v nginx >/dev/null || { echo "skipped: needs nginx"; exit 77; }
. "$(dirname "$0")/../kiosk/bank.sh" "$1" "$2" "$3"
MODULE=$(find /usr/lib/nginx/modules -name ngx_stream_module.so 2>/dev/null | head -n 1) || true
[ -n "$MODULE" ] || { echo "skipped: needs nginx's stream module (Debian: libnginx-mod-stream)"; exit 77; }
bank_open
FRONT=$(free_port) FRONT_ENROL=$(free_port) PROXY=$(free_port)
mkdir -p "$WORK/nginx"
user=; [ "$(id -u)" != 0 ] || user='user root;'
cat >"$WORK/nginx/conf" <<CONF
load_module $MODULE;
daemon off; $user worker_processes 1; pid $WORK/nginx/pid; error_log $WORK/nginx/error.log;
events { worker_connections 256; }
stream {
    log_format bytes '\$server_port \$bytes_received \$bytes_sent';
    access_log $WORK/nginx/bytes bytes;
    server { listen 127.0.0.1:$FRONT; proxy_pass 127.0.0.1:$PORT; }
    server { listen 127.0.0.1:$FRONT_ENROL; proxy_pass 127.0.0.1:$ENROL_PORT; }
}
CONF
nginx -c "$WORK/nginx/conf" -p "$WORK/nginx" -e "$WORK/nginx/error.log" &
PIDS+=($!)
wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$FRONT" || bad "nginx does not listen: $(cat "$WORK/nginx/error.log")"

terminal_make kiosk-1
sed -i "s/:$PORT/:$FRONT/; s/:$ENROL_PORT/:$FRONT_ENROL/" "$WORK/kiosk-1/sotto.json"
t kiosk-1 init >/dev/null
serve_start kiosk-1
expect 0 'Enrolled as kiosk-1' t kiosk-1 enrol "$(code_for kiosk-1)"
expect 0 'Release 1 fetched and verified' t kiosk-1 sync
expect 0 'Release 1 is the newest' t kiosk-1 sync
expect 0 'kiosk-1' "$HQ" devices --dir "$WORK/hq"
wait_for 20 grep -q "^$FRONT " "$WORK/nginx/bytes" || true
# Up and down, as nginx counted them: the night with its release, and one without news.
awk -v port="$FRONT" '$1 == port { printf "a connection of a night: %s bytes up, %s down\n", $2, $3 }' "$WORK/nginx/bytes"
expect 0 "^$FRONT " cat "$WORK/nginx/bytes"
serve_stop

if command -v tinyproxy >/dev/null; then
    cat >"$WORK/tinyproxy.conf" <<CONF
Port $PROXY
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 60
BasicAuth kiosk secret
ConnectPort $PORT
ConnectPort $ENROL_PORT
CONF
    tinyproxy -d -c "$WORK/tinyproxy.conf" >"$WORK/tinyproxy.log" 2>&1 &
    PIDS+=($!)
    wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PROXY" || bad "tinyproxy does not listen"
    terminal_make kiosk-2
    sed -i "s|\"authority\"|\"proxy\": \"http://127.0.0.1:$PROXY\", \"proxy_credentials\": \"$WORK/kiosk-2/credentials\", \"authority\"|" \
        "$WORK/kiosk-2/sotto.json"
    (umask 077; echo 'kiosk:wrong' >"$WORK/kiosk-2/credentials")
    t kiosk-2 init >/dev/null
    serve_start kiosk-2
    CODE=$(code_for kiosk-2)
    expect 5 'does not take our credentials' t kiosk-2 enrol "$CODE"
    echo 'kiosk:secret' >"$WORK/kiosk-2/credentials"
    expect 0 'Enrolled as kiosk-2' t kiosk-2 enrol "$CODE"
    expect 0 'Release 1 fetched and verified' t kiosk-2 sync
    chmod 644 "$WORK/kiosk-2/credentials"
    expect 5 'others than its owner' t kiosk-2 sync
    serve_stop
fi
grep -rq 'secret' "$WORK"/kiosk-2/*.log && bad "credentials in a log" || ok
finish
