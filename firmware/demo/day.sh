# The day that ./demo lives through. Sourced by ./demo; TOP is the tree, and the current folder.

. toolchain/lib/progress.sh
. toolchain/lib/port.sh
. firmware/demo/modes.sh

DATA='' LABEL=y DROPS=() NATIVE=no ARCH=armv7 FIGURES='' CUSTOMERS=5000 SEED=1
DAY=$TOP/build/demo
HQ=$TOP/build/release/src/hq/sotto-hq
BACKGROUND=()

# ---- telling ----

if [ -t 1 ]; then BOLD=$'\e[1m' PLAIN=$'\e[0m'; else BOLD='' PLAIN=''; fi
chapter() { printf '\n%s%s%s\n' "$BOLD" "$*" "$PLAIN"; }
say() { printf '  %s\n' "$*"; }
fail() { printf './demo: %s\n' "$*" >&2; exit 1; }
# figure NAME JSON_VALUE: collected for --figures.
figure() { printf '%s\t%s\n' "$1" "$2" >>"$DAY/figures.tsv"; }

# step WORDS COMMAND...: says what takes long and how long it took; the command's output goes to build/demo.log.
step() {
    local words="  $1 ..." start=$SECONDS status=0
    shift
    progress_begin "$words" "$TOP/build/demo.log"
    "$@" >>"$TOP/build/demo.log" 2>&1 || status=$?
    progress_end "$words"
    if [ $status -ne 0 ]; then
        printf ' failed\n'
        tail -n 30 "$TOP/build/demo.log" >&2
        exit 1
    fi
    printf ' %d s\n' "$((SECONDS - start))"
}

# ---- preparation ----

demo_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage; exit 0 ;;
            --native) NATIVE=yes; shift; continue ;;
            --data | --label | --drop | --arch | --figures | --customers | --seed) ;;
            *) usage >&2; printf '\n./demo: unknown option %s\n' "$1" >&2; exit 2 ;;
        esac
        [ $# -ge 2 ] || { echo "./demo: $1 needs a value" >&2; exit 2; }
        case $1 in
            --data) DATA=$(realpath -- "$2") ;;
            --label) LABEL=$2 ;;
            --drop) DROPS+=("$2") ;;
            --arch) ARCH=$2 ;;
            --figures) FIGURES=$(realpath -m -- "$2") ;;
            --customers) CUSTOMERS=$2 ;;
            --seed) SEED=$2 ;;
        esac
        shift 2
    done
    case $ARCH in armv7 | aarch64) ;; *) echo "./demo: --arch is armv7 or aarch64" >&2; exit 2 ;; esac
    [ -z "$DATA" ] || { [ -f "$DATA" ] && [ -r "$DATA" ]; } || { echo "./demo: cannot read $DATA" >&2; exit 2; }
    [ ${#DROPS[@]} -gt 0 ] || DROPS=(duration)
}

configure_and_build() {
    local preset=$1
    shift
    [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" || return 1
    cmake --build "build/$preset" --target "$@"
}

build_all() {
    mkdir -p build
    : >build/demo.log
    if [ "$NATIVE" = yes ]; then toolchain/setup --need demo-native; else toolchain/setup --need demo host "$ARCH"; fi
    step "building sotto-hq" configure_and_build release sotto-hq slowline sotto kiosk-app aggregate-fill
    [ "$NATIVE" = yes ] || step "building sotto for $ARCH" configure_and_build "$ARCH" sotto kiosk-app
}

clean_up() {
    local pid
    # The native terminal is a session of its own, out of reach of this one's Ctrl-C. (No group file: nothing to end.)
    if [ -s "$DAY/terminal/group" ]; then kill -TERM -- "-$(cat "$DAY/terminal/group")" 2>/dev/null || true; fi
    for pid in ${BACKGROUND[@]+"${BACKGROUND[@]}"}; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
}

# wait_for FILE PATTERN SECONDS
wait_for() {
    local left=$(($3 * 20))
    until grep -q -- "$2" "$1" 2>/dev/null; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.05
    done
}

# ---- 1. head office ----

# The bank's tasks, for a demo that has one terminal and one day: a day's period, five times the epsilon, no small rows withheld.
# And one task more, for two aggregators.
demo_tasks() {
    modes_parties || fail "mode B could not be set up"
    jq --arg leader "$(modes_hpke leader)" --arg helper "$(modes_hpke helper)" '
        .aggregators = { leader: $leader, helper: $helper }
        | .tasks |= map(del(.smallest_batch, .quota_epsilon) | .period_days = 1
                        | if .type == "health" then . else .epsilon = (.epsilon * 5000000 | round) / 1000000 end)
        | .tasks += [{ name: "offers-two", id: 7, type: "offer-counts", mode: "two-aggregators", epsilon: 1, bound: 8, period_days: 1,
                       smallest_batch: 25, cell_bits: 8, tables: [[{ of: "campaign", bins: ["saver", "loan"] }, { of: "outcome" }]] }]' \
        docs/examples/bank/tasks.json >"$DAY/bank/tasks.json"
}

population() {
    local with=("$HQ" population --customers "$CUSTOMERS" --seed "$SEED" -o "$DAY/bank") drop drops=()
    mkdir -p "$DAY/bank"
    if [ -z "$DATA" ]; then
        step "a bank of $CUSTOMERS customers" "${with[@]}" --examples docs/examples/bank
        cp docs/examples/bank/*.json "$DAY/bank/"
        demo_tasks
        LABEL=taken
        return
    fi
    for drop in "${DROPS[@]}"; do drops+=(--drop "$drop"); done
    mkdir -p "$DAY/table"
    step "tags and recipe from the table's columns" "$HQ" describe "$DATA" --label "$LABEL" "${drops[@]}" -o "$DAY/table"
    step "customers from the table's rows" "${with[@]}" --from "$DATA" --label "$LABEL" "${drops[@]}" \
        --dictionary "$DAY/table/dictionary.json"
    cp "$DAY/table/recipe.json" docs/examples/table/*.json "$DAY/bank/"
}

# (What runs under `step` must end at its first failure by itself: there bash ignores `set -e`.)
# Trains on four fifths of the rows and compiles; the proof is made on all rows, the figures on the fifth held out.
# train_and_compile SPLIT MODEL: random, or time (the last fifth in file order).
train_and_compile() {
    local b=$DAY/bank
    "$HQ" train --data "$b/contacts.csv" --dictionary "$b/dictionary.json" --recipe "$b/recipe.json" \
        --label "$LABEL" --split "$1" --rounds 150 --depth 4 --eta 0.1 --seed "$SEED" --json -o "$b/$2.json" >"$DAY/train-$1.json" || return 1
    "$HQ" model compile --from xgboost "$b/$2.json" --recipe "$b/recipe.json" --dictionary "$b/dictionary.json" \
        --data "$b/contacts.csv" --label "$LABEL" --json -o "$b/$2.sotto" >"$DAY/compile-$1.json"
}

publish() {
    local b=$DAY/bank
    "$HQ" publish --dir "$DAY/hq" --model "$b/model.sotto" --dictionary "$b/dictionary.json" \
        --catalogue "$b/catalogue.json" --policy "$b/policy.json" --tasks "$b/tasks.json" --json >"$DAY/publish.json"
}

head_office() {
    chapter "1. Head office opens"
    "$HQ" init --dir "$DAY/hq" --name "Demo Bank" --host 127.0.0.1 --host localhost --host 10.0.2.2 >>build/demo.log
    say "store, signing keys and device authority made"
    population
    step "training with XGBoost, compiling to integers" train_and_compile random model
    step "the same, held out by time" train_and_compile time model-time
    tell_model
    step "signing model, catalogue, policy and tasks as one release" publish
    CODE=$("$HQ" enrol-code --dir "$DAY/hq" --device branch-7-kiosk-2 --json | jq -r .code)
    PORT=$(free_port) ENROL_PORT=$(free_port) LINE_PORT=$(free_port)
    "$HQ" serve --dir "$DAY/hq" --listen "127.0.0.1:$PORT" --enrol-listen "127.0.0.1:$ENROL_PORT" >"$DAY/hq.log" 2>&1 &
    BACKGROUND+=($!)
    build/release/firmware/demo/slowline "$LINE_PORT" "$PORT" "$DAY/slow" 1000 >>build/demo.log 2>&1 &
    BACKGROUND+=($!)
    wait_for "$DAY/hq.log" . 10 || fail "head office did not start: $(cat "$DAY/hq.log")"
}

tell_model() {
    local r=$DAY/compile-random.json t=$DAY/compile-time.json off
    say "$(jq -r '"\(.trees) trees, \(.source_bytes) bytes of JSON, \(.bytes) bytes as integers"' "$r")"
    say "$(jq -r '"\(.proof.leaves_differ) of \(.proof.leaves) leaves differ from the float model, over all \(.proof.rows) rows"' "$r")"
    # Through printf: of small numbers each jq has a form of its own.
    mapfile -t off < <(jq '.proof.margin_difference_xgboost, .proof.margin_difference, .margin_error' "$r")
    say "$(LC_ALL=C printf 'largest difference of a score: %.2e (the integers alone: %.2e, bound %.2e)' "${off[@]}")"
    say "$(jq -r '"AUC on \(.proof.held_out) held-out rows, random split: float \(.proof.auc_float), integer \(.proof.auc_integer)"' "$r")"
    say "$(jq -r '"AUC on \(.proof.held_out) held-out rows, time split:   float \(.proof.auc_float), integer \(.proof.auc_integer)"' "$t")"
    jq -e '.proof.leaves_differ == 0' "$r" "$t" >/dev/null || fail "the compiled model is not the trained model"
    figure model_random "$(jq -c . "$r")"
    figure model_time "$(jq -c . "$t")"
}

# ---- 2. - 5. the terminal ----

terminal_config() {
    local vault=$1/vault store=$1/store release=$1/release sync=$1/sync run=$2 host=$3 etc=$4
    cat <<JSON
{
  "version": 1,
  "vault": "$vault", "store": "$store", "release": "$release", "sync": "$sync", "run": "$run",
  "head_office": {
    "url": "https://$host:$LINE_PORT", "enrol_url": "https://$host:$ENROL_PORT",
    "authority": "$etc/authority.pem", "root": "$etc/root.json"
  },
  "channel": "kiosk", "utc_offset_min": 0, "clock_offset_s": $CLOCK_OFFSET, "require_walls": $WALLS
}
JSON
}

share_files() {
    local share=$1
    mkdir -p "$share"
    cp "$DAY/bank/customers.csv" "$DAY/bank/arrivals.csv" "$share/"
    echo "$CODE" >"$share/code"
    echo "$SEED" >"$share/seed"
    tail -n 1 "$DAY/bank/customers.csv" | cut -d, -f1 >"$share/forget"
    chmod 755 "$share"
    chmod 644 "$share"/*
}

# The morning of the day to come, 08:00 UTC: after everything that head office signed today began to be valid.
next_morning() { echo $((($(date +%s) / 86400 + 1) * 86400 + 8 * 3600)); }

image_make() {
    local overlay=$DAY/overlay
    cp -r firmware/demo/overlay "$overlay" || return 1
    terminal_config /data/sotto /run/sotto 10.0.2.2 /etc/sotto >"$overlay/etc/sotto/sotto.json" || return 1
    cp "$DAY/hq/authority/ca.pem" "$overlay/etc/sotto/authority.pem" || return 1
    cp "$DAY/hq/repo/1.root.json" "$overlay/etc/sotto/root.json" || return 1
    cp "build/$ARCH/src/kiosk/sotto" "build/$ARCH/firmware/kiosk-app/kiosk-app" "$DAY/" || return 1
    strip_for_arch "$DAY/sotto" "$DAY/kiosk-app" || return 1
    firmware/image "$ARCH" "$DAY/image" --overlay "$overlay" "$DAY/sotto" "$DAY/kiosk-app"
}

strip_for_arch() {
    case $ARCH in
        armv7) arm-linux-gnueabihf-strip "$@" ;;
        aarch64) aarch64-linux-gnu-strip "$@" ;;
    esac
}

# Only the lines meant for people, as they come.
follow() { stdbuf -oL sed 's/\r$//; s/.*\r//' | stdbuf -oL grep -av '^sotto-guest: \|^run: \|reboot: Power down' | stdbuf -oL sed "s/^sotto-demo: = \(.*\)/\n$BOLD\1$PLAIN/; t; s/^sotto-demo: /> /; s/^/  /"; }

qemu_boot() {
    local script=$1 now=$2
    firmware/run --image "$DAY/image" --script "$script" --data "$DAY/disk.ext4" --now "$now" \
        --port "$LINE_PORT" --port "$ENROL_PORT" --share "$DAY/share" --pid "$DAY/qemu.pid" \
        --log "$DAY/$script.console" --timeout 240
}

# Cuts the power at the moment when head office has the report and its acknowledgement is still on the line.
# power_cut CONSOLE CUT: runs beside the day, ends with it; leaves the file "cut" when it did.
power_cut() {
    until grep -qa 'sotto-demo: night' "$1" 2>/dev/null; do sleep 0.1; done
    touch "$DAY/slow"
    until grep -q 'report.accepted' "$DAY/hq.log"; do sleep 0.05; done
    "$2"
    : >"$DAY/cut"
    rm -f "$DAY/slow"
}

# day_with_power_cut CONSOLE CUT COMMAND...: the day runs until it is cut; a day that ends by itself went wrong.
day_with_power_cut() {
    local console=$1 cutter
    power_cut "$1" "$2" &
    cutter=$!
    shift 2
    "$@" 2>&1 | follow || true
    [ -e "$DAY/cut" ] || { kill "$cutter" 2>/dev/null || true; fail "the terminal's day ended before the power could fail: see $console"; }
    wait "$cutter" || true
    rm -f "$DAY/slow"
}

cut_qemu() { kill -9 "$(cat "$DAY/qemu.pid")"; }
cut_native() {
    kill -9 -- "-$(cat "$DAY/terminal/group")" 2>/dev/null || true
}

# Head office's list for the next morning: whoever asked the terminal to be forgotten is gone, somebody is new. Its
# tags go sealed to the key that the terminal drew, and wait at head office until its next sync.
tag_pack() {
    local list=$DAY/bank/next-morning.csv
    head -n -1 "$DAY/bank/customers.csv" | awk -F, -v OFS=, '{ print } NR == 2 { $1 = 4999999999; print }' >"$list"
    "$HQ" pack make --dir "$DAY/hq" --device branch-7-kiosk-2 --from "$list" --json >"$DAY/pack.json" || fail "no tag pack could be made"
    say "meanwhile head office seals the next morning's tags to this terminal's key: $(jq -r '"\(.customers) customers, \(.bytes) bytes"' "$DAY/pack.json")"
}

qemu_day() {
    day_with_power_cut "$DAY/day.console" cut_qemu qemu_boot day "$(date +%s)"
    chapter "4. The power fails in the middle of the upload"
    tag_pack
    say "QEMU was killed. Its disk is as it was; boot again."
    chapter "5. The night"
    qemu_boot night "$(date +%s)" 2>&1 | follow || fail "the night failed: see $DAY/night.console"
}

native_script() {
    export TERMINAL=$DAY/terminal SOTTO_LIB=$TOP/firmware/demo/native.sh SOTTO_LIB_DEMO=/dev/null
    export PATH=$TOP/build/release/src/kiosk:$TOP/build/release/firmware/kiosk-app:$PATH
    # The outer redirection swallows the shell's own word about a killed job.
    { setsid bash -c 'echo $$ >"$TERMINAL/group"; exec bash "$0"' "firmware/demo/overlay/etc/sotto/run.d/$1" 2>&1; } 2>/dev/null |
        tee "$DAY/$1.console"
}

native_day() {
    local t=$DAY/terminal
    mkdir -p "$t/tmp" "$t/etc" "$t/run"
    cp "$DAY/hq/authority/ca.pem" "$t/etc/authority.pem"
    cp "$DAY/hq/repo/1.root.json" "$t/etc/root.json"
    CLOCK_OFFSET=$(($(next_morning) - $(date +%s)))
    terminal_config "$t" "$t/run" 127.0.0.1 "$t/etc" >"$t/sotto.json"
    ln -s "$DAY/share" "$t/share"
    day_with_power_cut "$DAY/day.console" cut_native native_script day
    chapter "4. The power fails in the middle of the upload"
    tag_pack
    say "Every process of the terminal was killed. Start again."
    chapter "5. The night"
    native_script night | follow || fail "the night failed: see $DAY/night.console"
}

terminal_day() {
    CLOCK_OFFSET=$(($(next_morning) - $(date +%s))) WALLS=true
    share_files "$DAY/share"
    if [ "$NATIVE" = yes ]; then
        chapter "2. The terminal starts, on this machine"
        native_day
        return
    fi
    chapter "2. The terminal boots ($ARCH in QEMU, 256 MB)"
    step "kernel and root image" image_make
    say "sotto, stripped: $(stat -c %s "$DAY/sotto") bytes"
    figure sotto_bytes "$(stat -c %s "$DAY/sotto")"
    qemu_day
}

# ---- the sum ----

tell_totals() {
    "$HQ" totals --dir "$DAY/hq" --task 1 --json >"$DAY/totals.json"
    say "what head office can say (95 % intervals: one line in twenty may be outside), beside what only this demo knows:"
    jq -r --slurpfile truth "$DAY/share/truth.json" -f firmware/demo/totals.jq "$DAY/totals.json" |
        awk -F'\t' '{ printf "  %-14s %-8s %16s %3s %4s %8s  %s\n", $1, $2, $3, $4, $5, $6, $7 }'
    say "one terminal, one day: the noise that hides each customer is as large as the counts. A thousand terminals add up to a"
    say "thousand times the counts and some thirty times the noise."
    figure totals "$(jq -c . "$DAY/totals.json")"
    figure truth "$(jq -c . "$DAY/share/truth.json")"
}

# Each kind of answer is told once; a day of the bank's thousands has all of them, and a table's has no triggers.
check_told() {
    local kind kinds=("A customer who agreed:" "did not agree to profiling" "A card nobody knows")
    [ -n "$DATA" ] || kinds+=("a frequency cap holds" "nothing fits: show nothing" "a trigger calls")
    [ "$CUSTOMERS" -ge 5000 ] || return 0
    for kind in "${kinds[@]}"; do
        grep -qa -- "$kind" "$DAY/day.console" || fail "nobody was told of in the morning: $kind"
    done
    # One draw in twenty is for learning, and by chance a whole morning can go without one that changes who stands first.
    grep -qa "the draw fell on learning" "$DAY/day.console" || say "(this morning no draw fell on learning another offer than the best)"
}

check_once() {
    local sent repeated reports tasks
    sent=$(jq .reports_sent "$DAY/share/sync.json") repeated=$(jq .reports_repeated "$DAY/share/sync.json")
    reports=$(grep -c 'report.accepted.*repeated=false' "$DAY/hq.log" || true)
    say "reports that head office counted: $reports; sent after the cut: $sent, of them known by their bytes and not counted again: $repeated"
    figure reports_counted "$reports"
    figure reports_repeated "$repeated"
    # A report for each task. Those that were counted before the cut and not acknowledged come again, known; the others come once.
    tasks=$(jq '.tasks | length' "$DAY/bank/tasks.json")
    [ "$reports" = "$tasks" ] && [ "$repeated" -le "$sent" ] && [ "$sent" -le "$tasks" ] || fail "a report was lost or counted twice"
    # On a machine so busy that the cut came a second late, acknowledgements were through: nothing to send again is right then.
    [ "$repeated" -ge 1 ] || say "(the acknowledgement had come through before the cut)"
}

# The pack was opened and applied whole: one customer had been forgotten in the morning, one is new.
check_pack() {
    local expected
    expected=$(jq .customers "$DAY/pack.json")
    [ "$(jq .pack "$DAY/share/sync.json")" = 1 ] && [ "$(jq .customers "$DAY/share/status.json")" = "$expected" ] ||
        fail "the tag pack was not applied: see $DAY/night.console"
    say "the tags that head office sealed came with the night's sync, opened by this terminal alone: $expected customers"
    figure pack "$(jq -c . "$DAY/pack.json")"
}

write_figures() {
    figure serve_peak_kib "$(cat "$DAY/share/serve_kib")"
    figure seconds "$SECONDS"
    [ -n "$FIGURES" ] || return 0
    jq -Rn '[inputs | split("\t") | {(.[0]): (.[1] | fromjson)}] | add' "$DAY/figures.tsv" >"$FIGURES"
    say "figures written to $FIGURES"
}

demo_main() {
    demo_arguments "$@"
    chapter "Sotto: a terminal's whole day"
    # The day's folder is one for the tree, and a day begins by removing it.
    mkdir -p build
    exec {DAY_LOCK}>build/demo.lock
    flock -n "$DAY_LOCK" || fail "another ./demo lives its day in this tree; wait for it"
    build_all
    rm -rf "$DAY"
    mkdir -p "$DAY"
    trap clean_up EXIT
    trap 'exit 130' INT TERM
    local start=$SECONDS
    head_office
    terminal_day
    check_told
    chapter "The sum"
    check_once
    check_pack
    tell_totals
    two_aggregators
    write_figures
    say "the day took $((SECONDS - start)) s; everything it made is in ${DAY#"$TOP/"}"
}
