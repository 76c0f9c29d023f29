# Much at once: connections of one session, statements as long as they may be, COPY both ways, a reader that stops.
# every path
. "$(dirname "$0")/lib.sh"
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
super 'create table numbers (id bigint, digest text)' >/dev/null
super 'grant all on numbers to demo_app' >/dev/null
# peak: the most memory, in MiB, that the hoopctl whose child this shell is has held.
export PEAK='sed -n "s/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p" /proc/$PPID/status'

test_case "200 connections of one session at once"
cat >"$T/script.sql" <<'SQL'
\set id random(1, 5000)
select status from orders where id = :id;
SQL
run hoopctl connect $target -- "$bin/pgbench" -n -f "$T/script.sql" -c 200 -j 2 -t 20 -M prepared dbname=demo
status_is 0
out_has 'number of transactions actually processed: 4000/4000'
out_has 'number of failed transactions: 0'

test_case "a statement of almost 16 MiB runs, one above is refused, and neither costs more than a few times its size"
length=$((16 * 1024 * 1024 - 100))
{ printf "select length('"; head -c $length /dev/zero | tr '\0' x; printf "');\n"; } >"$T/long.sql"
{ printf "select length('"; head -c $((length + 200)) /dev/zero | tr '\0' x; printf "');\n"; } >"$T/longer.sql"
run hoopctl connect $target -- sh -c "psql -XAtq -f '$T/long.sql'; psql -XAtq -f '$T/longer.sql'; psql -XAtqc 'select 1'; $PEAK >'$T/peak'"
is "$OUT" "$length
1"
err_has 'connection to server was lost'
err_has 'FATAL'
err_has 'is above the limit of'
holds [ "$(cat "$T/peak")" -lt 400000 ]

test_case "COPY of 64 MiB into a table and out of it again, byte for byte and in little memory"
seq 1 1000000 | awk '{printf "%d\tthe digest of %d is %d and some more text to fill it\n", $1, $1, $1 * 7919 % 1000003}' >"$T/numbers"
run hoopctl connect $target -- sh -c "psql -XAtq -c '\\copy numbers from $T/numbers' && psql -XAtq -c '\\copy (select * from numbers order by id) to $T/back' && $PEAK >'$T/peak'"
status_is 0
holds cmp "$T/numbers" "$T/back"
holds [ "$(cat "$T/peak")" -lt 150000 ]

test_case "a reader that stops holds up itself and nobody else, and costs no memory"
hoopctl connect $target -- sh -c "
  mkfifo '$T/pipe'; (psql -XAtq -c 'select * from numbers, generate_series(1, 20)' >'$T/pipe'; echo ended >'$T/ended') &
  exec 9<'$T/pipe'; head -c 1000 <&9 >/dev/null
  sleep 2; $PEAK >'$T/early'
  for i in \$(seq 20); do psql -XAtq -c 'select 1'; done; sleep 3
  $PEAK >'$T/late'; test ! -e '$T/ended'; exec 9<&-; wait" >"$T/o" 2>"$T/e" || true
is "$(grep -c '^1$' "$T/o")" 20
holds [ "$(( $(cat "$T/late") - $(cat "$T/early") ))" -lt 8000 ]
holds [ "$(cat "$T/late")" -lt 150000 ]

finish
