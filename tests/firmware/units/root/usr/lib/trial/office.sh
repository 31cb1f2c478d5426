# Head office, installed and started as its operator would; a release.
steps office
same "the collector's user" "/srv/sotto-hq:/usr/sbin/nologin" "$(getent passwd sotto-hq | cut -d: -f6-7)"
wait_for 30 healthy
same "/healthz" 200 "$(health healthz)"
same "/readyz" 200 "$(health readyz)"
expect '^sotto_requests_total' curl -s http://127.0.0.1:8480/metrics
expect '' port_open 8443
expect '' port_open 8444
same "the collector runs as" sotto-hq "$(ps -o user:20= -p "$(pid_of sotto-collector)" | tr -d ' ')"
same "enabled" enabled "$(systemctl is-enabled sotto-collector)"
expect 'release' hq publish --dir $OFFICE --model bank/model.sotto --dictionary bank/dictionary.json --catalogue bank/catalogue.json \
    --policy bank/policy.json --tasks bank/tasks.json
