# Real clients: pgbench in its three protocols, node-postgres, pg_dump, pg_isready, several connections at once.
# every path
. "$(dirname "$0")/lib.sh"

psql -X -q "$HOOPCTL_STACK_PG" -c 'set role demo_app' >/dev/null
pgbench -i -q -s 1 "$HOOPCTL_STACK_PG" >"$T/init" 2>&1 || cat "$T/init"
super "grant all on pgbench_accounts, pgbench_branches, pgbench_tellers, pgbench_history to demo_app" >/dev/null

test_case "pgbench, every protocol, eight clients"
for mode in simple extended prepared; do
  run hoopctl connect $target -- pgbench -n -S -M $mode -c 8 -j 2 -t 100
  status_is 0
  out_has 'number of transactions actually processed: 800/800'
  run hoopctl connect $target -- pgbench -n -M $mode -c 4 -t 25
  status_is 0
  out_has 'number of failed transactions: 0'
done

test_case "pgbench sends pipelines"
printf '\\startpipeline\nselect 1;\nselect 2;\n\\endpipeline\n' >"$T/pipe.sql"
run hoopctl connect $target -- pgbench -n -M extended -f "$T/pipe.sql" -t 20
status_is 0

test_case "node-postgres"
install_driver
run hoopctl connect $target -- node "$here/node/pg_driver.js"
status_is 0
out_has 'all well'

test_case "a dump of what is not masked equals a direct one"
run hoopctl connect $target -- pg_dump --no-owner --no-acl -t orders -t users
status_is 0
# Newer minor releases of pg_dump write a random key into \restrict lines.
grep -v 'restrict ' "$T/out" >"$T/through"
pg_dump --no-owner --no-acl -t orders -t users "$HOOPCTL_STACK_PG" | grep -v 'restrict ' >"$T/direct"
holds cmp -s "$T/through" "$T/direct"

test_case "pg_isready and parallel connections"
run hoopctl connect $target -- sh -c 'for i in 1 2 3 4 5 6 7 8; do psql -X -At -c "select $i" & done; wait'
is "$(printf '%s\n' "$OUT" | sort | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "

test_case "a million rows arrive whole"
run hoopctl connect $target -- sh -c 'psql -X -At -c "select g, g * 2 from generate_series(1, 1000000) g" | cksum'
status_is 0
is "$OUT" "$(psql -X -At "$HOOPCTL_STACK_PG" -c 'select g, g * 2 from generate_series(1, 1000000) g' | cksum)"

finish
