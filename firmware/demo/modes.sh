# The demo's part about mode B: the day's terminal and forty in simulation, two aggregators, and one total that nobody could see parts of.
# Sourced by day.sh; everything is made in $DAY/modes.

MODES_FILL=$TOP/build/release/tests/hq/aggregate-fill

modes_hpke() { jq -r .hpke "$DAY/modes/$1/party.json"; }

# Keys of the three parties, which know each other: before the release, which names the two.
modes_parties() {
    local role
    mkdir -p "$DAY/modes"
    for role in leader helper collector; do "$HQ" aggregate init --dir "$DAY/modes/$role" --role $role >/dev/null; done
    "$HQ" aggregate pair --dir "$DAY/modes/leader" --party "$DAY/modes/helper/party.json" --party "$DAY/modes/collector/party.json" >/dev/null
    "$HQ" aggregate pair --dir "$DAY/modes/helper" --party "$DAY/modes/leader/party.json" --party "$DAY/modes/collector/party.json" >/dev/null
    "$HQ" aggregate pair --dir "$DAY/modes/collector" --party "$DAY/modes/leader/party.json" >/dev/null
}

# The bank's own tasks, or one by itself where the day was lived on another table.
modes_tasks() {
    local role
    [ -d "$DAY/modes" ] || modes_parties
    MODES_OFFICE=$DAY/hq MODES_TASKS=$DAY/bank/tasks.json MODES_OWN=1
    if ! grep -q two-aggregators "$MODES_TASKS"; then
        MODES_OFFICE=$DAY/modes/hq MODES_TASKS=$DAY/modes/tasks.json MODES_OWN=0
        "$HQ" init --dir "$MODES_OFFICE" >/dev/null
        cat >"$MODES_TASKS" <<JSON
{ "format": "sotto-tasks", "version": 2, "lifetime_epsilon": 20,
  "aggregators": { "leader": "$(modes_hpke leader)", "helper": "$(modes_hpke helper)" },
  "tasks": [ { "name": "offers-two", "id": 7, "type": "offer-counts", "mode": "two-aggregators", "epsilon": 1, "bound": 8, "period_days": 1,
               "smallest_batch": 25, "cell_bits": 8, "tables": [ [ { "of": "campaign", "bins": ["saver", "loan"] }, { "of": "outcome" } ] ] } ] }
JSON
    fi
    for role in leader helper collector; do
        "$HQ" aggregate task --dir "$DAY/modes/$role" --tasks "$MODES_TASKS" >/dev/null
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
    until "$HQ" aggregate forward --dir "$DAY/modes/collector" --office "$MODES_OFFICE" --peer "$MODES_URL" >/dev/null 2>&1 &&
        [ "$("$HQ" aggregate status --dir "$DAY/modes/leader" --json | jq .verified)" = $((40 + MODES_OWN)) ]; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

# The exact sums: the simulated terminals' and, of the terminal that lived the day, what it counted.
modes_truth() {
    local own=(0 0 0 0 0)
    [ $MODES_OWN = 0 ] || mapfile -t own < <(jq -r '[.campaigns[] | {(.campaign): [.counted_shown, .counted_taken]}] | add
        | [0, .saver[0] // 0, .saver[1] // 0, .loan[0] // 0, .loan[1] // 0][]' "$DAY/share/truth.json")
    paste "$DAY/modes/exact" <(printf '%s\n' "${own[@]}") | awk '{ print $1 + $2 }'
}

two_aggregators() {
    local day=20000
    modes_tasks || fail "mode B could not be set up"
    [ $MODES_OWN = 0 ] || day=$(($(date -ud "$(jq -r .from "$DAY/totals.json")" +%s) / 86400))
    "$MODES_FILL" "$MODES_OFFICE" "$MODES_TASKS" 7 0 40 $day >"$DAY/modes/exact" || fail "mode B: no reports"
    modes_run || fail "mode B: the reports were not verified: see $DAY/modes/leader.log"
    "$HQ" aggregate collect --dir "$DAY/modes/collector" --task 7 --peer "$MODES_URL" --json >"$DAY/modes/total.json" ||
        fail "mode B: the batch was not opened"
    if [ $MODES_OWN = 1 ]; then
        say "the same in mode B: this terminal's report of the day and those of forty more in simulation, exact counts, each cut into two"
        say "random shares for two aggregators."
    else
        say "the same in mode B: forty terminals in simulation send exact counts, each cut into two random shares for two aggregators."
    fi
    say "Each verified all $((40 + MODES_OWN)), added its shares and its own noise (epsilon 1); only the sum was opened, beside the truth:"
    paste <(jq -r '.plus_minus as $e | .cells[] | [.cell, .count, $e] | @tsv' "$DAY/modes/total.json") <(modes_truth) |
        awk -F'\t' '{ printf "  %-16s %6s +-%-4s  truth %6s\n", $1, $2, $3, $4 }'
    say "head office reads it as the reports of mode A (sotto-hq totals --collected):"
    "$HQ" totals --collected "$DAY/modes/collector" --task 7 | sed 's/^/  /' || fail "mode B: totals could not be read"
    say "in mode A the same total would carry a draw of noise from each terminal instead of two: an error of 72 instead of 16."
    figure mode_b "$(jq -c . "$DAY/modes/total.json")"
}
