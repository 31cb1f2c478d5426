# A terminal on the same machine, installed and enrolled as its operator would.
cp $HERE/steps/sotto.json .
cp $OFFICE/authority/ca.pem authority.pem
cp $OFFICE/repo/1.root.json root.json
steps terminal
same "users" "990 991 992" "$(id -u sotto) $(id -u sotto-sync) $(id -u kiosk)"
folder() { same "$1" "$2" "$(stat -c '%a %U:%G' "$1")"; }
folder /data/sotto/vault "700 sotto:sotto"
folder /data/sotto/store "700 sotto:sotto"
folder /data/sotto/release "2750 sotto-sync:sotto-link"
folder /data/sotto/sync "700 sotto-sync:sotto-sync"
folder /run/sotto/api "2750 sotto:sotto-api"
sed -i "s/CODE/$(hq enrol-code --dir $OFFICE --device branch-12-atm-1 --json | sed -n 's/.*"code": *"\([^"]*\)".*/\1/p')/" $HERE/steps/start
steps start
same "serve" active "$(systemctl is-active sotto-serve)"
same "the API's socket" "sotto:sotto-api" "$(stat -c %U:%G /run/sotto/api/sotto.sock)"
expect 'branch-12-atm-1' hq devices --dir $OFFICE
expect 'sotto-sync.service' systemctl list-timers --no-pager sotto-sync.timer
same "the timer's next start" "01:00:00" "$(property sotto-sync.timer NextElapseUSecRealtime | awk '{ print $3 }')"
