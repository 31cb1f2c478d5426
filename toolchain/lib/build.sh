# Sources and libraries, each made in a scratch folder and renamed when whole.  Sourced by setup.

# The unpacked sources belong to one lock and one set of recipes, like the libraries: same key.
sources_dir() { printf '%s/sources/%s\n' "$SOTTO_CACHE" "$(deps_key)"; }

prepare_sources() {
    local out=$1 name file rest version
    fetch_all "$scratch/lock.effective"
    mkdir -p "$scratch/sources"
    while IFS=$'\t' read -r name _ _ _ _ _ file rest; do
        step "unpacked $name" "$SOTTO_CACHE/log/unpack-$name.log" \
            "prepare_$name" "$SOTTO_CACHE/archive/$file" "$scratch/sources/$name"
    done <"$scratch/lock.effective"
    # A source inside another project's archive tells its own version.
    while IFS=$'\t' read -r name version rest; do
        if declare -F "version_inside_$name" >/dev/null; then version=$("version_inside_$name" "$scratch/sources/$name"); fi
        printf '%s\t%s\t%s\n' "$name" "$version" "$rest"
    done <"$scratch/lock.effective" >"$scratch/sources/lock.effective"
    mkdir -p "${out%/*}"
    rm -rf "$out"
    mv "$scratch/sources" "$out"
}

compile_target() {
    local target=$1 sources=$2 out=$3 build=$scratch/build-$1 extra=()
    [ "$target" = host ] || extra=(-DCMAKE_TOOLCHAIN_FILE="$toolchain/cmake/$target.cmake")
    cmake -S "$toolchain/recipes" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSOTTO_TARGET="$target" \
        -DSOTTO_SOURCES="$sources" -DCMAKE_INSTALL_PREFIX="$out" "${extra[@]}"
    cmake --build "$build"
    cmake --install "$build"
    rm -rf "$build"
}

# The manifest is written last: its presence says that the folder is whole, its lines feed the SBOM.
build_target() {
    local target=$1 sources out=$2 prefix=$scratch/prefix-$1
    sources=$(sources_dir)
    [ -f "$sources/lock.effective" ] || prepare_sources "$sources"
    step "built the libraries for $target" "$SOTTO_CACHE/log/build-$target.log" compile_target "$target" "$sources" "$prefix"
    mkdir -p "$prefix/licences"
    local name file
    for name in $(cut -f 1 "$sources/lock.effective"); do
        for file in "$sources/$name"/LICENSE* "$sources/$name"/COPYING* "$sources/$name"/lib/LICENSE; do
            [ ! -f "$file" ] || cp "$file" "$prefix/licences/$name.txt"
        done
    done
    cp "$sources/lock.effective" "$prefix/manifest.tsv"
    mkdir -p "${out%/*}"
    rm -rf "$out"
    mv "$prefix" "$out"
    prune "$SOTTO_CACHE/deps/$target"-*
    prune "$SOTTO_CACHE/sources"/*
}

# Keeps the three newest of the folders: enough to go back and forth between branches.
prune() {
    local folder
    ls -dt -- "$@" | tail -n +4 | while read -r folder; do rm -rf "$folder"; done
}
