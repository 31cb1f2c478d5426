# The store's key in the keyring of serve's user, where an operator puts it, with the drop-in that docs/operations.md names; without it, it is refused.
sed -i 's|"vault":|"key": { "provider": "keyring", "name": "sotto:root" }, "vault":|' /etc/sotto/sotto.json
# shellcheck disable=SC2016 # expanded by the shell that is started
runuser -u sotto -- sh -c 'keyctl padd user sotto:root @u </data/sotto/vault/root.key' >/dev/null
mv /data/sotto/vault/root.key /run/
refused "serve has the key without the drop-in" systemctl start sotto-serve
systemctl stop sotto-serve
systemctl reset-failed sotto-serve
mkdir -p /run/systemd/system/sotto-serve.service.d
printf '[Service]\nKeyringMode=shared\n' >/run/systemd/system/sotto-serve.service.d/keyring.conf
systemctl daemon-reload
expect '' systemctl start sotto-serve
if wait_for 20 decided; then ok "the key of the keyring"; else bad "the key of the keyring: $(journalctl -b -o cat -u sotto-serve | tail -n 5)"; fi
stopped sotto-serve
rm /run/systemd/system/sotto-serve.service.d/keyring.conf
sed -i 's|"key": {[^}]*}, ||' /etc/sotto/sotto.json
mv /run/root.key /data/sotto/vault/
systemctl daemon-reload
