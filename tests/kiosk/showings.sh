#!/bin/bash
# What follows from a showing: the chance it was drawn by reaches head office as totals, and another policy is judged by
# them; somebody without a profile uses up budgets; an old copy of the store stops offers. Arguments: SOTTO SOTTO_HQ KIOSK_APP.
. "$(dirname "${BASH_SOURCE[0]}")/bank.sh"

# Every decision is drawn, each of the best eight equally often. (At epsilon 100 a draw of noise is zero.)
"$HQ" init --dir "$WORK/hq" --name "Test Bank" --host 127.0.0.1 >/dev/null
bank_model
sed -i -e 's/"exploration": {[^}]*}/"exploration": { "method": "uniform", "share": 1 }/' -e 's/"min_propensity": [0-9.]*,* *//' \
    -e 's/"id": "saver", "product": "saver",/& "budget": { "total": 1000 },/' "$WORK/bank/policy.json"
CAMPAIGNS='"saver", "term-12", "fund-mixed", "fund-world", "card-gold", "loan", "cover-home", "cover-travel"'
cat >"$WORK/bank/tasks.json" <<JSON
{ "format": "sotto-tasks", "version": 2, "lifetime_epsilon": 1000, "tasks": [
  { "name": "drawn", "id": 3, "type": "offer-counts", "mode": "one-collector", "epsilon": 100, "bound": 4, "period_days": 1,
    "tables": [ [ { "of": "campaign", "bins": [$CAMPAIGNS] },
                  { "of": "chance", "edges": [0.0625, 0.13, 0.18, 0.3, 0.45, 1] }, { "of": "outcome" } ] ] } ] }
JSON
bank_publish >/dev/null
PORT=$(free_port) ENROL_PORT=$(free_port)
hq_start
terminal_ready one

# ---- the chance of each showing, through a restart, to totals ----
column() { head -1 "$WORK/bank/customers.csv" | tr , '\n' | grep -nx "$1" | cut -d: -f1; }
mapfile -t people < <(awk -F, -v p="$(column consent_profiling)" -v m="$(column consent_measurement)" \
    'NR>1 && $p==1 && $m==1 { print $1 }' "$WORK/bank/customers.csv" | head -30)
# first CUSTOMER: the first offer that is no notice, and its chance in 2^-30.
first() {
    t one decide --customer "$1" --offers 4 --json | grep -o '"campaign":"[^"]*","product[^{]*"notice":false[^{]*"chance_q30":[0-9]*' |
        head -1 | sed 's/"campaign":"\([^"]*\)".*"chance_q30":\([0-9]*\)/\1 \2/'
}
: >"$WORK/truth"
for who in "${people[@]}"; do
    read -r campaign chance < <(first "$who") || continue
    t one event --customer "$who" --kind shown --campaign "$campaign" >/dev/null
    echo "$who $campaign $chance" >>"$WORK/truth"
done
serve_stop # what was shown keeps its chance, also for what is taken later
serve_start one
while read -r who campaign _; do
    case $campaign in saver | cover-travel) t one event --customer "$who" --kind taken --campaign "$campaign" >/dev/null </dev/null ;; esac
done <"$WORK/truth"
drawn=$(wc -l <"$WORK/truth")
if [ "$drawn" -ge 25 ]; then ok; else bad "only $drawn of ${#people[@]} were shown an offer"; fi
serve_stop
sed -i 's/"clock_offset_s": [0-9]*/"clock_offset_s": 86400/' "$WORK/one/sotto.json"
serve_start one
t one sync >/dev/null

# Weighed row by row, which only this test can; and between the ends that totals give.
judged() { "$HQ" evaluate policy --totals "$WORK/hq" --json --confidence 50 "$@"; }
# between NAME VALUE COMMAND...: the figure's interval holds the value (six digits behind the point).
between() {
    local name=$1 value=$2 said
    shift 2
    said=$("$@" | grep -o "\"$name\":{\"value\":[-0-9.]*,\"low\":[-0-9.]*,\"high\":[-0-9.]*}" | head -1)
    if awk -F'[:,}]' -v v="$value" '{ exit !($5 <= v + .000001 && v <= $7 + .000001) }' <<<"$said" && [ -n "$said" ]; then ok; else
        bad "$name is $value, not within $said"
    fi
}
# exact CAMPAIGN: what would have been taken, of all decisions, were it shown first wherever it could be.
exact() { awk -v c="$1" '{ n++ } $2 == c { t += 1073741824 / $3 } END { printf "%.6f\n", t / n }' "$WORK/truth"; }
between decisions "$drawn" judged --target same
between logged "$(awk '$2 == "saver" || $2 == "cover-travel" { t++ } END { printf "%.6f\n", t / NR }' "$WORK/truth")" judged --target same
between ips "$(exact saver)" judged --target saver=1
between ips "$(exact cover-travel)" judged --target cover-travel=1
between ips "$(awk -v a="$(exact saver)" -v b="$(exact cover-travel)" 'BEGIN { print a / 2 + b / 4 }')" judged --target saver=0.5,cover-travel=0.25
between snips 1 judged --target saver=1 # everybody to whom it was shown took it
between ips 0 judged --target loan=1
expect 0 '"not_drawn":0.000000' judged --target uniform # a restart lost no chance
expect 0 'taken of what stood first' "$HQ" evaluate policy --totals "$WORK/hq" --target uniform
expect 0 'cover-home' "$HQ" evaluate policy --totals "$WORK/hq" --target uniform
for target in none=1 saver=2 saver=0.6,saver=0.2 saver= saver '' 'saver=0.5,'; do
    expect 2 '--target' "$HQ" evaluate policy --totals "$WORK/hq" --target "$target"
done
expect 4 'no release' "$HQ" evaluate policy --totals "$WORK/hq" --target same --task 9

# ---- who has no profile uses up what is there for everybody ----
sed -i 's/"budget": { "total": 1000 }/"budget": { "total": '"$(($(grep -c ' saver ' "$WORK/truth") + 2))"' }/' "$WORK/bank/policy.json"
bank_publish >/dev/null
t one sync >/dev/null
saver_because() { t one decide --customer 990099 --explain --json | grep -o '"campaign":"saver","because":{"code":"[a-z_]*"' | sed 's/.*"code":"//'; }
unknown() { "$SOTTO" --config "$WORK/one/sotto.json" event --kind shown --campaign saver --json "$@"; }
expect 0 '"counted":false,"unknown":true' unknown --customer 990099
[ "$(saver_because)" != 'budget_total"' ] && ok || bad "the budget ended early"
expect 0 '"unknown":true' unknown # the idle screen: nobody
[ "$(saver_because)" = 'budget_total"' ] && ok || bad "an unknown card used nothing up: $(saver_because)"
expect 0 'not known here' t one event --kind taken --campaign saver --customer 990099
expect 4 'unknown customer' t one event --kind card_in --customer 990099
expect 3 'customer' t one event --kind card_in

# ---- an old copy of the store ----
who=$(awk -F, -v p="$(column consent_profiling)" 'NR>1 && $p!=1 { print $1; exit }' "$WORK/bank/customers.csv")
codes() { t one decide --customer "$1" --explain --json --offers 16 | grep -o '"code":"[a-z_]*"' | sort | uniq -c | tr -s ' \n' ' '; }
offered() { t one decide --customer "$1" --explain --json --offers 16 | grep -c '"notice":false' || true; }
restart() {
    serve_stop
    if [ "${1:-}" = old ]; then
        rm -rf "$WORK/one/store"
        cp -a "$WORK/store.old" "$WORK/one/store"
    fi
    serve_start one
}
serve_stop
cp -a "$WORK/one/store" "$WORK/store.old"
serve_start one
for _ in 1 2; do t one event --customer "$who" --kind shown --campaign cover-travel >/dev/null; done
case $(codes "$who") in *cap_day*) ok ;; *) bad "two showings reach no cap: $(codes "$who")" ;; esac
restart
case $(codes "$who") in *store_restored*) bad "the very store counts as an old copy" ;; *) ok ;; esac
restart old
case $(codes "$who") in *" 11 \"code\":\"store_restored\""*) ok ;; *) bad "an old copy makes offers: $(codes "$who")" ;; esac
[ "$(offered "$who")" = 0 ] && ok || bad "an old copy makes offers"
case $(codes 990099) in *store_restored*) ok ;; *) bad "an old copy makes offers to cards nobody knows" ;; esac
expect 0 'only notices are shown' t one status --json
expect 1 'only notices are shown' t one doctor
# Events are still counted; that there are as many as were lost proves nothing.
for _ in 1 2 3; do t one event --customer "$who" --kind shown --campaign cover-travel >/dev/null; done
restart
case $(codes "$who") in *store_restored*) ok ;; *) bad "an old copy heals by itself" ;; esac
serve_stop
rm -rf "$WORK/one/store"
cp -a "$WORK/store.old" "$WORK/one/store"
expect 0 '^Offers may go on. At least 2 showings' t one audit accept-restore
serve_start one
case $(codes "$who") in *store_restored*) bad "accepted, and still no offers: $(codes "$who")" ;; *) ok ;; esac
expect 0 'accepted 1 time, .* 2 showings' t one audit
expect 0 '"restores":{"accepted":1,' t one audit --json
expect 0 '"stopped":null' t one status --json
restart
case $(codes "$who") in *store_restored*) bad "accepted, and forgotten" ;; *) ok ;; esac
# Noticed is noticed: what happens meanwhile is no new evidence, and a second, newer copy is an old one, too.
cp -a "$WORK/one/store" "$WORK/store.newer"
for _ in 1 2; do t one event --customer "$who" --kind shown --campaign cover-travel >/dev/null; done
restart old
for _ in 1 2 3; do t one event --customer "$who" --kind shown --campaign cover-travel >/dev/null; done
serve_stop
rm -rf "$WORK/one/store"
cp -a "$WORK/store.newer" "$WORK/one/store"
serve_start one
case $(codes "$who") in *store_restored*) ok ;; *) bad "a second old copy passes" ;; esac
expect 4 'by the witness of showings: nothing leaves' t one sync
serve_stop
expect 0 '^Offers may go on. At least 2 showings' t one audit accept-restore
serve_start one
# Neither does a lost or a made-up witness let anything pass.
serve_stop
sed -i 's/^count .*/count 1/' "$WORK/one/vault/witness/showings"
serve_start one
case $(codes "$who") in *store_restored*) ok ;; *) bad "a made-up witness counts" ;; esac
serve_stop
rm "$WORK/one/vault/witness/showings"
expect 0 'Offers may go on. Nobody can say' t one audit accept-restore
serve_start one
case $(codes "$who") in *store_restored*) bad "accepted, and still no offers" ;; *) ok ;; esac
serve_stop

# ---- before the first report ----
terminal_make two
t two init >/dev/null
serve_start two
expect 0 'Enrolled' t two enrol "$(code_for two)"
expect 0 'Release' t two sync
serve_stop
t two import "$WORK/bank/customers.csv" >/dev/null
cp -a "$WORK/two/store" "$WORK/store.first"
serve_start two
t two event --customer "$who" --kind shown --campaign cover-travel >/dev/null
serve_stop
rm -rf "$WORK/two/store"
cp -a "$WORK/store.first" "$WORK/two/store"
expect 0 '^Reports may go on. No period is over' t two audit accept-restore # nothing left, so nobody is charged
rm "$WORK/two/vault/witness/last-report"
serve_start two
expect 4 'witness of the last report is gone' t two sync
serve_stop
finish
