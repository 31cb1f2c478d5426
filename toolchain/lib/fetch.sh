# Fetches archives of source packages through apt's own chain of trust (signed InRelease, index, SHA-256 of each file),
# with a private apt state: the machine's package lists, sources and pins are neither read for versions nor changed.
# Sourced by setup.  Needs no root.

# The mirrors this machine already uses; the private update proves by signature which of them is a Debian archive.
machine_mirrors() {
    apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -F '|' '$1 == "Debian" && $2 != "Debian" { next } # security and backports hold no whole suite
                    !seen[$3]++ { print ($1 == "Debian" ? 0 : 1) "|" $3 }' |
        sort -s -t '|' -k 1,1 | cut -d '|' -f 2
}

# write_private_apt <mirror> <suites...>
write_private_apt() {
    local mirror=$1 apt=$SOTTO_CACHE/apt
    shift
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/archives/partial"
    printf '%s\n' 'Types: deb-src' "URIs: $mirror" "Suites: $*" 'Components: main' \
        'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' >"$apt/parts/sotto.sources"
    # The sandbox user cannot look into a home directory; the files are checked by signature and hash all the same.
    # The last line keeps the machine's proxy and other transport settings in force: this file is read after them.
    cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$apt/parts";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt";
Dir::Cache::Archives "$apt/archives";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
}

private() { local tool=$1; shift; "$tool" -c "$SOTTO_CACHE/apt/apt.conf" "$@"; }

# Downloads the signed index of the suites that the lock names, from the first of the machine's mirrors that has it.
update_index() {
    local suites mirrors mirror log=$SOTTO_CACHE/log/index.log
    suites=$(lock_column 6 | sort -u | tr '\n' ' ')
    mirrors=$(machine_mirrors)
    [ -n "$mirrors" ] || die "this machine's apt has no package source to take the mirror from" \
        "add the distribution's mirror to /etc/apt/sources.list, then run again"
    mkdir -p "${log%/*}"
    : >"$log"
    for mirror in $mirrors; do
        write_private_apt "$mirror" ${suites% }
        if private apt-get update --error-on=any >>"$log" 2>&1; then
            touch "$SOTTO_CACHE/apt/fresh"
            return 0
        fi
    done
    tail -n 5 "$log" | sed 's/^/    /' >&2
    die "cannot read the index of source packages (suite ${suites% }) from this machine's mirrors" \
        "is the network up? the whole log: $log" "$(disk_hint)"
}

index_is_fresh() { [ -n "$(find "$SOTTO_CACHE/apt/fresh" -mmin -720 2>/dev/null)" ]; }

ensure_index() {
    index_is_fresh && return 0
    local start=$SECONDS
    update_index
    say "index of source packages: $((SECONDS - start)) s"
}

# Versions of a source package in the signed index that belong to a series, newest first.
versions_of_series() {
    local package=$1 series=$2 version
    private apt-cache showsrc --only-source "$package" 2>/dev/null | sed -n 's/^Version: //p' | sort -u |
        while read -r version; do
            case ${version#*:} in "$series" | "$series".* | "$series"[-+~]*) printf '%s\n' "$version" ;; esac
        done | sort -rV
}

# index_entry <package> <version> -> "uri file sha256" of its upstream archive
index_entry() {
    private apt-get source --print-uris --only-source --tar-only "$1=$2" 2>/dev/null | tr -d "'" |
        awk -v package="$1" '$2 ~ "^" package "_[^/]*\\.orig\\.tar\\.[a-z0-9]+$" && $4 ~ /^SHA256:/ {
            sub(/^SHA256:/, "", $4); print $1, $2, $4; exit }'
}

# download <uri> <file name> <sha256>: into the archive folder, by a rename after the check.
download() {
    local uri=$1 file=$2 sha=$3 part=$scratch/$2
    if private /usr/lib/apt/apt-helper download-file "$uri" "$part" "SHA256:$sha" >"$SOTTO_CACHE/log/fetch-$file.log" 2>&1 &&
        [ "$(sha256_of "$part")" = "$sha" ]; then
        mv "$part" "$SOTTO_CACHE/archive/$file"
        return
    fi
    rm -f "$part" "$part.FAILED"
    return 1
}

# fetch_pinned <name> <package> <version> <file> <sha>: 0 when the archive is there, 1 when the mirror has it no more.
fetch_pinned() {
    local name=$1 package=$2 version=$3 file=$4 sha=$5 uri index_file index_sha start=$SECONDS
    read -r uri index_file index_sha < <(index_entry "$package" "$version") || return 1
    [ "$index_file" = "$file" ] || die "$name: the lock names $file, the signed index names $index_file for $package $version"
    [ "$index_sha" = "$sha" ] || die "$name: $file is not the file that was locked" \
        "locked SHA-256 $sha" "signed index    $index_sha" "nothing was fetched; see toolchain/README.md, 'A hash that differs'"
    download "$uri" "$file" "$sha" || return 1
    say "fetched $file: $((SECONDS - start)) s"
}

# fetch_newest_of_series <lock columns...>: writes the replacement's line to the effective lock.
fetch_newest_of_series() {
    local name=$1 version=$2 series=$3 package=$4 pinned=$5 candidate uri file sha
    for candidate in $(versions_of_series "$package" "$series"); do
        [ "$candidate" != "$pinned" ] || continue
        read -r uri file sha < <(index_entry "$package" "$candidate") || continue
        [ -f "$SOTTO_CACHE/archive/$file" ] && [ "$(sha256_of "$SOTTO_CACHE/archive/$file")" = "$sha" ] ||
            download "$uri" "$file" "$sha" || continue
        say "NOTICE: $package $pinned is gone from the mirror; using $candidate, the newest of series $series" \
            "(SHA-256 $sha, from the signed index)"
        replacement="$candidate $file $sha"
        return 0
    done
    die "$name: neither $package $pinned nor another version of series $series can be fetched from this machine's mirror" \
        "the log: $SOTTO_CACHE/log/fetch-*.log"
}

upstream_version() { local v=${1#*:}; v=${v%-*}; v=${v%%+*}; printf '%s\n' "${v%%~*}"; }

# fetch_all <effective lock>: every archive in $SOTTO_CACHE/archive, verified; the file says what was really taken:
# the lock's columns and at the end "pinned" or "replaced".
fetch_all() {
    local out=$1 name version series package package_version suite file sha licence programs homepage inside state replacement
    mkdir -p "$SOTTO_CACHE/archive" "$SOTTO_CACHE/log"
    : >"$out"
    while IFS=$'\t' read -r name version series package package_version suite file sha licence programs homepage inside; do
        state=pinned
        if [ -f "$SOTTO_CACHE/archive/$file" ] && [ "$(sha256_of "$SOTTO_CACHE/archive/$file")" != "$sha" ]; then
            say "$file in the cache is damaged or not the locked one; fetching it again"
            rm -f "$SOTTO_CACHE/archive/$file"
        fi
        if [ ! -f "$SOTTO_CACHE/archive/$file" ]; then
            ensure_index
            if ! fetch_pinned "$name" "$package" "$package_version" "$file" "$sha"; then
                fetch_newest_of_series "$name" "$version" "$series" "$package" "$package_version"
                read -r package_version file sha <<<"$replacement"
                state=replaced
                [ "$name" != "$package" ] || version=$(upstream_version "$package_version")
            fi
        fi
        printf '%s\t' "$name" "$version" "$series" "$package" "$package_version" "$suite" "$file" "$sha" "$licence" \
            "$programs" "$homepage" "$inside" >>"$out"
        printf '%s\n' "$state" >>"$out"
    done < <(lock_lines)
}

lock_lines() { grep -v -e '^#' -e '^$' "$SOTTO_LOCK"; }
lock_column() { lock_lines | cut -f "$1"; }
