# The shipped unit waits for the terminal's own moment; a drop-in lets it begin at once. Then a night that the timer itself starts.
systemctl start --no-block sotto-sync
waiting() { [ "$(pid_of sotto-sync)" != 0 ] && [ "$(bits sotto-sync Seccomp)" = 2 ]; }
wait_for 30 waiting
sleep 3
same "sync as shipped" "activating sotto-sync" "$(property sotto-sync ActiveState) $(ps -o user:20= -p "$(pid_of sotto-sync)" | tr -d ' ')"
mkdir -p /run/systemd/system/sotto-sync.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/bin/sotto sync --until-done\nExecStopPost=+/usr/bin/cp /sys/fs/cgroup/system.slice/sotto-sync.service/memory.peak /run/sync.peak\n' \
    >/run/systemd/system/sotto-sync.service.d/trial.conf
. $HERE/sync_walls.sh
systemctl stop sotto-sync
same "sync stopped while it waited" "success inactive" "$(property sotto-sync Result) $(property sotto-sync ActiveState)"
systemctl daemon-reload
expect '' systemctl start sotto-sync
same "the first sync" "success 0" "$(property sotto-sync Result) $(property sotto-sync ExecMainStatus)"
systemctl stop sotto-serve
expect 'customer' runuser -u sotto -- sotto import bank/customers.csv
systemctl start sotto-serve
wait_for 30 test -S /run/sotto/api/sotto.sock
CUSTOMER=$(sed -n 2p bank/customers.csv | cut -d, -f1)
decided() { runuser -u kiosk -- sotto decide --customer "$CUSTOMER" --json; }
wait_for 20 decided
expect '"offers"\|"campaign"' decided
# The clock passes one o'clock of the next day: it is the timer that starts sync.
before=$(property sotto-sync InvocationID)
date -u -s "$(date -u -d tomorrow +%Y-%m-%d) 01:00:30"
again() { [ "$(property sotto-sync InvocationID)" != "$before" ] && ! [ "$(property sotto-sync ActiveState)" = activating ]; }
if wait_for 120 again; then ok "the timer started sync"; else bad "the timer did not start sync: $(property sotto-sync ActiveState)"; fi
same "the night" "success 0" "$(property sotto-sync Result) $(property sotto-sync ExecMainStatus)"
echo "trial: figure sotto-sync: at most $(($(cat /run/sync.peak) / 1048576)) MB"
reports() { hq devices --dir $OFFICE --json | sed -n 's/.*"reports": *\([0-9]*\).*/\1/p'; }
same "reports counted" 1 "$(reports)"
expect 'report' hq totals --dir $OFFICE --from 2020-01-01 --to 2079-01-01
hq devices --dir $OFFICE
expect 'told by head office\|ok' sotto doctor
# Root, who looked, left nothing behind that the users of the units cannot read.
same "files of root's" "" "$(find /data/sotto/*/ $OFFICE -user root)"
