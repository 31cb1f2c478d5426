#!/bin/bash
# The registry in PostgreSQL: the tests of the collector that run on a file run on it; two collectors over one database count each report
# once; one whose server is restarted says "come later" and goes on by itself. Arguments: SOTTO_HQ TEST_COLLECT TEST_TOTALS.
HQ_PROGRAM=$1 TEST_COLLECT=$2 TEST_TOTALS=$3
. "$(dirname "$0")/postgres_kit.sh"
pg_have || { echo "skipped: PostgreSQL is not installed here"; exit 77; }
. "$(dirname "$0")/../kiosk/bank.sh" "$HQ_PROGRAM" "$HQ_PROGRAM" x
trap 'pg_end; bank_end' EXIT
pg_make "fsync = off" "log_lock_waits = on"
URL=$(pg_url "$PG")
HEALTH_PORT=$(free_port)
export SOTTO_TEST_STORE=$URL
wiped() { pg_ask "$PG" "SET client_min_messages TO warning; DROP SCHEMA IF EXISTS sotto CASCADE"; }
printf '%s\n' "psql -X -q '$URL' -c 'SET client_min_messages TO warning; DROP SCHEMA IF EXISTS sotto CASCADE'" >"$WORK/empty.sh"
export SOTTO_TEST_STORE_EMPTY="sh $WORK/empty.sh"

# The same tests, this store.
expect 0 'PASSED' "$TEST_COLLECT"
expect 0 'PASSED' "$TEST_TOTALS"
wiped

# An office that began with a file: serve moves it, and from then on every command finds it there.
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
bank_model
bank_publish >/dev/null
expect 4 'no registry in this database' "$HQ" devices --dir "$WORK/hq" --store "$URL"
PORT=$(free_port) ENROL_PORT=$(free_port)
serve() { # PORT ENROL_PORT HEALTH_PORT LOG
    "$HQ" serve --dir "$WORK/hq" --listen "127.0.0.1:$1" --enrol-listen "127.0.0.1:$2" --health "127.0.0.1:$3" --workers 2 \
        --store "$URL" >>"$WORK/$4" 2>&1 &
    HQ_PID=$!
    PIDS+=("$HQ_PID")
    wait_for 60 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" || bad "the collector did not come: $(tail -n 3 "$WORK/$4")"
}
serve "$PORT" "$ENROL_PORT" "$HEALTH_PORT" hq.log
expect 0 'store.moved' cat "$WORK/hq.log"
expect 0 '^1$' pg_ask "$PG" "SELECT count(*) FROM sotto.release"
expect 4 'already' "$HQ" init --dir "$WORK/other" --store "$URL"
# The file serves nobody any more, and fills no second database.
LEFT=$WORK/left
cp -r "$WORK/hq" "$LEFT" && rm "$LEFT/store"
expect 4 'was moved into a database' "$HQ" devices --dir "$LEFT"
pg_ask "$PG" "CREATE DATABASE second"
second() { timeout 60 "$HQ" serve --dir "$1" --listen 127.0.0.1:1 --enrol-listen 127.0.0.1:1 --store "${URL/postgres\?/second?}"; }
expect 4 'moved into a database before' second "$LEFT"
expect 9 'names it otherwise' second "$WORK/hq"

# Two collectors, one database, the same reports at both at the same time.
PORT_2=$(free_port) ENROL_PORT_2=$(free_port) HEALTH_PORT_2=$(free_port)
serve "$PORT_2" "$ENROL_PORT_2" "$HEALTH_PORT_2" hq2.log
"$HQ" swarm --dir "$WORK/hq" --url "https://127.0.0.1:$PORT" --also "https://127.0.0.1:$PORT_2" --terminals 40 --nights 2 \
    --concurrency 4 --json >"$WORK/swarm.json" 2>"$WORK/swarm.log" || bad "the swarm ended with $?: $(cat "$WORK/swarm.log")"
expect 0 '"counted_once": *true' cat "$WORK/swarm.json"
expect 0 '"counted": *80[,}]' cat "$WORK/swarm.json"
expect 0 '^80 80$' pg_ask "$PG" "SELECT count(*) || ' ' || count(DISTINCT (device, chain, seq)) FROM sotto.report"
expect 0 '"repeated": *80[,}]' cat "$WORK/swarm.json"
expect 0 '"reports": *80[,}]' "$HQ" totals --dir "$WORK/hq" --json
# Whatever the program does, the database refuses a second one.
expect 1 'unique constraint' pg_ask "$PG" "INSERT INTO sotto.report SELECT * FROM sotto.report LIMIT 1"

# The server is away: "not ready", 503 and Retry-After; it comes back: ready, without anybody's help.
get() { curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$HEALTH_PORT/$1"; }
answers() { [ "$(get "$1")" = "$2" ]; }
if command -v curl >/dev/null; then
    pg_down "$PG" fast
    wait_for 10 answers readyz 503 || bad "ready without its database"
    expect 0 '^200$' get healthz
    expect 0 'retry-after: *[4-8]0' curl -si "http://127.0.0.1:$HEALTH_PORT/readyz"
    pg_up "$PG"
    wait_for 40 answers readyz 200 || bad "not ready again after the database came back"
fi
if grep -Eq 'host=|user=sotto' "$WORK/hq.log" "$WORK/hq2.log"; then bad "the store's URL stands in a log"; else ok; fi
expect 0 'enrolled' "$HQ" devices --dir "$WORK/hq"
# A newer program's database is left alone.
pg_ask "$PG" "INSERT INTO sotto.schema_version(version) VALUES (99)"
expect 3 'newer sotto-hq' "$HQ" devices --dir "$WORK/hq"
pg_ask "$PG" "DELETE FROM sotto.schema_version WHERE version = 99"
expect 2 'takes a URL' "$HQ" devices --dir "$WORK/hq" --store registry.db
expect 2 'not a URL' "$HQ" devices --dir "$WORK/hq" --store 'postgresql://u:geheim@[::1'
if "$HQ" devices --dir "$WORK/hq" --store 'postgresql://u:geheim@[::1' 2>&1 | grep -q geheim; then bad "a password was shown"; else ok; fi
finish
