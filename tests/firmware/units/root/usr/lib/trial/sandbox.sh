# The walls hold: looked at from within each service's own view of the files, as root, and tried with the service's own user and filters.
for unit in sotto-serve sotto-collector; do
    for path in /etc/trial /usr/bin/trial /var/trial /root/trial /home/trial; do refused "$unit writes $path" in_view_of $unit touch $path; done
    refused "$unit sees the disk" in_view_of $unit test -e /dev/vda
    same "$unit: seccomp, new privileges, capabilities" "2 1 0000000000000000" "$(bits $unit Seccomp) $(bits $unit NoNewPrivs) $(bits $unit CapEff)"
    peak $unit
done
refused "serve sees sync's folder" in_view_of sotto-serve ls /data/sotto/sync/device.key
refused "serve writes the release" in_view_of sotto-serve touch /data/sotto/release/trial
same "serve's network" "lo" "$(awk -F: 'NR > 2 { gsub(/ /, "", $1); print $1 }' "/proc/$(pid_of sotto-serve)/net/dev")"
refused "the collector sees root's key" in_view_of sotto-collector grep -q . $OFFICE/keys/root.key
refused "the collector sees targets' key" in_view_of sotto-collector grep -q . $OFFICE/keys/targets.key
expect '' in_view_of sotto-collector sh -c "touch $OFFICE/trial && rm $OFFICE/trial"
# probe UNIT: a drop-in runs $HERE/probe beside it, under all that the unit says.
probe() {
    mkdir -p "/run/systemd/system/$1.service.d"
    printf '[Service]\nExecStartPost=%s/probe %s\n' $HERE "${*:2}" >"/run/systemd/system/$1.service.d/probe.conf"
    systemctl daemon-reload
    systemctl restart "$1"
    rm "/run/systemd/system/$1.service.d/probe.conf"
    systemctl daemon-reload
    while read -r what answer; do same "$1: $what" no "$answer"; done < <(journalctl -b --no-pager -o cat -u "$1" | sed -n 's/^probe: //p')
}
# The password for PostgreSQL as the unit's first lines say: libpq leaves a file alone that others may read.
mkdir -p /etc/sotto-hq /run/systemd/system/sotto-collector.service.d
(umask 077 && echo 'db.example.org:5432:sotto:sotto:secret' >/etc/sotto-hq/pgpass)
{ echo '[Service]' && sed -n 's/^#   \(LoadCredential=\|Environment=\)/\1/p' firmware/collector/sotto-collector.service; } >/run/systemd/system/sotto-collector.service.d/pgpass.conf
probe sotto-serve serve /data/sotto/vault /data/sotto/store /run/sotto/api /run/sotto/link
probe sotto-collector collector $OFFICE $OFFICE/repo
pgpass=$(tr '\0' '\n' <"/proc/$(pid_of sotto-collector)/environ" | sed -n 's/^PGPASSFILE=//p')
same "PGPASSFILE of the collector" "400 sotto-hq secret" "$(in_view_of sotto-collector stat -c '%a %U' "$pgpass") $(in_view_of sotto-collector \
    setpriv --reuid sotto-hq --regid sotto-hq --clear-groups sed 's/.*://' "$pgpass")"
rm /run/systemd/system/sotto-collector.service.d/pgpass.conf
systemctl daemon-reload
for unit in sotto-serve:10 sotto-sync:20 sotto-collector:15; do
    expect '' systemd-analyze security --no-pager --threshold="${unit#*:}" "${unit%:*}.service"
    echo "trial: figure $(systemd-analyze security --no-pager "${unit%:*}.service" | tail -n 1)"
done
