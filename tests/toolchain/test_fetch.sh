#!/bin/bash
# How toolchain/setup fetches when the world is bad, without a network: apt is replaced by the function `private` below,
# which serves a small mirror from $mirror and can be told to misbehave.  One case a function, each in a fresh cache.
set -euo pipefail

toolchain=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

sha() { sha256sum "$1" | cut -d ' ' -f 1; }

# A fresh cache, a mirror with two versions of one package, a lock that pins the older.
fresh_world() {
    rm -rf "$work/cache" "$work/mirror"
    mkdir -p "$work/cache/log" "$work/cache/apt" "$work/mirror"
    echo 'thing 1.2.3' >"$work/mirror/thing_1.2.3.orig.tar.gz"
    echo 'thing 1.2.9' >"$work/mirror/thing_1.2.9.orig.tar.gz"
    echo 'thing 1.10.0' >"$work/mirror/thing_1.10.0.orig.tar.gz"
    index="1.2.3-1 1.2.9-1 1.10.0-1"
    pinned_sha=$(sha "$work/mirror/thing_1.2.3.orig.tar.gz")
    write_lock "$pinned_sha"
    touch "$work/calls"
    : >"$work/calls"
    behaviour=good
}

write_lock() {
    printf 'thing\t1.2.3\t1.2\tthing\t1.2.3-1\ttrixie\tthing_1.2.3.orig.tar.gz\t%s\tMIT\ttests\t-\t-\n' "$1" >"$work/lock.tsv"
}

# Stands in for apt: private <tool> <arguments...>
private() {
    echo "$*" >>"$work/calls"
    case $1 in
    apt-cache) for v in $index; do echo "Version: $v"; done ;;
    apt-get) serve_index_entry "${*: -1}" ;;
    */apt-helper) serve_file "$3" "$4" ;;
    esac
}

serve_index_entry() {
    local version=${1#*=} file
    case " $index " in *" $version "*) ;; *) return 100 ;; esac
    file=thing_${version%-*}.orig.tar.gz
    echo "'mirror:/$file' $file 12 SHA256:$(sha "$work/mirror/$file")"
}

serve_file() {
    local from=$work/mirror/${1#mirror:/}
    case $behaviour in
    good) cp "$from" "$2" ;;
    cut) head -c 3 "$from" >"$2"; return 100 ;;
    lie) head -c 3 "$from" >"$2" ;; # cut short, but reported as whole
    gone) return 100 ;;
    esac
}

# fetch: runs fetch_all in a subshell; output in $work/out, exit status in $status
fetch() {
    status=0
    (
        set -euo pipefail
        SOTTO_CACHE=$work/cache
        . "$toolchain/lib/common.sh"
        . "$toolchain/lib/fetch.sh"
        eval "$private_double"
        SOTTO_LOCK=$work/lock.tsv scratch=$work/cache/scratch
        ensure_index() { :; }
        mkdir -p "$scratch"
        fetch_all "$work/effective"
    ) >"$work/out" 2>&1 || status=$?
}
private_double=$(declare -f private serve_index_entry serve_file sha)

expect() {
    local what=$1
    shift
    if ! "$@"; then
        echo "FAILED: ${FUNCNAME[1]}: $what"
        sed 's/^/    /' "$work/out"
        failures=$((failures + 1))
    fi
}
said() { grep -q -- "$1" "$work/out"; }
archive_holds() { [ "$(ls "$work/cache/archive" | tr '\n' ' ')" = "$1" ]; }
effective_is() { [ "$(cut -f 2,5,7,13 "$work/effective" | tr '\t' ' ')" = "$1" ]; }

pinned_version_is_fetched() {
    fresh_world
    fetch
    expect "succeeds" [ "$status" = 0 ]
    expect "is in the archive" archive_holds "thing_1.2.3.orig.tar.gz "
    expect "is recorded as pinned" effective_is "1.2.3 1.2.3-1 thing_1.2.3.orig.tar.gz pinned"
}

warm_cache_asks_nobody() {
    fresh_world
    fetch
    : >"$work/calls"
    behaviour=gone
    fetch
    expect "succeeds" [ "$status" = 0 ]
    expect "no call of apt" [ ! -s "$work/calls" ]
}

other_hash_is_refused() {
    fresh_world
    write_lock "$(printf '%064d' 7)"
    fetch
    expect "fails" [ "$status" = 1 ]
    expect "names the file" said "thing_1.2.3.orig.tar.gz is not the file that was locked"
    expect "shows both hashes" said "signed index *$pinned_sha"
    expect "keeps nothing" archive_holds ""
}

damaged_archive_is_fetched_again() {
    fresh_world
    fetch
    echo x >>"$work/cache/archive/thing_1.2.3.orig.tar.gz"
    fetch
    expect "succeeds" [ "$status" = 0 ]
    expect "says so" said "damaged"
    expect "is whole again" [ "$(sha "$work/cache/archive/thing_1.2.3.orig.tar.gz")" = "$pinned_sha" ]
}

interrupted_download_leaves_nothing() {
    local how
    for how in cut lie; do
        fresh_world
        index="1.2.3-1"
        behaviour=$how
        fetch
        expect "$how: fails" [ "$status" = 1 ]
        expect "$how: archive is empty" archive_holds ""
        behaviour=good
        fetch
        expect "$how: next run succeeds" [ "$status" = 0 ]
    done
}

vanished_version_gives_newest_of_series() {
    fresh_world
    index="1.2.5-1 1.2.9-1 1.10.0-1"
    echo 'thing 1.2.5' >"$work/mirror/thing_1.2.5.orig.tar.gz"
    fetch
    expect "succeeds" [ "$status" = 0 ]
    expect "says so" said "NOTICE: thing 1.2.3-1 is gone from the mirror; using 1.2.9-1, the newest of series 1.2"
    expect "is recorded as replaced" effective_is "1.2.9 1.2.9-1 thing_1.2.9.orig.tar.gz replaced"
}

nothing_of_the_series_is_an_error() {
    fresh_world
    index="1.10.0-1 2.0-1"
    fetch
    expect "fails" [ "$status" = 1 ]
    expect "says which" said "neither thing 1.2.3-1 nor another version of series 1.2 can be fetched"
    expect "keeps nothing" archive_holds ""
}

# pages: runs ensure_pages with a package that a stand-in for npm hands out; $1 is the SHA-256 that is locked.
pages() {
    status=0
    (
        set -euo pipefail
        SOTTO_CACHE=$work/cache locked=$1
        . "$toolchain/lib/common.sh"
        . "$toolchain/lib/pages.sh"
        pages_lines() { printf 'plot\t1.0\tplot-1.0.tgz\t%s\tMIT\tsotto-hq\t-\tdist/plot.js\n' "$locked"; }
        npm() { [ "$behaviour" = good ] && cp "$work/mirror/plot-1.0.tgz" .; }
        scratch=$work/cache/scratch
        mkdir -p "$scratch"
        ensure_pages build
    ) >"$work/out" 2>&1 || status=$?
}
pages_world() {
    fresh_world
    mkdir -p "$work/mirror/package/dist"
    echo 'draw()' >"$work/mirror/package/dist/plot.js"
    echo words | tee "$work/mirror/package/LICENSE" >"$work/mirror/package/NOTICE"
    tar -czf "$work/mirror/plot-1.0.tgz" -C "$work/mirror" package
    page_sha=$(sha "$work/mirror/plot-1.0.tgz")
}

page_script_is_fetched_once() {
    pages_world
    pages "$page_sha"
    expect "succeeds" [ "$status" = 0 ]
    expect "is there, with its licence" [ -f "$work/cache/pages/plot-1.0/plot.js" -a -f "$work/cache/pages/plot-1.0/LICENSE" ]
    behaviour=gone
    pages "$page_sha"
    expect "asks nobody again" [ "$status" = 0 -a ! -s "$work/out" ]
}

other_page_script_is_not_taken() {
    pages_world
    pages "${page_sha//[0-7]/8}"
    expect "the build goes on" [ "$status" = 0 ]
    expect "says so" said "will have no plots"
    expect "keeps nothing" [ ! -e "$work/cache/pages/plot-1.0" ]
}

for case in page_script_is_fetched_once other_page_script_is_not_taken pinned_version_is_fetched warm_cache_asks_nobody other_hash_is_refused damaged_archive_is_fetched_again \
    interrupted_download_leaves_nothing vanished_version_gives_newest_of_series nothing_of_the_series_is_an_error; do
    "$case"
    echo "ran $case"
done
[ "$failures" = 0 ] || { echo "$failures expectations failed"; exit 1; }
