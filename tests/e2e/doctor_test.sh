# hoopctl doctor: what is well is said to be, each thing that is not is found and told with its fix; and the logs that wait.
. "$(dirname "$0")/lib.sh"

# state_of CHECK: its state in the last answer.
state_of() { printf '%s\n' "$OUT" | jq -r "select(.check == \"$1\").state"; }
fix_of() { printf '%s\n' "$OUT" | jq -r "select(.check == \"$1\").fix"; }
doctor() { run "$@" hoopctl --output json doctor; }
doctor_with() { run env "$@" hoopctl --output json doctor; }

test_case "all is well"
run hoopctl --output text doctor
status_is 0
# Not every machine lets a user make namespaces: isolation_test.sh says more of it.
is "$(printf '%s\n' "$OUT" | grep -v ' isolation ' | grep -c '^ok ')" 9
out_has 'demo, in groups developers'
run hoopctl --output json doctor
is "$(printf '%s\n' "$OUT" | jq -r 'select(.check != "isolation") | .state' | sort -u)" ok
is "$(printf '%s\n' "$OUT" | jq -r 'select(.check != "isolation") | .fix' | sort -u)" ''
is "$(printf '%s\n' "$OUT" | jq -r .check | tr '\n' ' ')" 'configuration state runtime gateway clock login targets spool isolation psql '

test_case "no login"
doctor_with XDG_STATE_HOME="$T/nothing"
status_is 79
is "$(state_of gateway) $(state_of clock) $(state_of login) $(state_of targets)" 'failed skipped skipped skipped'
is "$(fix_of gateway)" 'hoopctl login --gateway https://HOST[:PORT]'

test_case "a gateway that is known, and no login to it any more"
cp -a "$XDG_STATE_HOME" "$T/state"
rm "$T"/state/hoopctl/gateways/*/tokens.json
doctor_with XDG_STATE_HOME="$T/state"
status_is 79
is "$(state_of gateway) $(state_of login) $(state_of targets)" 'ok failed skipped'
holds [ "$(fix_of login)" = "hoopctl login --gateway $HOOPCTL_STACK_URL" ]

test_case "a gateway with another certificate, and something else that answers"
printf '%s' "$(jq -c '.ca_pem = ""' "$T"/state/hoopctl/gateways/*/gateway.json)" >"$T/record"
cat "$T/record" >"$(ls "$T"/state/hoopctl/gateways/*/gateway.json)"
doctor_with XDG_STATE_HOME="$T/state"
status_is 78
is "$(state_of gateway)" failed
holds [ -n "$(fix_of gateway)" ]

test_case "a clock that is wrong"
doctor_with LD_PRELOAD="$HOOPCTL_BUILD/libclock_offset.so" CLOCK_OFFSET=600
is "$(state_of clock)" warning
out_has '600 s ahead'
doctor_with LD_PRELOAD="$HOOPCTL_BUILD/libclock_offset.so" CLOCK_OFFSET=-90
out_has 's behind'
is "$(state_of login)" ok

test_case "a state folder that others may enter, or that cannot be made"
chmod 755 "$T/state/hoopctl"
doctor_with XDG_STATE_HOME="$T/state"
is "$(state_of state)" failed
holds [ "$STATUS" != 0 ]
doctor_with XDG_STATE_HOME=/proc/nothing
is "$(state_of state)" failed

test_case "a disk that is nearly full"
mkdir -m 700 "$T/small"
if tiny_disk "$T/small" 16m; then
  doctor_with XDG_STATE_HOME="$T/small"
  is "$(state_of state)" warning
  head -c 13M /dev/zero >"$T/small/fill"
  doctor_with XDG_STATE_HOME="$T/small"
  is "$(state_of state)" failed
else
  echo "(no tmpfs may be mounted here: a disk that is nearly full was not tried)"
fi

test_case "no psql"
OUT=$(PATH="$T" "$(command -v hoopctl)" --output json doctor 2>/dev/null) STATUS=$?
status_is 0
is "$(state_of psql)" warning

test_case "a log that could not be delivered waits, is listed, and goes"
mkfifo "$T/sql"
hoopctl connect $target -- -X -At -f "$T/sql" >"$T/rows" 2>"$T/err" &
client=$!
ends_with_test KILL $client
exec 8>"$T/sql"
echo 'select 1;' >&8
holds eventually 20 test -s "$T/rows"
kill "$gateway_pid"
holds eventually 20 gone "$gateway_pid"
exec 8>&-
wait $client
doctor
status_is 69
is "$(state_of gateway) $(state_of spool)" 'failed warning'
is "$(fix_of spool)" 'hoopctl sessions upload'
run hoopctl --output json sessions pending
status_is 0
is "$(printf '%s\n' "$OUT" | jq -r '.target + " " + .state + " " + .gateway')" "$target waiting $HOOPCTL_STACK_URL"
holds [ "$(printf '%s\n' "$OUT" | jq -r .bytes)" -gt 500 ]
holds test -f "$(printf '%s\n' "$OUT" | jq -r .path)"
start_gateway
run hoopctl sessions upload
status_is 0
run hoopctl --output json sessions pending
out_is ''
doctor
status_is 0
is "$(state_of spool)" ok

test_case "one that the gateway refuses is told apart"
mkdir -m 700 "$XDG_STATE_HOME/hoopctl/spool/refused"
printf 'not a log' >"$XDG_STATE_HOME/hoopctl/spool/refused/s_refused.hslog"
doctor
is "$(state_of spool)" warning
run hoopctl sessions pending
out_has 's_refused'
out_has 'refused'

finish
