# The stages of ./check. Sourced by it; the current folder is the tree.

. toolchain/lib/progress.sh

LOGS=build/check
STAGES=(style host armv7 aarch64 fuzz sizes units day data)
QUICK=no
ONLY=()
PASSED=0 FAILED=0 SKIPPED=0
FUZZ_SECONDS=${FUZZ_SECONDS:-20}
JOBS=$(nproc)

say() { printf '%s\n' "$*"; }

wanted() {
    [ ${#ONLY[@]} -eq 0 ] && return 0
    local stage
    for stage in "${ONLY[@]}"; do [ "$stage" = "$1" ] && return 0; done
    return 1
}

# count PASSED FAILED SKIPPED
count() { PASSED=$((PASSED + $1)) FAILED=$((FAILED + $2)) SKIPPED=$((SKIPPED + $3)); }

# What tests that failed said, of ctest's lines: 40 of each.
what_failed() {
    awk '/ Test +#[0-9]+:/ { failed = /\*\*\*/ && !/\*\*\*Skipped/; lines = 0 }
         / Start +[0-9]+:/ { failed = 0 }
         failed && lines++ < 40'
}

# stage NAME WORDS FUNCTION: runs FUNCTION with its output in a log; a function that fails without having counted is one failed test.
stage() {
    local name=$1 words=$2 run=$3 start=$SECONDS before=$FAILED status=0
    wanted "$name" || return 0
    words=$(printf '%-52s ' "$words")
    STAGE_LOG=$LOGS/$name.log
    : >"$STAGE_LOG"
    progress_begin "$words" "$STAGE_LOG"
    "$run" >"$STAGE_LOG" 2>&1 </dev/null || status=$?
    progress_end "$words"
    if [ $status -ne 0 ] && [ $FAILED -eq "$before" ]; then count 0 1 0; fi
    if [ $FAILED -ne "$before" ]; then
        printf 'FAILED after %d s\n' $((SECONDS - start))
        { what_failed <"$STAGE_LOG"; tail -n 30 "$STAGE_LOG"; } | cut -c 1-300 | sed 's/^/    /'
    else
        printf 'ok, %d s\n' $((SECONDS - start))
    fi
}

# ctest_count LOG: adds what ctest's closing lines say.
ctest_count() {
    local line total failed skipped
    line=$(grep -E 'tests passed, [0-9]+ tests? failed out of' "$1" | tail -n 1)
    [ -n "$line" ] || return 1
    failed=$(sed -E 's/.*, ([0-9]+) tests? failed.*/\1/' <<<"$line")
    total=$(sed -E 's/.*out of ([0-9]+).*/\1/' <<<"$line")
    skipped=$(grep -c '\*\*\*Skipped' "$1" || true)
    count $((total - failed - skipped)) "$failed" "$skipped"
}

build_and_test() {
    local preset=$1
    shift
    cmake --preset "$preset" >/dev/null || return 1
    cmake --build "build/$preset" -j "$JOBS" || return 1
    [ "$QUICK" = no ] || set -- "$@" -LE emulated
    ctest --test-dir "build/$preset" -j "$JOBS" --output-on-failure "$@" || true
    ctest_count "$STAGE_LOG"
}

# ---- stages ----

style_stage() {
    local files scripts status=0
    mapfile -t scripts < <(git ls-files '*.sh')
    files=$(git ls-files '*.c' '*.h' | grep -v '^toolchain/')
    clang-format --dry-run -Werror $files && count 1 0 0 || status=1
    if command -v shellcheck >/dev/null; then
        shellcheck -S warning -x -e SC1091,SC2034,SC2154,SC2148,SC3043,SC2086,SC2120 demo check .ci/run firmware/image firmware/run \
            firmware/fetch firmware/disk toolchain/setup toolchain/sbom "${scripts[@]}" && count 1 0 0 || status=1
    else
        count 0 0 1
    fi
    lint || status=1
    return $status
}

# The linter's settings are in .clang-tidy; it reads the compile commands of the host build.
lint() {
    cmake --preset host >/dev/null || return 1 # a new file has no command yet
    git ls-files 'src/*.c' | grep -v '^src/hq/learn/booster' | xargs -P "$JOBS" -n 8 clang-tidy -p build/host --quiet && count 1 0 0
}

host_stage() { build_and_test host; }
armv7_stage() { build_and_test armv7; }

# What must be equal to the last bit on every CPU, on the third one too; the rest of aarch64 is armv7's, twice as wide.
aarch64_stage() { build_and_test aarch64 -R '^(base|fixed|codec|tags|model|decide|privacy)[.]'; }

fuzz_one() {
    local target=$1 name
    name=$(basename "$target")
    mkdir -p "build/fuzz/corpus/$name"
    if "$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="build/fuzz/$name-" \
        "build/fuzz/corpus/$name" "tests/fuzz/seeds/${name#fuzz_}" >"build/fuzz/$name.log" 2>&1; then
        echo "$name: passed, $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs"
    else
        echo "$name: FAILED"
        tail -n 40 "build/fuzz/$name.log"
    fi
}
export -f fuzz_one

# Three targets a core: what a short run finds comes early, and its seconds are those of the clock.
fuzz_stage() {
    cmake --preset fuzz >/dev/null || return 1
    cmake --build build/fuzz -j "$JOBS" --target fuzz_all || return 1
    export FUZZ_SECONDS
    find build/fuzz -type f -name 'fuzz_*' -perm -u+x | sort | xargs -P $((3 * JOBS)) -I{} bash -c 'fuzz_one {}' | tee build/fuzz/summary.txt
    count "$(grep -c ': passed' build/fuzz/summary.txt || true)" "$(grep -c ': FAILED' build/fuzz/summary.txt || true)" 0
    [ -s build/fuzz/summary.txt ]
}

# The aims of docs/design.md for the terminal: size of the program, memory with 100,000 customers.
sizes_stage() {
    local status=0
    tests/sizes.sh build/armv7 || status=$?
    count "$(grep -c '^ok ' "$STAGE_LOG" || true)" "$(grep -c '^FAIL ' "$STAGE_LOG" || true)" 0
    return $status
}

# The units as they ship: programs without sanitizers, whose memory and calls are not what a unit allows.
units_stage() {
    local status=0 line
    cmake --preset release >/dev/null && cmake --build build/release -j "$JOBS" --target sotto sotto-hq || return 1
    tests/firmware/units.sh || status=$?
    [ $status != 77 ] || { count 0 0 1; return 0; }
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$STAGE_LOG" | tail -n 1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+) ]]; then count "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" 0; fi
    return $status
}

day_stage() { ./demo --figures "$LOGS/day.json" && count 1 0 0; }

data_stage() {
    local file=${SOTTO_DATA:-../shared}/data/bank-marketing/bank-additional-full.csv.xz
    if [ ! -r "$file" ]; then
        echo "skipped: no $file"
        count 0 0 1
        return 0
    fi
    ./demo --native --data "$file" --figures "$LOGS/data.json" && count 1 0 0
}

check_main() {
    while [ $# -gt 0 ]; do
        case $1 in
            -h | --help) usage; exit 0 ;;
            --quick) QUICK=yes FUZZ_SECONDS=5 ;;
            --only)
                # A misspelt stage would run nothing, and nothing fails.
                [ $# -ge 2 ] && [[ " ${STAGES[*]} " == *" $2 "* ]] ||
                    { usage >&2; printf '\n./check: --only: no stage "%s"\n' "${2-}" >&2; exit 2; }
                ONLY+=("$2")
                shift
                ;;
            *) usage >&2; printf '\n./check: unknown option %s\n' "$1" >&2; exit 2 ;;
        esac
        shift
    done
    toolchain/setup --need check --need demo host armv7 aarch64
    mkdir -p "$LOGS"
    # Objects of earlier checkouts are found again wherever the tree lies.
    export CCACHE_DIR=${SOTTO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sotto}/ccache CCACHE_BASEDIR=$TOP CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=2G
    stage style "format, shell and lint" style_stage
    stage host "unit tests, ASan and UBSan" host_stage
    stage armv7 "the same as armv7 under qemu-arm" armv7_stage
    stage aarch64 "what must be bit-exact, as aarch64" aarch64_stage
    stage fuzz "fuzz targets, $FUZZ_SECONDS s each" fuzz_stage
    stage sizes "size and memory of the terminal's program" sizes_stage
    if [ "$QUICK" = no ]; then
        stage units "the systemd units, started in a machine of their own" units_stage
        stage day "a whole day on an emulated terminal" day_stage
        stage data "the same day, native, on the UCI Bank Marketing file" data_stage
    fi
    say "$((SECONDS / 60)) min $((SECONDS % 60)) s"
    say "$PASSED passed, $FAILED failed, $SKIPPED skipped"
    [ $FAILED -eq 0 ]
}
