# The demo's part about mode B: forty terminals in simulation, two aggregators, and one total that nobody could see parts of.
# Sourced by day.sh; everything is made in $DAY/modes.

MODES_FILL=$TOP/build/release/tests/hq/aggregate-fill

modes_hpke() { jq -r .hpke "$DAY/modes/$1/party.json"; }

modes_set_up() {
    local role
    mkdir -p "$DAY/modes"
    "$HQ" init --dir "$DAY/modes/hq" >/dev/null
    for role in leader helper collector; do "$HQ" aggregate init --dir "$DAY/modes/$role" --role $role >/dev/null; done
    "$HQ" aggregate pair --dir "$DAY/modes/leader" --party "$DAY/modes/helper/party.json" --party "$DAY/modes/collector/party.json" >/dev/null
    "$HQ" aggregate pair --dir "$DAY/modes/helper" --party "$DAY/modes/leader/party.json" --party "$DAY/modes/collector/party.json" >/dev/null
    "$HQ" aggregate pair --dir "$DAY/modes/collector" --party "$DAY/modes/leader/party.json" >/dev/null
    cat >"$DAY/modes/tasks.json" <<JSON
{ "format": "sotto-tasks", "version": 2, "lifetime_epsilon": 20,
  "aggregators": { "leader": "$(modes_hpke leader)", "helper": "$(modes_hpke helper)" },
  "tasks": [ { "name": "offers-two", "id": 7, "type": "offer-counts", "mode": "two-aggregators", "epsilon": 1, "bound": 8, "period_days": 1,
               "smallest_batch": 25, "cell_bits": 8, "tables": [ [ { "of": "campaign", "bins": ["saver", "loan"] }, { "of": "outcome" } ] ] } ] }
JSON
    for role in leader helper collector; do
        "$HQ" aggregate task --dir "$DAY/modes/$role" --tasks "$DAY/modes/tasks.json" >/dev/null
    done
}

modes_run() {
    local leader helper left=200
    leader=$(free_port) helper=$(free_port)
    "$HQ" aggregate --role helper --dir "$DAY/modes/helper" --listen "127.0.0.1:$helper" >>"$DAY/modes/helper.log" 2>&1 &
    BACKGROUND+=("$!")
    "$HQ" aggregate --role leader --dir "$DAY/modes/leader" --listen "127.0.0.1:$leader" --peer "https://127.0.0.1:$helper" \
        >>"$DAY/modes/leader.log" 2>&1 &
    BACKGROUND+=("$!")
    MODES_URL=https://127.0.0.1:$leader
    until "$HQ" aggregate forward --dir "$DAY/modes/collector" --office "$DAY/modes/hq" --peer "$MODES_URL" >/dev/null 2>&1 &&
        [ "$("$HQ" aggregate status --dir "$DAY/modes/leader" --json | jq .verified)" = 40 ]; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

two_aggregators() {
    modes_set_up || fail "mode B could not be set up"
    "$MODES_FILL" "$DAY/modes/hq" "$DAY/modes/tasks.json" 7 0 40 20000 >"$DAY/modes/exact" || fail "mode B: no reports"
    modes_run || fail "mode B: the reports were not verified: see $DAY/modes/leader.log"
    "$HQ" aggregate collect --dir "$DAY/modes/collector" --task 7 --peer "$MODES_URL" --json >"$DAY/modes/total.json" ||
        fail "mode B: the batch was not opened"
    say "the same in mode B: forty terminals in simulation send exact counts, each cut into two random shares for two aggregators."
    say "Each verified all forty, added its shares and its own noise (epsilon 1); only the sum was opened, beside the truth:"
    paste <(jq -r '.plus_minus as $e | .cells[] | [.cell, .count, $e] | @tsv' "$DAY/modes/total.json") "$DAY/modes/exact" |
        awk -F'\t' '{ printf "  %-16s %6s +-%-4s  truth %6s\n", $1, $2, $3, $4 }'
    say "in mode A the same total would carry forty draws of noise instead of two: an error of 72 instead of 16."
    figure mode_b "$(jq -c . "$DAY/modes/total.json")"
}
