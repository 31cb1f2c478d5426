#!/bin/bash
# The floors hold: a room includes the public headers of the rooms it may see, its own private ones, and no other room's.
# Foreign libraries stand behind one room each. Usage: floors.sh [TREE]; a tree with a forbidden include must fail (tests/arch/broken.sh).
set -euo pipefail
tree=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
failed=0 passed=0

# room: what it may include (docs/design.md, "Rooms and floors")
allowed() {
    case $1 in
        base) echo ;;
        fixed | codec | port) echo base ;;
        tags) echo base fixed codec ;;
        vault) echo base codec port ;;
        model) echo base fixed codec tags ;;
        store) echo base codec port vault ;;
        privacy) echo base fixed codec vault ;;
        decide | forge) echo base fixed codec tags model ;;
        tally) echo base codec tags store privacy vault ;;
        sync) echo base codec port vault ;;
        kiosk) echo base fixed codec port tags vault model store privacy decide tally sync ;;
        kiosk/config | kiosk/night) echo base codec port vault sync ;; # config: what night sees through it
        hq) echo base fixed codec port tags vault model privacy decide forge sync ;;
        *) return 1 ;;
    esac
}

# The rooms within hq (src/hq/<room>), in the same way.
within_hq() {
    case $1 in
        registry | page) echo ;;
        office) echo registry ;;
        release) echo registry office ;;
        learn) echo office ;;
        aggregate | pack) echo registry office release ;;
        totals) echo registry office release aggregate ;;
        population) echo office learn ;;
        evaluate) echo office learn totals ;;
        recommend) echo office learn evaluate ;;
        report) echo office learn evaluate page ;;
        simulate) echo office learn evaluate recommend population page ;;
        advise) echo office totals evaluate ;;
        collector) echo registry office release pack ;;
        swarm) echo registry office release collector ;;
        admin) echo registry office release pack collector ;;
        *) return 1 ;;
    esac
}

# The rooms within kiosk. night is sync's: it has the network, and sees nothing of what holds the key.
within_kiosk() {
    case $1 in
        config) echo ;;
        engine | night) echo config ;;
        doors) echo config engine ;;
        commands) echo config engine doors night ;;
        *) return 1 ;;
    esac
}

# A room may show a part of itself in a header of its own: the room behind a public header's name.
behind() {
    case $1 in
        prio3 | split) echo privacy ;;
        hpke | pack) echo vault ;;
        predict | items | model_tag) echo model ;;
        history) echo tags ;;
        selftest) echo decide ;;
        *) echo "$1" ;;
    esac
}

# header pattern: rooms that may include it
foreign() {
    case $1 in
        mbedtls/ssl*.h | mbedtls/net_sockets.h) echo sync ;;
        mbedtls/* | psa/*) echo vault sync ;;
        openssl/*) echo vault ;;
        sqlite3.h | sqlcipher_provider.h) echo store hq/registry ;;
        yyjson.h | cbor.h | tinycbor/* | llhttp.h | lz4*.h) echo codec ;;
        libpq-fe.h) echo hq/registry ;;
        xgboost/*) echo hq/learn ;;
        nlopt.h) echo hq/evaluate ;;
        sys/socket.h | netinet/* | arpa/* | netdb.h | sys/un.h) echo port sync ;;
        *) echo any ;;
    esac
}

complain() { failed=$((failed + 1)); echo "FAIL $1"; }

in_list() { local word; for word in $2; do [ "$word" = "$1" ] && return 0; done; return 1; }

# The headers that a file names; a name that only the preprocessor knows is none that can be judged.
named() { # FILE..., or -r FOLDER
    grep -Ho '^[[:space:]]*#[[:space:]]*include.*' "$@" 2>/dev/null |
        sed 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]\([^>"]*\).*/:\1/; s/:[[:space:]]*#[[:space:]]*include.*/:(a macro)/'
}

# check_include FILE PLACE HEADER; PLACE: a room, or hq/ROOM, kiosk/ROOM
check_include() {
    local file=$1 place=$2 header=$3
    local room=${place%%/*} first=${header%%/*} other=${header#sotto/} rooms inner
    other=${other%%/*}
    other=$(behind "${other%.h}")
    if [[ $header == *..* || $header == "(a macro)" ]]; then
        complain "$file: no way around by $header"
        return
    elif [[ $place == */* && $header != */* && ! -e $tree/src/$place/$header && -e $tree/src/$room/$header ]]; then
        # A header above the rooms is no floor of its own: what it includes, whoever includes it includes.
        while IFS=: read -r _ inner; do
            check_include "$file" "$place" "$inner"
        done < <(named "$tree/src/$room/$header")
    elif [[ $header == sotto/* ]]; then
        [ "$other" = "$room" ] || in_list "$other" "$(allowed "$place" || allowed "$room")" ||
            { complain "$file: $place must not include $header"; return; }
    elif [[ $header == */* && -e $tree/src/$header ]]; then
        complain "$file: another room's private header $header"
        return
    elif [[ $header == */* && -e $tree/src/$room/$header ]]; then
        [ "$place" = "$room" ] || [ "$place" = "$room/$first" ] || in_list "$first" "$("within_$room" "${place#*/}")" ||
            { complain "$file: $place must not include $header"; return; }
    else
        rooms=$(foreign "$header")
        [ "$rooms" = any ] || in_list "$room" "$rooms" || in_list "$place" "$rooms" ||
            { complain "$file: only $rooms may include $header"; return; }
    fi
    passed=$((passed + 1))
}

check_folder() { # PLACE
    local file header
    while IFS=: read -r file header; do
        check_include "src/$1/${file##*/}" "$1" "$header"
    done < <(named "$tree/src/$1/"*.[ch])
}

for dir in "$tree"/src/*/; do
    room=$(basename "$dir")
    allowed "$room" >/dev/null || { complain "src/$room is no room of docs/design.md"; continue; }
    check_folder "$room"
done
for dir in "$tree"/src/{hq,kiosk}/*/; do
    [ -d "$dir" ] || continue
    place=${dir#"$tree/src/"}
    place=${place%/}
    "within_${place%%/*}" "${place#*/}" >/dev/null || { complain "src/$place is no room of docs/design.md"; continue; }
    check_folder "$place"
done

# Code lies in rooms, where it is looked at: not in a folder below one.
while read -r file; do
    complain "$file lies in no room of docs/design.md"
done < <(cd "$tree" && find src -mindepth 3 -name '*.[ch]' ! -regex 'src/\(hq\|kiosk\)/[^/]*/[^/]*')

# What a room's public header includes counts as the room's own include.
while IFS=: read -r file header; do
    path=${file#"$tree/include/sotto/"}
    room=${path%%/*}
    check_include "include/sotto/$path" "$(behind "${room%.h}")" "$header"
done < <(named -r "$tree/include/sotto")

echo "$passed passed, $failed failed"
[ $failed = 0 ]
