# The stock psql through hoopctl: -c, -f, stdin, interactive, \d, \copy, errors, Ctrl-C.
# every path
. "$(dirname "$0")/lib.sh"

test_case "a query is answered and its status passes through"
pg -c 'select id, city from customers where id = 3'
status_is 0
out_is '3|Osaka'

test_case "no program after the target means psql"
input <<<'select 40 + 2;'
run hoopctl connect $target
status_is 0
out_has 42

test_case "any program can stand after --"
run hoopctl connect $target -- psql -X -At -c 'select current_database()'
status_is 0
out_is demo
run hoopctl connect $target -- sh -c 'echo $PGHOST:$PGPORT:$PGUSER:$HOOPCTL_TARGET'
out_has ':5432:'
out_has ':pg-demo'
run hoopctl connect $target -- sh -c 'exit 23'
status_is 23
run hoopctl connect $target -- sh -c 'kill -TERM $$'
status_is 143
run hoopctl connect $target -- /nonexistent/program
status_is 127
: >"$T/plain"
run hoopctl connect $target -- "$T/plain"
status_is 126

test_case "several statements, a file, an error in the middle"
pg -c 'select 1' -c 'select 2'
out_is $'1\n2'
printf 'select 1;\nselect 1/0;\nselect 2;\n' >"$T/f.sql"
pg -f "$T/f.sql"
out_is $'1\n2'
err_has 'division by zero'
pg -v ON_ERROR_STOP=1 -f "$T/f.sql"
status_is 3

test_case "meta commands work on a masked target"
pg -c '\d customers'
status_is 0
out_has 'email|text'
pg -c '\dt'
out_has 'public|orders|table'
if clients_fit; then
  pg -c '\l'
  status_is 0
fi
pg -c '\du'
status_is 0
pg -c '\d+ orders'
status_is 0
pg -c '\df'
status_is 0

test_case "\\copy out and in"
pg -c "\\copy (select id, city from customers where id <= 3 order by id) to '$T/c.csv' csv"
status_is 0
is "$(cat "$T/c.csv")" $'1,Oslo\n2,Nairobi\n3,Osaka' 2>/dev/null || true
is "$(wc -l <"$T/c.csv" | tr -d ' ')" 3
printf '900001\tcopied\tsupport\t\\N\n' >"$T/in.tsv"
pg -c "\\copy users from '$T/in.tsv'"
status_is 0
is "$(super 'select login from users where id = 900001')" copied

test_case "transactions, prepared statements, cursors"
pg -c "begin; update orders set status = 'open' where id = 2; rollback; select status from orders where id = 2"
status_is 0
pg -c 'prepare p(int) as select city from customers where id = $1' -c 'execute p(1)' -c 'deallocate p'
status_is 0
pg -c 'begin' -c 'declare c cursor for select id from orders order by id' -c 'fetch 2 from c' -c 'commit'
out_has $'1\n2'
pg -v FETCH_COUNT=100 -c 'select count(*) from (select id from orders) o'
out_is 5000

test_case "psql's own ways of running a query"
super 'create sequence if not exists runs; grant all on sequence runs to demo_app' >/dev/null
super "select setval('runs', 1, false)" >/dev/null
input <<'SQL'
\echo watched
select 12 / (3 - nextval('runs')) as quotient
\watch 0.05
\echo described
select id, email, created_at from customers where id = 7 \gdesc
select id as picked, email from customers where id = 7 \gset
\echo picked :picked :email
select format('select %s * 11', id) from customers where id in (2, 3) order by id \gexec
select customer_id % 2 as odd, status, count(*) from orders group by 1, 2 order by 1, 2 \crosstabview
\set FETCH_COUNT 90
select id, email, ssn from customers where id > 0 order by id
\g |wc -l
SQL
run hoopctl connect $target -- psql -X -At -f "$INPUT"
out_has $'watched\n'
out_has $'\n6\n'
out_has $'\n12\n'
err_has 'division by zero'
out_has $'id|integer\nemail|text\ncreated_at|timestamp with time zone'
out_has 'picked 7 c***@example.org'
out_has $'22\n33'
out_has '0|1250|1250||'
out_has $'\n1000'
out_lacks customer7@

test_case "another database, another user name"
run hoopctl connect $target -- psql -X -At -d postgres -c 'select 1'
holds [ "$STATUS" != 0 ]
err_has postgres
run hoopctl connect $target -- psql -X -At -U somebody -c 'select session_user ~ $$^hoop_$$, current_user'
out_is 't|demo_app'

test_case "interactive psql under a terminal, and Ctrl-C ends the query but not the session"
cat >"$T/e.exp" <<'EXP'
set timeout 30
spawn hoopctl connect $env(target) -- -X -P pager=off
expect -re {demo=[>#] }
send "select 'from ' || 'psql';\r"
expect "from psql"
expect -re {demo=[>#] }
send "select count(*) from (select generate_series(1, 9000000025)) s;\r"
sleep 1
send "\003"
expect {
  "canceling statement due to user request" {}
  timeout { puts "NO CANCEL"; exit 9 }
}
expect -re {demo=[>#] }
send "select 6*7;\r"
expect "42"
send "\\q\r"
expect eof
lassign [wait] pid spawnid os status
exit $status
EXP
run expect "$T/e.exp"
status_is 0

test_case "Ctrl-C off a terminal: SIGINT to psql cancels the query"
# A shell lets its background jobs ignore SIGINT; the program must not inherit that here.
python3 -c 'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])' \
  hoopctl connect $target -- -X -c 'select count(*) from (select generate_series(1, 9000000020)) s' >"$T/o" 2>&1 &
holds eventually 10 sh -c "psql -X -At \"\$HOOPCTL_STACK_PG\" -c \"select count(*) from pg_stat_activity where query like '%9000000020%' and usename like 'hoop%'\" | grep -q 1"
holds pkill -INT -P $! -f 'bin/psql -X -c select .*9000000020'
wait
holds grep -q 'canceling statement' "$T/o"

test_case "the session's role is gone when the session is"
holds eventually 10 sh -c "[ \"\$(psql -X -At \"\$HOOPCTL_STACK_PG\" -c \"select count(*) from pg_roles where rolname like 'hoop\\_%' and rolname not in ('hoop_admin') and rolname not like 'hoop\\_gw\\_%'\")\" = 0 ]"

test_case "--tcp listens on loopback for programs that know no Unix sockets"
run hoopctl connect $target --tcp -- sh -c 'echo $PGHOST; psql -X -At -c "select 5"'
status_is 0
out_is $'127.0.0.1\n5'

test_case "the result document"
run bash -c 'hoopctl connect $target --result-fd 3 -- -X -At -c "select email from customers where id = 1" -c "drop table orders" 3>"'"$T"'/result"; exit $?'
holds jq -e '.target == env.target and .allowed >= 1 and .denied == 1 and .masked_values >= 1' "$T/result"

finish
