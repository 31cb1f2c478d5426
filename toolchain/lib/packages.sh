# The distribution's packages that each purpose needs (packages.tsv), and their installation.  Sourced by setup.

# wanted_packages <need...> -> one line a package, alternatives joined by '|'
wanted_packages() {
    local need
    for need in "$@"; do
        awk -F '\t' -v need="$need" '!/^#/ && $1 == need { print $2 }' "$toolchain/packages.tsv"
    done | sort -u
}

# missing_packages <need...>: those of which no alternative is installed.
missing_packages() {
    local installed wanted
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p')
    wanted=$(wanted_packages "$@")
    awk 'NR == FNR { have[$1] = 1; next }
         { n = split($1, names, "|"); found = 0
           for (i = 1; i <= n; i++) if (names[i] in have) found = 1
           if (!found) print $1 }' <(printf '%s\n' "$installed") <(printf '%s\n' "$wanted")
}

# The first alternative that this distribution has.
choose_package() {
    local name
    for name in ${1//|/ }; do
        if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then printf '%s\n' "$name"; return 0; fi
    done
    return 1
}

as_root=()
become_root() {
    [ "$(id -u)" != 0 ] || return 0
    if command -v sudo >/dev/null; then as_root=(sudo); return 0; fi
    die "these packages are missing, and installing them needs root: $1" "as root run: apt-get install $1"
}

apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

apt_update() {
    "${as_root[@]}" apt-get update -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 || true
}

# ensure_packages <need...>: says what it will install, then does; nothing at all when everything is there.
ensure_packages() {
    local missing choice name chosen=() unknown=()
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    become_root "$(printf '%s\n' "$missing" | cut -d '|' -f 1 | tr '\n' ' ')"
    [ ${#as_root[@]} = 0 ] || "${as_root[@]}" -v
    step "package lists updated" "$SOTTO_CACHE/log/apt-update.log" apt_update
    for choice in $missing; do
        if name=$(choose_package "$choice"); then chosen+=("$name"); else unknown+=("$choice"); fi
    done
    [ ${#unknown[@]} = 0 ] || die "this distribution has no package ${unknown[*]} in the sources that apt knows" \
        "the log of apt-get update: $SOTTO_CACHE/log/apt-update.log"
    say "going to install from the distribution: ${chosen[*]}"
    step "packages installed" "$SOTTO_CACHE/log/apt-install.log" apt_install "${chosen[@]}"
}
