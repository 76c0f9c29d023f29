# A session that is ended from outside while its program runs.
# every path
. "$(dirname "$0")/lib.sh"
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
sleeper() {  # sleeper NUMBER: a statement that runs until it is ended; its process in $pid
  hoopctl connect $target -- -X -c "select count(*) from (select generate_series(1, $1)) s" >"$T/o" 2>"$T/e" & pid=$!
  ends_with_test TERM $pid
  eventually 15 running "$1" 1
}

test_case "the owner kills a session: its program ends within 2 seconds, and knows why"
holds sleeper 9000004801
session=$(newest_session)
run hoopctl --output json sessions list --live
status_is 0
is "$(printf '%s' "$OUT" | jq -r '[.session, .live] | @text')" "[\"$session\",true]"
since=$(date +%s%N)
run hoopctl sessions kill "$session" --reason 'it locks the orders table'
status_is 0
err_has "$session has ended"
code=0; wait $pid || code=$?
holds [ $(( ($(date +%s%N) - since) / 1000000 )) -lt 3000 ]
holds running 9000004801 0
is $code 80
holds grep -q 'FATAL:  the session was ended by its owner: it locks the orders table' "$T/e"
holds grep -q '"status":"access_ended".*"cause":"killed"' "$T/e"
run hoopctl sessions show "$session"
out_has ended_by
holds grep -q "session.killed.*$session" "$HOOPCTL_STACK_DIR/gateway.log"
holds sh -c "! grep -q 'locks the orders' '$HOOPCTL_STACK_DIR/gateway.log'"
holds eventually 5 no_roles
run hoopctl sessions list --live
status_is 0
out_is ''

test_case "the record of a killed session is whole"
holds eventually 10 sh -c "hoopctl sessions verify '$session'"
is "$(spooled)" 0

test_case "killing it again is no error; an unknown one is"
run hoopctl sessions kill "$session"
status_is 0
run hoopctl sessions kill s_aaaaaaaaaaaaaaaaaaaaaaaaaa
holds [ "$STATUS" != 0 ]
err_has 'not found, or not yours'

test_case "a program that had succeeded keeps its 0"
run hoopctl connect $target -- sh -c 'psql -X -At -c "select 1"; hoopctl sessions kill $HOOPCTL_SESSION'
status_is 0

finish
