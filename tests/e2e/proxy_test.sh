# An office from which only a proxy leads out: clients and an agent reach the gateway by CONNECT. And what such proxies do.
# stack: --no-login
. "$(dirname "$0")/lib.sh"
. "$here/site.sh"
if [ -z "${HOOPCTL_E2E_OFFICE:-}" ]; then
  # office: program, agent and target; gate: the proxy, which forwards no packets; world: the gateway.
  needs_networks
  new_network; office=$network; new_network; gate=$network; new_network; world=$network
  in_network $office ip link add out type veth peer name in netns $gate
  in_network $gate ip link add out type veth peer name in netns $world
  in_network $office ip addr add 10.231.8.1/30 dev out; in_network $gate ip addr add 10.231.8.2/30 dev in
  in_network $gate ip addr add 10.231.9.1/30 dev out; in_network $world ip addr add 10.231.9.2/30 dev in
  in_network $office ip link set out up; in_network $gate ip link set in up
  in_network $gate ip link set out up; in_network $world ip link set in up
  export HOOPCTL_E2E_OFFICE=$office HOOPCTL_E2E_GATE=$gate HOOPCTL_E2E_WORLD=$world
  in_networks "bash $0" $office $gate $world
fi
db=10.231.8.1 port=5432 inside= beyond=$(way_into $HOOPCTL_E2E_WORLD) site_target=pg-office
start_site_postgres
start_site_gateway 10.231.9.2 pg-office:$db:office
box=$T/box; mkdir "$box"
mode() { echo "$1" >"$box/mode"; }
requests() { grep -c "^$1 CONNECT 10.231.9.2:" "$box/record"; }
more_requests() { [ "$(requests "$1")" -gt "$2" ]; }
mode forward
$(way_into $HOOPCTL_E2E_GATE) python3 "$here/connect_proxy.py" "$box" 10.231.8.2 3128 "$gw/tls/server.pem" "$gw/tls/server.key" &
ends_with_test KILL $!
eventually 10 test -e "$box/ready"
export HTTPS_PROXY=http://10.231.8.2:3128
connected() { [ "$(grep -c event=agent.connected "$T/gateway.log")" -ge "$1" ]; }
psql_command() { begun=$SECONDS; run hoopctl connect $site_target -- -X -At -c "$1"; }
timed() { [ $((SECONDS - begun)) -le "$1" ]; }

test_case "without the proxy there is no way to the gateway"
run env -u HTTPS_PROXY timeout 60 hoopctl --output json login --gateway "$url" --ca "$gw/tls/ca.pem"
status_is 69
run env NO_PROXY=10.231.9.2 timeout 60 hoopctl --output json login --gateway "$url" --ca "$gw/tls/ca.pem"
status_is 69

test_case "an agent and a client work through it: login, grant, tunnel, control"
holds "$here/../support/login.sh"
hoopctl gateway agent add "$gw" office --serves site=office >"$T/token" 2>/dev/null; chmod 600 "$T/token"
hoopctl agent serve --state "$T/agent" --gateway "$url" --ca "$gw/tls/ca.pem" --join-token-file "$T/token" --allow $db:$port >>"$T/agent.log" 2>&1 </dev/null & agent=$!
ends_with_test TERM $agent
holds eventually 20 connected 1
before=$(requests forward)
psql_command 'select id, email from customers where id = 2'
status_is 0
out_has '2|c***@'
# Of the client: the API and the tunnel; of the agent: the stream of the statement.
holds more_requests forward $((before + 2))
run hoopctl connect $site_target -- psql -X -At -c "select repeat('x', 1000) from generate_series(1, 20000)"
is "$(wc -c <<<"$OUT")" 20020000

test_case "a session is killed through it within 2 seconds"
hoopctl connect $site_target -- -X -c 'select count(*) from (select generate_series(1, 9000007001)) s' >"$T/o" 2>"$T/e" & pid=$!
ends_with_test TERM $pid
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
holds eventually 15 running 9000007001 1
since=$(date +%s%N)
run hoopctl sessions kill "$(newest_session)"
code=0; wait $pid || code=$?
holds [ $(( ($(date +%s%N) - since) / 1000000 )) -lt 3000 ]
is $code 80

test_case "a proxy that refuses: a line that says so, and 69"
mode deny
psql_command 'select 1'
status_is 69
err_has 403
holds timed 20
mode login
HTTPS_PROXY=http://office:wrong%20word@10.231.8.2:3128 run hoopctl targets
status_is 69
err_has 407
err_lacks 'wrong'

test_case "a proxy that wants a login gets the one that stands in the variable"
HTTPS_PROXY=http://office:pass%20word@10.231.8.2:3128 run hoopctl targets
status_is 0
out_has $site_target

test_case "a proxy that takes TLS apart, with the gateway's own certificate: no tunnel, and a line that says so"
mode apart
psql_command 'select 1'
status_is 69
out_is ''
err_has 'takes TLS apart'

test_case "a proxy that says nothing is not waited for without end"
mode silent
psql_command 'select 1'
status_is 69
holds timed 45

test_case "a proxy that cuts idle connections: the agent comes back, and a session in use goes on"
mode 'idle 5'
kill $agent; holds eventually 20 gone $agent
count=$(grep -c event=agent.connected "$T/gateway.log")
hoopctl agent serve --state "$T/agent" --allow $db:$port >>"$T/agent.log" 2>&1 </dev/null & agent=$!
ends_with_test TERM $agent
holds eventually 20 connected $((count + 1))
# Its heartbeat is slower than this proxy: it is cut, and dials anew.
holds eventually 40 connected $((count + 2))
holds grep -q cut "$box/record"
holds eventually 20 sh -c "hoopctl connect $site_target -- -X -At -c 'select 43' 2>/dev/null | grep -qx 43"
holds kill -0 $agent

finish
