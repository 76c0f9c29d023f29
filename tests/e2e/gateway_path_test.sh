# The gateway path: what stands on the client's machine, what goes over the wire, and what is left when either end dies.
. "$(dirname "$0")/lib.sh"
gw_target=pg-demo-gateway
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
last_session() { hoopctl --output json sessions list | jq -rs 'map(select(.session)) | sort_by(.started_at) | last | .session'; }

test_case "the targets say which path"
run hoopctl --output json targets
holds sh -c "printf '%s\n' '$OUT' | jq -es 'map(select(.name == \"$gw_target\" and .path == \"gateway\")) | length == 1'"

test_case "the main job: rows, masks, refusals, the program's status"
run hoopctl connect $gw_target -- -X -At -c 'select id, email, ssn from customers where id = 2'
status_is 0
out_has '2|c***@'
out_has '[redacted]'
run hoopctl connect $gw_target -- -X -At -c 'drop table orders'
status_is 1
err_has 'the schema is changed by migrations'
is "$(super "select to_regclass('orders') is not null")" t

test_case "the result document and the record"
run bash -c 'hoopctl connect '$gw_target' --result-fd 3 -- -X -At -c "select email from customers where id = 1" -c "drop table orders" 3>"'"$T"'/result"; exit $?'
holds jq -e '.upload == "receipted" and .denied == 1 and .allowed >= 1 and .masked_values >= 1 and (.log_digest | length) == 64' "$T/result"
session=$(jq -r .session "$T/result")
run hoopctl sessions verify "$session"
status_is 0
out_has receipt
run hoopctl sessions show "$session"
out_has 'select email from customers'
out_has no-ddl
is "$(find "$XDG_STATE_HOME/hoopctl" -name '*.hslog' | wc -l)" 0
holds eventually 10 sh -c "[ \"\$(psql -X -At \"\$HOOPCTL_STACK_PG\" -c \"select count(*) from pg_roles where rolname ~ '^hoop_' and rolname <> 'hoop_admin' and rolcanlogin\")\" = 0 ]"

test_case "cancel, several connections and bulk go through"
run timeout -s INT 3 hoopctl connect $gw_target -- -X -c 'select count(*) from (select generate_series(1, 9000000050)) s'
holds eventually 5 running 9000000050 0
run hoopctl connect $gw_target -- sh -c 'for i in 1 2 3 4 5 6 7 8; do psql -X -At -c "select $i" & done; wait'
is "$(printf '%s\n' "$OUT" | sort | tr '\n' ' ')" '1 2 3 4 5 6 7 8 '
run hoopctl connect $gw_target -- sh -c 'psql -X -At -c "select g, g * 2 from generate_series(1, 500000) g" | cksum'
is "$OUT" "$(super 'select g, g * 2 from generate_series(1, 500000) g' | cksum)"
run hoopctl connect $gw_target --tcp -- sh -c 'psql -X -At -c "select 5"'
is "$OUT" 5

test_case "nothing of the credential is in the client's memory, files or environment"
cat >"$T/scan.py" <<'PY'
# Which of the words stand in the readable memory of a process: one line each.
import re, sys
pid, words = sys.argv[1], sys.argv[2:]
found = set()
with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as mem:
    for line in maps:
        m = re.match(r'([0-9a-f]+)-([0-9a-f]+) r', line)
        if not m or '[v' in line: continue
        start, end = int(m[1], 16), int(m[2], 16)
        while start < end:
            try:
                mem.seek(start); data = mem.read(min(end - start, 1 << 26))
            except OSError: break
            if not data: break
            found |= {w for w in words if w.encode() in data}
            start += len(data)
print(*sorted(found), sep='\n')
PY
admin=$(cat "$HOOPCTL_STACK_GATEWAY/keys/pg-demo.password")
look() {  # look TARGET NUMBER: which of session id and issuer's password the client's process holds while a statement runs
  local target=$1 number=$2 pid session
  hoopctl connect "$target" -- -X -c "select count(*) from (select generate_series(1, $number)) s" >"$T/o" 2>&1 &
  pid=$!
  eventually 15 running "$number" 1 || { echo not-running; return; }
  session=$(last_session)
  if [ "$(id -u)" = 0 ]; then python3 "$T/scan.py" $pid "$session" "$admin" | sed "s/^$session$/session/"; else
    # Not even its own user may look.
    cat "/proc/$pid/maps" >/dev/null 2>&1 && echo readable || echo session
  fi
  pkill -P $pid -f "bin/psql -X -c select .*$number"
  wait $pid
}
is "$(look $gw_target 9000000052)" session   # the search finds what is there, and no more than that
holds sh -c "! grep -raqF -- '$admin' '$XDG_STATE_HOME' '$XDG_RUNTIME_DIR' '$T/o'"

test_case "only TLS goes over the wire"
as_root=; [ "$(id -u)" = 0 ] || as_root="sudo -n"
$as_root python3 "$here/capture.py" lo "${HOOPCTL_STACK_URL##*:}" hoopmarker4711 "$T/capture.ready" "$T/captured" & capture=$!
holds eventually 5 test -e "$T/capture.ready"
run hoopctl connect $gw_target --tcp -- -X -At -c "select 'hoopmarker4711'"
is "$OUT" hoopmarker4711
psql "host=127.0.0.1 port=${HOOPCTL_STACK_URL##*:} user=hoop-capture-ends sslmode=disable connect_timeout=2" -c '' >/dev/null 2>&1
wait $capture
is "$(cat "$T/captured")" 'True 0 True'   # much to the gateway, nothing of it in clear; the search finds the loopback endpoint's bytes

test_case "a stopped gateway tells the program why, and the record is whole"
# shellcheck disable=SC1007
hoopctl connect $gw_target -- -X -c 'select count(*) from (select generate_series(1, 9000000053)) s' >"$T/o" 2>"$T/e" & pid=$!
holds eventually 15 running 9000000053 1
kill -TERM "$HOOPCTL_STACK_GATEWAY_PID"
code=0; wait $pid || code=$?
holds grep -q 'gateway is stopping' "$T/e"
holds eventually 10 running 9000000053 0
holds eventually 10 sh -c "! kill -0 $HOOPCTL_STACK_GATEWAY_PID 2>/dev/null"
is $code 69
holds grep -q 'gateway_stopped\|gateway_lost' "$T/e"
sealed=$(grep -al 9000000053 "$HOOPCTL_STACK_GATEWAY"/state/logs/* | head -n 1)
holds [ -n "$sealed" ]
run hoopctl sessions verify "$sealed"
status_is 0

test_case "kill -9 of the gateway: the program loses its connection, the next gateway keeps the record and drops the role"
holds start_gateway
hoopctl connect $gw_target -- -X -c 'select count(*) from (select generate_series(1, 9000000054)) s' >"$T/o" 2>"$T/e" & pid=$!
holds eventually 15 running 9000000054 1
role=$(super "select usename from pg_stat_activity where query like '%9000000054%' and usename like 'hoop%'")
kill -9 $gateway_pid; wait $gateway_pid 2>/dev/null
code=0; wait $pid || code=$?
is $code 69
holds grep -q 'gateway_stopped\|gateway_lost' "$T/e"
holds start_gateway
holds eventually 20 sh -c "[ \"\$(psql -X -At \"\$HOOPCTL_STACK_PG\" -c \"select count(*) from pg_roles where rolname = '$role'\")\" = 0 ]"
holds eventually 10 grep -aq 9000000054 -r "$HOOPCTL_STACK_GATEWAY/state/logs"

test_case "the gateway's disk is full in the middle of a session: nothing runs without a record, and the log is whole"
spool=$HOOPCTL_STACK_GATEWAY/state/spool
if tiny_disk "$spool" 6m; then
  super 'create table kept (n int)' >/dev/null
  mkfifo "$T/in"
  hoopctl connect $gw_target --result-fd 3 -- psql -X -At -f "$T/in" >"$T/o" 2>"$T/e" 3>"$T/result" & pid=$!
  ends_with_test TERM $pid
  exec 7>"$T/in"
  echo 'insert into kept values (0) returning 4700 + n;' >&7
  holds eventually 10 grep -qx 4700 "$T/o"
  head -c 8M /dev/zero >"$spool/fill" 2>/dev/null
  for n in $(seq 1 60); do echo "insert into kept values ($n);"; done >&7 2>/dev/null
  exec 7>&-
  code=0; wait $pid || code=$?
  holds [ $code != 0 ]
  written=$(super 'select count(*) from kept')
  holds [ "$written" -lt 61 ]
  holds grep -qi 'log' "$T/e"
  # Others are told so before anything runs, once what the session has given back is full too.
  head -c 8M /dev/zero >"$spool/more" 2>/dev/null
  run hoopctl connect $gw_target -- -X -c 'insert into kept values (99)'
  holds one_of "$STATUS" 69 74
  is "$(super 'select count(*) from kept where n = 99')" 0
  run curl -s --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$HOOPCTL_STACK_URL/readyz"
  out_has 'the disk is nearly full'
  rm "$spool/fill" "$spool/more"
  run hoopctl connect $gw_target -- -X -At -c 'select 48'
  status_is 0
  session=$(jq -r .session "$T/result")
  holds eventually 75 sh -c "hoopctl sessions verify '$session'"
  hoopctl --output json sessions show "$session" 2>/dev/null | jq -r 'select(.type == "action") | .record.text' >"$T/recorded"
  for n in $(super 'select n from kept where n > 0'); do holds grep -q "values ($n);\?$" "$T/recorded"; done
  holds eventually 10 sh -c "! find '$spool' -name '*.hslog' | grep -q ."
else
  echo "(no tmpfs here: the full-disk case ran in the unit tests only)"
fi

finish
