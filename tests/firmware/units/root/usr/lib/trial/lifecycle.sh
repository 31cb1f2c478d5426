# Reload, kill, stop.
wait_for 30 healthy
main=$(pid_of sotto-collector)
expect '' systemctl reload sotto-collector
reloaded() { journalctl -b --no-pager -o cat -u sotto-collector | grep -q 'serve.reload.*done=true'; }
if wait_for 30 reloaded && healthy; then ok "reloaded"; else bad "reload: $(journalctl -b -o cat -u sotto-collector | tail -n 5)"; fi
same "the same process after the reload" "$main" "$(pid_of sotto-collector)"
came_back() { [ "$(pid_of "$1")" != 0 ] && [ "$(pid_of "$1")" != "$2" ] && active "$1"; }
kill -9 "$main"
if wait_for 60 came_back sotto-collector "$main" && wait_for 30 healthy; then ok "the collector came back"; else bad "the collector after kill -9"; fi
main=$(pid_of sotto-serve)
kill -9 "$main"
if wait_for 60 came_back sotto-serve "$main" && wait_for 30 decided; then ok "serve came back"; else bad "serve after kill -9"; fi
# stopped UNIT: it ends by itself, with 0, in time.
stopped() {
    local began=$EPOCHREALTIME took
    systemctl stop "$1"
    took=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
    same "$1 stopped" "success 0 inactive" "$(property "$1" Result) $(property "$1" ExecMainStatus) $(property "$1" ActiveState)"
    echo "trial: figure $1 stopped in $took ms"
}
stopped sotto-collector
stopped sotto-serve
