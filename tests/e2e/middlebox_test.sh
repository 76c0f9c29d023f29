# What stands between a client and the gateway: boxes that cut idle connections, that take TLS apart, that answer with noise, and a
# network that goes and comes back.
. "$(dirname "$0")/lib.sh"
target=pg-demo-gateway
port=${HOOPCTL_STACK_URL##*:} box=$T/box
mkdir "$box"

# The gateway moves to another port, and the box takes its place: what a client knows is the box.
printf '[gateway]\nlisten = "127.0.0.1:0"\nurl = "%s"\n' "$HOOPCTL_STACK_URL" >"$HOOPCTL_STACK_GATEWAY/conf.d/90-listen.toml"
kill "$gateway_pid"
eventually 20 gone "$gateway_pid"
hoopctl gateway serve "$HOOPCTL_STACK_GATEWAY" >>"$HOOPCTL_STACK_DIR/gateway.log" 2>&1 </dev/null & gateway_pid=$!
ends_with_test TERM $gateway_pid
eventually 20 test -s "$HOOPCTL_STACK_GATEWAY/state/listen"
behind=$(cut -d : -f 2 "$HOOPCTL_STACK_GATEWAY/state/listen")
start_box() {
  rm -f "$box/ready"
  python3 "$here/middlebox.py" "$box" "$port" "$behind" "$HOOPCTL_STACK_GATEWAY/tls/server.pem" "$HOOPCTL_STACK_GATEWAY/tls/server.key" & box_pid=$!
  ends_with_test KILL $box_pid
  eventually 10 test -e "$box/ready"
}
mode() { echo "$1" >"$box/mode"; }
# timed SECONDS: the last run took no longer.
timed() { [ $((SECONDS - begun)) -le "$1" ]; }
psql_command() { begun=$SECONDS; run hoopctl connect $target -- -X -At -c "$1"; }

mode forward
start_box
psql_command 'select 1'
status_is 0
out_is 1

test_case "a box that cuts what is silent for 25 s does not cut a session that is idle for 32"
mode 'idle 25'
# A connection of ours that says nothing: the box does cut, and would have cut the other.
{ printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'; sleep 40; } |
  openssl s_client -quiet -connect "127.0.0.1:$port" -servername localhost >"$T/silent" 2>&1 & silent=$!
ends_with_test TERM $silent
mkfifo "$T/in"
hoopctl connect $target -- psql -X -At -f "$T/in" >"$T/o" 2>"$T/e" & pid=$!
ends_with_test TERM $pid
exec 7>"$T/in"
echo "select 'first', pg_backend_pid();" >&7
holds eventually 15 grep -q '^first|' "$T/o"
mode forward
sleep 32
echo "select 'second', pg_backend_pid();" >&7
exec 7>&-
code=0; wait $pid || code=$?
is $code 0
is "$(sed -n 's/^second|//p' "$T/o")" "$(sed -n 's/^first|//p' "$T/o")"
holds grep -q 'idle: cut' "$box/record"

test_case "a proxy that takes TLS apart, with the gateway's own certificate: no tunnel, and a line that says so"
mode apart
psql_command 'select 2'
status_is 69
out_is ''
err_has 'takes TLS apart'
holds timed 20

test_case "noise from the gateway's side: the program loses its connection at once, and hoopctl says what happened"
mode garbage
psql_command 'select 3'
status_is 69
out_is ''
err_has 'tunnel'
holds timed 20
holds grep -q 'garbage: sent' "$box/record"

test_case "a network that goes and comes back costs the connection, and not the record"
mode forward
hoopctl connect $target --result-fd 3 -- sh -c \
  'psql -X -At -c "select count(*) from (select generate_series(1, 9000000061)) s"; until psql -X -At -c "select 61"; do sleep 0.3; done' \
  >"$T/o" 2>"$T/e" 3>"$T/result" & pid=$!
ends_with_test TERM $pid
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
holds eventually 15 running 9000000061 1
kill -9 $box_pid; wait $box_pid 2>/dev/null
sleep 1
start_box
code=0; wait $pid || code=$?
is $code 0
is "$(cat "$T/o")" 61
is "$(jq -r .upload "$T/result")" receipted
holds eventually 5 running 9000000061 0
holds eventually 5 no_roles
run hoopctl sessions show "$(jq -r .session "$T/result")"
out_has 9000000061
out_has 'select 61'

finish
