# Sessions and those who stand behind them: a client that goes, a gateway that goes, a policy and an end that come.
# stack: --gateway-config control.toml
# both paths
. "$(dirname "$0")/lib.sh"
gateway_log=$HOOPCTL_STACK_DIR/gateway.log
in_log() { grep -q "$1" "$gateway_log"; }
super 'create table public.marks (mark int); grant all on public.marks to demo_app' >/dev/null
marks() { super "select count(*) from marks where mark = $1"; }
# opens NUMBER: psql that reads from descriptor 7; its hoopctl in $pid, its session in $session.
opens() {
  rm -f "$T/in"; mkfifo "$T/in"
  hoopctl --output json connect $target -- psql -X -At -f "$T/in" >"$T/o" 2>"$T/e" & pid=$!
  ends_with_test KILL $pid
  exec 7>"$T/in"
  echo "select 'open$1';" >&7
  eventually 10 grep -q "open$1" "$T/o" || return 1
  session=$(newest_session)
}
# One thread takes the signal and then stops the others.
stopped() { [ "$(cat /proc/$pid/task/*/status | grep -c '^State:.T')" = "$(ls /proc/$pid/task | wc -l)" ]; }
came_back() { [ "$(grep -c "control.attached session=$session" "$gateway_log")" -ge 2 ]; }
has_line() { in_log "control.attached session=$session"; }

test_case "a refusal is told to programs as a line of its own"
run hoopctl --output json connect $target -- -X -c 'drop table orders' -c 'drop table orders' -c 'drop table orders'
err_has '"status":"denied"'
err_has '"rule":"no-ddl"'
err_has '"escalate":"ask_user"'
is "$(grep -c '"status":"denied"' <<<"$ERR")" 3
orderly=$(newest_session)

test_case "a client that is killed costs the session its credential within the heartbeat"
holds opens 1
holds eventually 5 has_line
kill -9 $pid; wait $pid 2>/dev/null
exec 7>&-
holds eventually 10 no_roles
holds in_log "session.client_lost session=$session"
is "$(hoopctl sessions list --live)" ''

test_case "a client that slept through its heartbeat forwards nothing"
holds opens 2
holds eventually 5 has_line
kill -STOP $pid
holds eventually 5 stopped
echo 'insert into marks values (1);' >&7
holds eventually 15 in_log "session.client_lost session=$session"
holds eventually 5 no_roles
kill -CONT $pid
code=0; exec 7>&-; wait $pid || code=$?
holds one_of $code 80 69
is "$(marks 1)" 0
holds grep -q '"status":"access_ended"' "$T/e"

test_case "a client that has ended its session is not missed"
holds sh -c "! grep -q 'session.client_lost session=$orderly' '$gateway_log'"

test_case "a gateway that is away for a moment costs the local path nothing"
if [ $target = pg-demo ]; then
  holds opens 3
  holds eventually 5 has_line
  holds restart_gateway
  echo "insert into marks values (2); select 'after';" >&7
  holds eventually 10 grep -q after "$T/o"
  holds eventually 10 came_back
  is "$(marks 2)" 1
  run hoopctl sessions kill "$session" --reason 'enough of it'
  status_is 0
  echo 'insert into marks values (4);' >&7
  code=0; exec 7>&-; wait $pid || code=$?
  is $code 80
  is "$(marks 4)" 0
  holds grep -q 'FATAL:  the session was ended by its owner: enough of it' "$T/e"
fi

test_case "access that ends is announced"
sed -i 's/^max_ttl = .*/max_ttl = "63s"/' "$HOOPCTL_STACK_GATEWAY/policy.toml"
kill -HUP $gateway_pid
holds eventually 5 in_log policy.reloaded
holds opens 4
holds eventually 15 grep -q '"status":"access_ending".*"message":"access ends in 1 minute"' "$T/e"
echo "select 'noticed';" >&7
holds eventually 10 grep -q noticed "$T/o"
holds grep -q 'NOTICE:  hoopctl: access ends in 1 minute' "$T/e"

test_case "without a gateway nothing passes any more"
kill -9 $gateway_pid
holds eventually 15 grep -q '"status":"access_ended".*gateway' "$T/e"
echo 'insert into marks values (3);' >&7
code=0; exec 7>&-; wait $pid || code=$?
is $code 69
is "$(marks 3)" 0

finish
