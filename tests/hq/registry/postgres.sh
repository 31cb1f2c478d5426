#!/bin/bash
# The registry in PostgreSQL: the tests of the collector that run on a file run on it; two collectors over one database count each report
# once; one whose server is restarted says "come later" and goes on by itself. Arguments: SOTTO_HQ TEST...
HQ_PROGRAM=$1
shift
TESTS=("$@")
. "$(dirname "$0")/postgres_kit.sh"
pg_have || { echo "skipped: PostgreSQL is not installed here"; exit 77; }
. "$(dirname "$0")/../../kiosk/bank.sh" "$HQ_PROGRAM" "$HQ_PROGRAM" x
trap 'pg_end; bank_end' EXIT
pg_make "fsync = off" "log_lock_waits = on"
URL=$(pg_url "$PG")
HEALTH_PORT=$(free_port)
export SOTTO_TEST_STORE=$URL
wiped() { pg_ask "$PG" "SET client_min_messages TO warning; DROP SCHEMA IF EXISTS sotto CASCADE"; }
printf '%s\n' "psql -X -q '$URL' -c 'SET client_min_messages TO warning; DROP SCHEMA IF EXISTS sotto CASCADE'" >"$WORK/empty.sh"
export SOTTO_TEST_STORE_EMPTY="sh $WORK/empty.sh"

# The same tests, this store.
for test in "${TESTS[@]}"; do expect 0 'PASSED' "$test"; done
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
# A database of schema 1, of the program before: its only step by hand, and a report's rows. Whoever opens it first brings it up to
# date, all steps in one transaction; what was in it is in it.
pg_ask "$PG" "CREATE DATABASE older"
older_ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "${URL/postgres\?/older?}" "$@"; }
older() { timeout 60 "$HQ" devices --dir "$LEFT" --store "${URL/postgres\?/older?}" "$@"; }
{
    echo "CREATE SCHEMA sotto; SET search_path = sotto; SET client_min_messages TO warning;"
    echo "CREATE TABLE schema_version (version BIGINT PRIMARY KEY, applied TIMESTAMPTZ NOT NULL DEFAULT now());"
    cat "$(dirname "$0")/../../../src/hq/registry/store/1.sql"
    echo "INSERT INTO schema_version VALUES (1); INSERT INTO office VALUES ('Test Bank', 1000);"
    echo "INSERT INTO device(id, state, invited_s, enrolled_s, report_key, chain)"
    echo " VALUES ('old-1', 1, 1000, 2000, decode(repeat('04', 65), 'hex'), 1), ('old-2', 0, 1000, 0, NULL, 0);"
    echo "INSERT INTO session VALUES ('old-1', 'a', '', 1795000000, 0);"
    echo "INSERT INTO report(device, chain, seq, sha256, previous, received_s, release, task, period_day, period_days, epsilon_ueps, bound,"
    echo " alarms, counts, cells, sealed) VALUES ('old-1', 1, 1, 'a', 'b', 1795000000, 8, 1, 20700, 1, 1, 1, 0, 1, 'c', 'd');"
} | older_ask >/dev/null
# Somebody's table stands where the step makes one: it fails whole, says so, and the database is as it was.
older_ask -c "CREATE TABLE sotto.health (a INTEGER)"
expect 1 'health.* already exists' older
expect 0 '^1$' older_ask -c "SELECT max(version) FROM sotto.schema_version"
older_ask -c "DROP TABLE sotto.health"
# Six at once: one does it, the others find it done.
for i in 1 2 3 4 5 6; do older --json >"$WORK/older$i" 2>&1 & OLDER[i]=$!; done
for i in 1 2 3 4 5 6; do wait "${OLDER[i]}" || bad "$i: $(cat "$WORK/older$i")"; done
expect 0 '^1 2$' older_ask -c "SELECT string_agg(version::text, ' ' ORDER BY version) FROM sotto.schema_version"
expect 0 '"device":"old-1","state":"enrolled".*"last_contact":"2026-11-18T.*"seq":1,"reports":1,.*"release":8,' cat "$WORK/older6"
expect 0 '"device":"old-2","state":"invited"' cat "$WORK/older6"
# The new table is the same as in a database that begins there.
columns() { psql -X -q -A -t "$1" -c "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'sotto' ORDER BY table_name, ordinal_position"; }
if [ "$(columns "$URL")" = "$(columns "${URL/postgres\?/older?}")" ] && [ "$(columns "$URL" | grep -c clock_ahead_min)" = 1 ]; then ok; else bad "the schema is another one"; fi
# A newer program's database is left alone.
pg_ask "$PG" "INSERT INTO sotto.schema_version(version) VALUES (99)"
expect 3 'newer sotto-hq' "$HQ" devices --dir "$WORK/hq"
expect 3 'newer sotto-hq' "$HQ" backup --dir "$WORK/hq" --to "$WORK/copy"
pg_ask "$PG" "DELETE FROM sotto.schema_version WHERE version = 99"
expect 0 'the registry is in PostgreSQL' "$HQ" backup --dir "$WORK/hq" --to "$WORK/copy"
expect 2 'takes a URL' "$HQ" devices --dir "$WORK/hq" --store registry.db
expect 2 'not a URL' "$HQ" devices --dir "$WORK/hq" --store 'postgresql://u:geheim@[::1'
if "$HQ" devices --dir "$WORK/hq" --store 'postgresql://u:geheim@[::1' 2>&1 | grep -q geheim; then bad "a password was shown"; else ok; fi
finish
