# What a filter refuses is answered with EPERM and leaves no trace. So the same once more with death in its place: nothing that the programs call is refused.
for unit in sotto-serve sotto-sync sotto-collector; do
    mkdir -p "/run/systemd/system/$unit.service.d"
    printf '[Service]\nSystemCallErrorNumber=kill\n' >"/run/systemd/system/$unit.service.d/kill.conf"
done
systemctl daemon-reload
systemctl start sotto-collector sotto-serve
wait_for 30 healthy
wait_for 30 decided
expect '"offers"\|"campaign"' decided
expect '' systemctl start sotto-sync
expect '' systemctl reload sotto-collector
sleep 3
expect '' healthy
same "reports counted" 1 "$(reports)"
same "started anew" "0 0" "$(property sotto-collector NRestarts) $(property sotto-serve NRestarts)"
stopped sotto-collector
stopped sotto-serve
