# PostgreSQL servers of a test's own: a folder, a Unix socket in it and no network. Sourced. The server refuses to run as root: then it
# runs as the user its package has made (or nobody).
PG_FOLDERS=()
PG_AS=()
pg_have() {
    local folder
    PG_BIN=
    for folder in /usr/lib/postgresql/*/bin "$(dirname "$(command -v initdb || echo /)")"; do
        if [ -z "$PG_BIN" ] && [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ]; then PG_BIN=$folder; fi
    done
    [ -n "$PG_BIN" ] && command -v psql >/dev/null || return 1
    [ "$(id -u)" = 0 ] || return 0
    command -v setpriv >/dev/null || return 1
    local user=postgres
    id -u postgres >/dev/null 2>&1 || user=nobody
    PG_AS=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups env HOME=/tmp)
    PG_USER=$user
}
# pg_make: a new server, running; sets PG to its folder. Options for the server may follow (-c NAME=VALUE).
pg_make() {
    PG=$(mktemp -d /tmp/sotto-pg-XXXXXX)
    PG_FOLDERS+=("$PG")
    [ ${#PG_AS[@]} = 0 ] || chown "$PG_USER" "$PG"
    (cd /tmp && "${PG_AS[@]}" "$PG_BIN/initdb" -D "$PG/data" -U sotto -A trust -E UTF8 --locale=C --no-sync >"$PG.log" 2>&1)
    printf "listen_addresses = ''\nunix_socket_directories = '%s'\nlogging_collector = off\n" "$PG" |
        "${PG_AS[@]}" tee -a "$PG/data/postgresql.conf" >/dev/null
    printf '%s\n' "$@" | "${PG_AS[@]}" tee -a "$PG/data/postgresql.conf" >/dev/null
    pg_up "$PG"
}
pg_up() { (cd /tmp && "${PG_AS[@]}" "$PG_BIN/pg_ctl" -D "$1/data" -l "$1/log" -w -t 60 start >/dev/null); }
pg_down() { (cd /tmp && "${PG_AS[@]}" "$PG_BIN/pg_ctl" -D "$1/data" -m "${2:-fast}" -w -t 60 stop >/dev/null); }
pg_url() { echo "postgresql:///postgres?host=$1&user=sotto"; }
pg_ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$(pg_url "$1")" -c "$2"; }
pg_end() {
    local folder
    for folder in ${PG_FOLDERS[@]+"${PG_FOLDERS[@]}"}; do
        pg_down "$folder" immediate 2>/dev/null || true
        rm -rf "$folder" "$folder.log"
    done
}
