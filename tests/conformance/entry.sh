#!/bin/sh
# The path that a public suite is given leads to the client: what it takes and refuses, by exit code. Argument: the build's name.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
client() { SOTTO_PRESET=$preset "$here/tuf-client" --metadata-dir "$work/metadata" "$@"; }
preset=$1

client init "$here/../fuzz/seeds/teams/root.json"
cmp "$work/metadata/root.json" "$here/../fuzz/seeds/teams/root.json"
if client init "$here/../fuzz/seeds/teams/teams.json" 2>/dev/null; then
    echo "a file that is no root was taken"
    exit 1
fi
echo "init: a root is taken as it is, another file refused"
