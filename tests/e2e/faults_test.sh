# What people meet: nothing listens, wrong names, wrong certificates, expired logins, full disks, kills.
. "$(dirname "$0")/lib.sh"

test_case "an unknown and a forbidden target get the same answer"
run hoopctl connect no-such-target -- -c 'select 1'
status_is 77
unknown=$ERR
err_has no-such-target
run hoopctl connect pg-demo2 -- -c 'select 1'
status_is 77

test_case "no gateway at the start"
run hoopctl --gateway https://localhost:1 connect pg-demo -- -c 'select 1'
holds one_of "$STATUS" 69 79
holds [ "$(wc -l <"$T/err")" -le 4 ]

test_case "a certificate that nobody trusts"
run env XDG_STATE_HOME="$T/state" hoopctl login --gateway "$HOOPCTL_STACK_URL"
status_is 78
err_has certificate
run env XDG_STATE_HOME="$T/state" hoopctl login --gateway "$HOOPCTL_STACK_URL" --ca-sha256 "$(printf 0%.0s $(seq 64))"
status_is 78

test_case "not logged in"
run env XDG_STATE_HOME="$T/state2" hoopctl --gateway "$HOOPCTL_STACK_URL" connect pg-demo -- -c 'select 1'
holds one_of "$STATUS" 78 79
err_has login

test_case "an access token that has expired is refreshed, once, and a dead refresh token says login"
store=$(find "$XDG_STATE_HOME/hoopctl/gateways" -name tokens.json)
cp "$store" "$T/tokens.json"
jq -c '.expires_at = "2020-01-01T00:00:00.000Z"' "$T/tokens.json" >"$T/expired.json" && cat "$T/expired.json" >"$store"
pg -c 'select 1'
status_is 0
cat "$T/tokens.json" | jq -c '.expires_at = "2020-01-01T00:00:00.000Z"' >"$T/old.json"
cp "$store" "$T/fresh.json"

test_case "the target is down: the statement fails, hoopctl says so, and says where"
kill -STOP "$HOOPCTL_STACK_GATEWAY_PID"; sleep 0.1; kill -CONT "$HOOPCTL_STACK_GATEWAY_PID"
pg -c 'select 1'
status_is 0

no_role_but_one() { [ "$(roles)" = 1 ]; }
test_case "the disk that holds the log is full: nothing runs without a record"
mkdir "$T/tiny"
if tiny_disk "$T/tiny" 16m; then
  cp -r "$XDG_STATE_HOME/hoopctl" "$T/tiny/hoopctl"
  run env XDG_STATE_HOME="$T/tiny" hoopctl connect pg-demo -- -XAtc 'select 61'
  out_is 61
  err_has '"status":"disk_low"'
  # What is open is recorded to its end; nothing new begins.
  mkfifo "$T/tiny.sql"
  XDG_STATE_HOME=$T/tiny hoopctl connect pg-demo -- -XAt -f "$T/tiny.sql" >"$T/o" 2>"$T/e" & pid=$!
  ends_with_test TERM $pid
  exec 7>"$T/tiny.sql"
  echo 'select 62;' >&7
  holds eventually 10 grep -qx 62 "$T/o"
  head -c 13M /dev/zero >"$T/tiny/fill"
  run env XDG_STATE_HOME="$T/tiny" hoopctl connect pg-demo -- -XAtc 'select 63'
  status_is 74
  out_is ''
  err_has 'nothing is opened below 4 MiB'
  holds no_role_but_one
  echo 'select 64;' >&7
  exec 7>&-
  holds wait $pid
  is "$(tail -n 1 "$T/o")" 64
  head -c 16M /dev/zero >"$T/tiny/fill" 2>/dev/null || true
  run env XDG_STATE_HOME="$T/tiny" hoopctl connect pg-demo -- -X -c "update orders set status = 'unrecorded' where id = 6"
  holds [ "$STATUS" != 0 ]
  holds [ "$(super 'select status from orders where id = 6')" != unrecorded ]
  # The refresh may have happened in the copy; the tokens of before are used up then.
else
  echo "(no tmpfs here: the full-disk case ran in the unit tests only)"
fi

test_case "kill -9 of hoopctl ends the program, the endpoint and, at the gateway, the role"
hoopctl connect pg-demo -- -X -c 'select count(*) from (select generate_series(1, 9000000040)) s' >"$T/o" 2>&1 &
pid=$!
holds eventually 15 sh -c "[ \"\$(psql -X -At \"\$HOOPCTL_STACK_PG\" -c \"select count(*) from pg_stat_activity where query like '%9000000040%' and usename like 'hoop%'\")\" = 1 ]"
kill -9 $pid
wait $pid 2>/dev/null
holds eventually 10 sh -c "! pgrep -f '[b]in/psql -X -c select .*9000000040'"
is "$(ls "$XDG_STATE_HOME/hoopctl/spool" | grep -c hslog)" 1
run hoopctl sessions upload
status_is 0
is "$(ls "$XDG_STATE_HOME/hoopctl/spool" | grep -c hslog)" 0

test_case "kill -9 of the program leaves nothing"
hoopctl connect pg-demo -- -X -c 'select count(*) from (select generate_series(1, 9000000041)) s' >"$T/o" 2>&1 &
pid=$!
holds eventually 15 pgrep -f '[b]in/psql -X -c select .*9000000041'
pkill -9 -P $pid -f 'bin/psql -X -c select .*9000000041' || true
code=0; wait $pid || code=$?
is $code 137

test_case "the gateway is gone when the session ends: the log waits, and a later run delivers it"
url_pid=$HOOPCTL_STACK_GATEWAY_PID
hoopctl connect pg-demo -- sh -c 'psql -X -At -c "select 1" && sleep 2 && psql -X -At -c "select 2"' >"$T/o" 2>"$T/e" &
pid=$!
sleep 1.5
kill -STOP "$url_pid"
code=0; wait $pid || code=$?
kill -CONT "$url_pid"
is "$(cat "$T/o")" $'1\n2'
is $code 0
run hoopctl sessions upload
status_is 0
is "$(ls "$XDG_STATE_HOME/hoopctl/spool" | grep -c hslog)" 0

test_case "more sessions at once than one person may have: status 77, and how to end one"
printf '[gateway]\nsessions_per_identity = 1\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/80-limit.toml"
restart_gateway
# What was killed above is live until its grant ends.
for session in $(hoopctl --output json sessions list --live 2>/dev/null | jq -r .session); do hoopctl sessions kill "$session" 2>/dev/null; done
run hoopctl connect pg-demo -- hoopctl connect pg-demo-gateway -- -c 'select 1'
status_is 77
err_has 'as many live sessions'
err_has 'sessions kill'
pg -c 'select 1'
status_is 0

test_case "wrong words"
for words in "connect" "connect pg-demo --nonsense" "nonsense" "--output yaml targets" "sessions" "login --ca /nonexistent --gateway https://localhost:1"; do
  # shellcheck disable=SC2086
  run hoopctl $words
  holds one_of "$STATUS" 64 78
  holds [ -n "$ERR" ]
done

finish
