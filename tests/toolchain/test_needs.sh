#!/bin/bash
# Which packages and libraries each need of toolchain/setup asks for, on a machine that has none of them: apt and dpkg are stand-ins that
# write down what they are asked. Usage: test_needs.sh TOOLCHAIN.
set -euo pipefail
toolchain=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
bad() { failures=$((failures + 1)); echo "FAIL $*"; }

mkdir "$work/bin"
stand_in() { cat >"$work/bin/$1"; chmod +x "$work/bin/$1"; }
stand_in dpkg-query <<<'#!/bin/sh'
stand_in apt-cache <<<'#!/bin/sh'
stand_in sudo <<'SH'
#!/bin/sh
[ "$1" = -v ] || exec "$@"
SH
stand_in apt-get <<SH
#!/bin/sh
echo "\$@" >>"$work/asked"
SH

# asked NEED...: the packages that would be installed, a line each.
asked() {
    : >"$work/asked"
    PATH=$work/bin:$PATH SOTTO_CACHE=$work/cache "$toolchain/setup" --packages "$@" >/dev/null
    grep -w install "$work/asked" | tr ' ' '\n' | grep -vE '^-|=|^install$' | sort -u
}
targets() { SOTTO_CACHE=$work/cache "$toolchain/setup" --where "$@" | wc -l; }

native=$(asked --need demo-native)
grep -q '^libxgboost-dev$' <<<"$native" || bad "the native demo trains without XGBoost"
! grep -E 'arm|qemu|aarch64|cpio|kmod|socat|e2fsprogs' <<<"$native" || bad "the native demo asks for an emulated terminal's packages"
[ "$(targets --need demo-native)" = 1 ] || bad "the native demo builds libraries of another machine than this"

demo=$(asked --need demo)
[ -z "$(comm -23 <(echo "$native") <(echo "$demo"))" ] || bad "demo lacks what demo-native has"
grep -q '^qemu-system-arm$' <<<"$demo" || bad "demo has no QEMU"
grep -q '^gcc-arm-linux-gnueabihf$' <<<"$demo" || bad "demo has no compiler for the terminal"
[ "$(targets --need demo)" = 2 ] || bad "demo builds other libraries than host's and armv7's"

# What ./check asks for (tests/check.sh): every need there is.
needs=$(sed -n 's|^ *toolchain/setup \(--need.*\)|\1|p' "$toolchain/../tests/check.sh")
# shellcheck disable=SC2086 # words
all=$(asked $needs)
every=$(grep -v '^#' "$toolchain/packages.tsv" | cut -f 2 | cut -d '|' -f 1 | sort -u)
[ "$all" = "$every" ] || bad "./check asks for other packages than all of packages.tsv: $(comm -3 <(echo "$all") <(echo "$every") | tr '\n' ' ')"

# The demo asks for what it uses.
day=$toolchain/../firmware/demo/day.sh
grep -q 'setup --need demo-native;' "$day" || bad "./demo --native asks for more than its need"
[ "$failures" = 0 ] && echo "needs ask for what they use"
