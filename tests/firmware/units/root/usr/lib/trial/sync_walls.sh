# sync while it waits: no vault, no store, no kiosk's socket.
refused "sync sees the vault" in_view_of sotto-sync ls /data/sotto/vault/root.key
refused "sync sees the store" in_view_of sotto-sync sh -c 'ls /data/sotto/store/* && ls /data/sotto/store | grep -q .'
refused "sync sees the kiosk's socket" in_view_of sotto-sync test -S /run/sotto/api/sotto.sock
refused "sync writes /etc" in_view_of sotto-sync touch /etc/sotto/trial
expect '' in_view_of sotto-sync sh -c 'touch /data/sotto/sync/trial && rm /data/sotto/sync/trial'
same "sync: seccomp, new privileges, capabilities" "2 1 0000000000000000" "$(bits sotto-sync Seccomp) $(bits sotto-sync NoNewPrivs) $(bits sotto-sync CapEff)"
