#!/bin/bash
# The test of the test: floors.sh must refuse a tree with a forbidden include of each sort.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# try ROOM INCLUDE: a tree with one file that must be refused
try() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/src/$1" "$work/tree/src/store" "$work/tree/src/hq/"{collector,registry} "$work/tree/src/kiosk/engine" "$work/tree/include/sotto"
    touch "$work/tree/include/sotto/base.h" "$work/tree/src/store/store_priv.h" "$work/tree/src/hq/"{collector/collect,registry/registry}.h "$work/tree/src/kiosk/engine/engine.h"
    printf '#include "collector/collect.h"\n' >"$work/tree/src/hq/all.h"
    printf '#include %s\n' "$2" >"$work/tree/src/$1/file.c"
    if "$here/floors.sh" "$work/tree" >/dev/null; then
        failed=$((failed + 1))
        echo "FAIL $1 may include $2"
    else
        passed=$((passed + 1))
    fi
}

try sync '"sotto/tags.h"'
try sync '"sotto/store.h"'
try decide '"sotto/store.h"'
try hq '"sotto/tally.h"'
try base '"sotto/codec.h"'
try model '"sotto/codec/../port.h"'
try kiosk '<mbedtls/ssl.h>'
try tally '<sqlite3.h>'
try tally '"store/store_priv.h"'
try privacy '<sys/socket.h>'
try hq/release '"collector/collect.h"'
try hq/collector '<sqlite3.h>'
try hq/learn '"sotto/tally.h"'
try kiosk/night '"engine/engine.h"'
try kiosk/night '"sotto/store.h"'
try kiosk/night '<sotto/store.h>'
try kiosk/config '"sotto/store.h"'
try kiosk/night 'HEADER_OF_ENGINE'
try kiosk/night $'\t"engine/engine.h"'
try hq/release '"all.h"'
try hq/learn '"registry/registry.h"'
try hq/learn/deep '"sotto/base.h"'
try vault/deep '"sotto/base.h"'
try hq/attic '<stdio.h>'
try cellar '<stdio.h>'
echo "$passed passed, $failed failed"
[ $failed = 0 ]
