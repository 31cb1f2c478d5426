# The script that draws the plots of head office's pages (pages.tsv), fetched by npm's own client with the machine's own
# settings, and taken only when it has the locked SHA-256.  Sourced by setup and sbom.

pages_lines() { grep -v '^#' "$toolchain/pages.tsv"; }
pages_dir() { printf '%s/pages/%s-%s\n' "$SOTTO_CACHE" "$1" "$2"; }

pages_missing() {
    local name version rest
    while IFS=$'\t' read -r name version rest; do
        [ -d "$(pages_dir "$name" "$version")" ] || printf '%s\n' "$name"
    done < <(pages_lines)
}

# fetch_page_part <name> <version> <file> <sha256> <member>: into the cache, by a rename when whole.
fetch_page_part() {
    local name=$1 version=$2 file=$3 sha=$4 member=$5 archive=$SOTTO_CACHE/archive/$3 part=$scratch/pages-$1 out
    out=$(pages_dir "$name" "$version")
    mkdir -p "$part/unpacked" "${archive%/*}" "${out%/*}"
    if [ ! -f "$archive" ] || [ "$(sha256_of "$archive")" != "$sha" ]; then
        (cd "$part" && npm pack --ignore-scripts --silent "$name@$version") || return 1
        [ "$(sha256_of "$part/$file")" = "$sha" ] || { echo "$file is not the file that was locked (SHA-256 $sha)"; return 1; }
        mv "$part/$file" "$archive"
    fi
    tar -xzf "$archive" -C "$part/unpacked" --no-same-owner --strip-components=1
    mkdir -p "$part/out"
    cp "$part/unpacked/$member" "$part/unpacked"/LICENSE* "$part/unpacked"/NOTICE* "$part/out/"
    cp -r "$part/unpacked/licenses" "$part/out/" 2>/dev/null || true
    mv "$part/out" "$out"
}

# ensure_pages <need...>: without npm or its registry everything is built all the same; pages then have tables and no plots. Whose need
# is not pages hears of npm from sotto-hq's build alone (src/hq/page/CMakeLists.txt).
ensure_pages() {
    local name version file sha rest member log=$SOTTO_CACHE/log/pages.log start=$SECONDS
    [ -n "$(pages_missing)" ] || return 0
    command -v npm >/dev/null || [[ " $* " == *" pages "* ]] || return 0
    command -v npm >/dev/null || { say "NOTICE: no npm here, so head office's pages will have no plots"; return 0; }
    [ -n "$scratch" ] || take_lock
    mkdir -p "${log%/*}"
    : >"$log"
    while IFS=$'\t' read -r name version file sha rest rest rest member; do
        [ ! -d "$(pages_dir "$name" "$version")" ] || continue
        if fetch_page_part "$name" "$version" "$file" "$sha" "$member" >>"$log" 2>&1 </dev/null; then
            say "fetched $file: $((SECONDS - start)) s"
        else
            say "NOTICE: $name $version could not be fetched, so head office's pages will have no plots; the log: $log"
        fi
    done < <(pages_lines)
}
