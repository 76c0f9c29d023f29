# The database goes in the middle of a statement: a backend is killed, one hangs, the server is stopped and comes back.
# every path
. "$(dirname "$0")/lib.sh"
pg_port=$(sed 's/.*port=\([0-9]*\).*/\1/' <<<"$HOOPCTL_STACK_PG")

# backend_of NUMBER: the backend that runs the statement with this number in it.
backend_of() {
  super "select pid from pg_stat_activity where query like '%$1%' and usename like 'hoop\\_%' and usename <> 'hoop_admin' and state = 'active'"
}
runs() { [ -n "$(backend_of "$1")" ]; }
# begin NUMBER WORDS…: `hoopctl connect $target -- WORDS` in the background, until its statement with the number runs.
begin() {
  local number=$1; shift
  hoopctl connect $target --result-fd 3 -- "$@" >"$T/out" 2>"$T/err" 3>"$T/result" </dev/null &
  running=$!
  holds eventually 15 runs "$number"
  backend=$(backend_of "$number")
}
# ended SECONDS: what `begin` began has ended by itself within the time.
ended() {
  local at_once=$SECONDS
  eventually "$1" gone $running || { kill -9 $running; failed "hoopctl did not end in $1 s"; }
  STATUS=0
  wait $running || STATUS=$?
  OUT=$(cat "$T/out") ERR=$(cat "$T/err")
  holds [ $((SECONDS - at_once)) -le "$1" ]
}
# delivered: the log of the session that has ended is whole, sealed and at the gateway.
delivered() {
  session=$(jq -r .session "$T/result")
  is "$(jq -r .upload "$T/result")" receipted
  is "$(spooled)" 0
  run hoopctl sessions verify "$session"
  status_is 0
  is "$(hoopctl --output json sessions list 2>/dev/null | jq -r "select(.session == \"$session\") | .state")" ended
}
long() { printf 'select count(*) from (select generate_series(1, %s)) s' "$1"; }

test_case "the backend is killed: psql hears of it as from the server, and its status stands"
begin 9000000050 -X -v VERBOSITY=verbose -c "$(long 9000000050)"
kill -9 "$backend"
ended 10
status_is 2
err_has 'FATAL:  08006: the target closed the connection'
out_is ''
delivered
holds eventually 20 super 'select 1'

test_case "a program that goes on after the crash meets the server that has come back"
begin 9000000051 sh -c "psql -X -c '$(long 9000000051)'; until psql -X -At -c 'select 51'; do sleep 0.2; done"
kill -9 "$backend"
ended 30
status_is 0
out_has 51
delivered
holds eventually 20 super 'select 1'

test_case "a backend that hangs keeps neither the program nor hoopctl"
begin 9000000052 timeout 2 psql -X -c "$(long 9000000052)"
kill -STOP "$backend"
ended 25
status_is 124
delivered
kill -CONT "$backend"

# reached BYTES FILE: the file has at least so much in it.
reached() { [ "$(stat -c %s "$2")" -ge "$1" ]; }
# rows_in_log: of the session's last reply, which may be more than the program has seen, and never less.
rows_in_log() { hoopctl sessions show "$session" 2>/dev/null | sed -n 's/.* \([0-9]*\) rows, .*/\1/p' | tail -n 1; }

test_case "the backend is killed while rows flow: whole rows until then, an error, and no row that the log does not count"
begin 9000000055 -X -At -c "copy (select generate_series(1, 9000000055), repeat('x', 100)) to stdout"
holds eventually 15 reached 2000000 "$T/out"
kill -9 "$backend"
ended 20
holds [ "$STATUS" != 0 ]
err_has 'the target closed the connection'
is "$(grep -cvE '^[0-9]+	x{100}$' "$T/out")" 0
delivered
holds [ "$(rows_in_log)" -ge "$(wc -l <"$T/out")" ]
holds eventually 20 super 'select 1'

test_case "the same in the middle of a result that psql collects"
begin 9000000056 -X -At -c "select generate_series(1, 9000000056), repeat('x', 100)"
sleep 0.5
kill -9 "$backend"
ended 20
status_is 2
err_has 'the target closed the connection'
delivered
holds eventually 20 super 'select 1'

test_case "the backend is killed while a program copies into a table: an error, and nothing is in it"
super 'create table incoming (line text); grant all on incoming to demo_app' >/dev/null
begin 9000000057 sh -c "yes 'a line of a long copy' | head -n 200000000 | psql -X -c 'copy /* 9000000057 */ incoming from stdin'"
sleep 0.5
kill -9 "$backend"
ended 20
holds [ "$STATUS" != 0 ]
holds [ -n "$ERR" ]
delivered
holds eventually 20 super 'select 1'
is "$(super 'select count(*) from incoming')" 0

test_case "the backend is killed in the middle of a transaction: nothing of it stays, and the log says what was asked"
super "update orders set status = 'open' where id = 7" >/dev/null
begin 9000000058 -X -v ON_ERROR_STOP=1 -c 'begin' -c "update orders set status = 'lost' where id = 7" -c "$(long 9000000058)" -c 'commit'
kill -9 "$backend"
ended 20
holds [ "$STATUS" != 0 ]
delivered
holds eventually 20 super 'select 1'
is "$(super 'select status from orders where id = 7')" open
run hoopctl sessions show "$session"
out_has "set status = 'lost'"
out_lacks '#4'  # the commit never came

test_case "the server is stopped: its own words, the program's status, and a log at the gateway"
begin 9000000053 -X -c "$(long 9000000053)"
kill -INT "$HOOPCTL_STACK_PG_PID"
ended 15
status_is 2
err_has 'FATAL:  terminating connection due to administrator command'
delivered

test_case "as long as it is down, connect says so in one line, with its status"
holds eventually 10 gone "$HOOPCTL_STACK_PG_PID"
pg -c 'select 1'
status_is 69
out_is ''
is "$(wc -l <"$T/err" | tr -d ' ')" 1
err_has '"exit_status":69'
err_has 'cannot reach the target'

test_case "when it is back, work goes on, and the roles of before go"
start_server() {
  local bin; bin=$(find /usr/lib/postgresql/*/bin -name postgres | sort -V | tail -n 1)
  local as=(); [ "$(id -u)" = 0 ] && as=(setpriv --reuid=postgres --regid=postgres --init-groups)
  (cd / && exec "${as[@]}" "$bin" -D "$HOOPCTL_STACK_DIR/pg/data" -p "$pg_port") >>"$HOOPCTL_STACK_DIR/pg.log" 2>&1 </dev/null &
  ends_with_test INT $!
}
start_server
holds eventually 20 super 'select 1'
holds [ "$(roles)" -ge 1 ]
pg -c 'select 54'
status_is 0
out_is 54
# The gateway looks once a minute.
holds eventually 75 no_roles

finish
