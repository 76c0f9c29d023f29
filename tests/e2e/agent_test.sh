# A target in a network of its own, which the gateway cannot reach: an agent beside it dials out, and everything goes through it.
# stack: --no-login
. "$(dirname "$0")/lib.sh"
. "$here/site.sh"
if [ -z "${HOOPCTL_E2E_OUTSIDE:-}" ]; then
  # Two networks with nothing but a wire between them: outside are the gateway and its people, in site the agent and the target.
  needs_networks
  new_network; outside=$network; new_network; site=$network
  in_network $outside ip link add wire type veth peer name wire netns $site
  in_network $outside ip addr add 10.231.7.1/30 dev wire; in_network $site ip addr add 10.231.7.2/30 dev wire
  # An address that only the site has: from outside there is no route to it.
  in_network $site ip addr add 198.51.100.10/32 dev lo
  for each in $outside $site; do in_network $each ip link set wire up; done
  export HOOPCTL_E2E_OUTSIDE=1 HOOPCTL_E2E_SITE=$site
  in_networks "bash $0" $outside $site
fi
near=10.231.7.1 db=198.51.100.10 port=5432
inside=$(way_into $HOOPCTL_E2E_SITE)   # COMMAND… in the customer's network
start_site_postgres
site_target=pg-berlin
start_site_gateway $near pg-berlin:$db:berlin pg-other:198.51.100.11:berlin pg-munich:$db:munich
"$here/../support/login.sh" || cat "$T/gateway.log"
metric() { curl -sS --max-time 5 "http://$(cat "$gw/state/metrics")/metrics" | sed -n "s/^$1 //p"; }
connected() { [ "$(metric hoopctl_agents_connected)" = "$1" ]; }
agent=
start_agent() {  # start_agent WORDS…: until it is connected; its process in $agent
  $inside "$HOOPCTL_BUILD/hoopctl" agent serve --state "$T/agent" --allow $db:$port "$@" >>"$T/agent.log" 2>&1 </dev/null & agent=$!
  ends_with_test TERM $agent
  eventually 20 connected 1
}
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
long() { printf 'select count(*) from (select generate_series(1, %s)) s' "$1"; }

test_case "the gateway itself cannot reach the target"
holds sh -c "! timeout 2 bash -c '</dev/tcp/$db/$port' 2>/dev/null"

test_case "before an agent is there, a target says so"
run hoopctl connect $site_target -- -X -c 'select 1'
status_is 69
err_has 'the agent of this target is offline'

test_case "an agent joins by a token that is good once"
run hoopctl --output text gateway agent add "$gw" berlin --serves site=berlin
status_is 0
(umask 077; printf '%s\n' "$OUT" >"$T/token")
holds [ "$(wc -l <"$T/token")" = 1 ]
holds sh -c "! grep -raqF '$(cat "$T/token")' '$gw/state'"
run $inside "$HOOPCTL_BUILD/hoopctl" agent serve --state "$T/agent" --allow $db:$port --ca "$gw/tls/ca.pem"
status_is 64
holds start_agent --gateway "$url" --ca "$gw/tls/ca.pem" --join-token-file "$T/token"
holds grep -q agent.joined "$T/agent.log"
holds grep -q 'agent.connected.*agent=berlin' "$T/gateway.log"
is "$(stat -c %a "$T/agent/agent.json")" 600
run $inside "$HOOPCTL_BUILD/hoopctl" agent serve --state "$T/thief" --allow $db:$port --gateway "$url" --ca "$gw/tls/ca.pem" --join-token-file "$T/token"
status_is 79
err_has 'does not take the join token'
run hoopctl --output json gateway agent list "$gw"
is "$(printf '%s' "$OUT" | jq -r '[.agent, .serves, .state] | join(",")')" berlin,site=berlin,joined

test_case "psql, masks, refusals and the record, through the agent"
run hoopctl connect $site_target -- -X -At -c 'select id, email, ssn from customers where id = 2'
status_is 0
out_has '2|c***@'
out_has '[redacted]'
run hoopctl connect $site_target -- -X -At -c 'drop table orders'
status_is 1
err_has 'the schema is changed by migrations'
run hoopctl sessions verify "$(newest_session)"
status_is 0
holds eventually 10 no_roles

test_case "cancel, several connections and bulk, both ways"
run timeout -s INT 3 hoopctl connect $site_target -- -X -c "$(long 9000006101)"
holds eventually 5 running 9000006101 0
run hoopctl connect $site_target -- sh -c 'for i in 1 2 3 4 5 6 7 8; do psql -X -At -c "select $i" & done; wait'
is "$(printf '%s\n' "$OUT" | sort | tr '\n' ' ')" '1 2 3 4 5 6 7 8 '
since=$(date +%s%N)
run hoopctl connect $site_target -- sh -c "psql -X -At -c \"select g, md5(g::text), repeat('x', 200) from generate_series(1, 400000) g\" | cksum"
took=$(( ($(date +%s%N) - since) / 1000000 ))
is "$OUT" "$(super "select g, md5(g::text), repeat('x', 200) from generate_series(1, 400000) g" | cksum)"
echo "bulk through the agent: 93 MiB of rows in $took ms"
super "create table loaded (g int, t text); grant all on loaded to demo_app" >/dev/null
seq 1 200000 | sed 's/$/,some text of a row/' >"$T/rows.csv"
INPUT=$T/rows.csv run hoopctl connect $site_target -- -X -c '\copy loaded from stdin csv'
is "$(super 'select count(*), sum(g) from loaded')" '200000|20000100000'

test_case "only TLS goes over both legs of the agent"
python3 "$here/capture.py" wire "${url##*:}" hoopmarker4712 "$T/near.ready" "$T/near.seen" & near_leg=$!
$inside python3 "$here/capture.py" lo $port hoopmarker4712 "$T/far.ready" "$T/far.seen" & far_leg=$!
holds eventually 5 test -e "$T/near.ready" -a -e "$T/far.ready"
run hoopctl connect $site_target -- -X -At -c "select 'hoopmarker4712'"
is "$OUT" hoopmarker4712
# What the search must find, and what ends it: on the wire, and inside.
for words in hoopmarker4712 hoop-capture-ends; do
  bash -c "echo $words >/dev/udp/10.231.7.2/9"
  $inside bash -c "echo $words >/dev/udp/198.51.100.10/9" 2>/dev/null
done
wait $near_leg $far_leg
is "$(cat "$T/near.seen")" 'True 0 True'
is "$(cat "$T/far.seen")" 'True 0 True'

test_case "the allow-list and the labels bound what an agent is good for"
run hoopctl connect pg-other -- -X -c 'select 1'
status_is 69
err_has 'does not allow its address'
holds grep -q 'dial.refused.*198.51.100.11' "$T/agent.log"
run hoopctl connect pg-munich -- -X -c 'select 1'
status_is 69
err_has 'the agent of this target is offline'

test_case "an idle session lives on; a new key changes nothing for it"
hoopctl connect $site_target -- sh -c 'psql -X -At -c "select pg_backend_pid() > 0" -c "\! sleep 4" -c "select 77"' >"$T/o" 2>"$T/e" & pid=$!
sleep 1
kill $agent; sleep 0.2
holds eventually 40 gone $agent
code=0; wait $pid || code=$?
is "$code" 0
holds grep -q 77 "$T/o"   # SIGTERM drains: what was open went on to its end
cp "$T/agent/agent.json" "$T/before.json"
holds start_agent --rotate
holds eventually 10 grep -q 'agent.key_changed' "$T/gateway.log"
run hoopctl connect $site_target -- -X -At -c 'select 1'
is "$OUT" 1
holds sh -c "! cmp -s '$T/before.json' '$T/agent/agent.json'"
holds connected 1

test_case "the agent is killed in the middle of a statement: the program hears why, the status is its own"
hoopctl connect $site_target --result-fd 3 -- -X -v VERBOSITY=verbose -c "$(long 9000006201)" >"$T/o" 2>"$T/e" 3>"$T/result" & pid=$!
holds eventually 15 running 9000006201 1
since=$SECONDS
kill -9 $agent
code=0; wait $pid || code=$?
holds [ $((SECONDS - since)) -le 20 ]
is "$code" 2
holds grep -q '08006: the agent of this target was lost' "$T/e"
is "$(jq -r .upload "$T/result")" receipted
holds eventually 5 connected 0
run hoopctl connect $site_target -- -X -c 'select 1'
status_is 69
err_has 'the agent of this target is offline'

test_case "a copy of an older key opens nothing"
mkdir -m 700 "$T/old"; install -m 600 "$T/before.json" "$T/old/agent.json"
$inside "$HOOPCTL_BUILD/hoopctl" agent serve --state "$T/old" --allow $db:$port >"$T/old.log" 2>&1 </dev/null & old=$!
ends_with_test KILL $old
holds eventually 10 grep -q 'does not know this agent' "$T/old.log"
kill -9 $old
holds connected 0

test_case "it comes back, and the roles that were left behind go"
holds start_agent
run hoopctl connect $site_target -- -X -At -c 'select 2'
is "$OUT" 2
holds eventually 20 no_roles

test_case "a removed agent is out within 2 seconds, with its sessions"
hoopctl connect $site_target -- -X -c "$(long 9000006301)" >"$T/o" 2>"$T/e" & pid=$!
holds eventually 15 running 9000006301 1
run hoopctl gateway agent remove "$gw" berlin
status_is 0
since=$(date +%s%N)
code=0; wait $pid || code=$?
holds [ $(( ($(date +%s%N) - since) / 1000000 )) -lt 5000 ]
is "$code" 2
holds grep -q 'the agent of this target was removed' "$T/e"
holds eventually 5 connected 0
holds eventually 10 grep -q 'does not know this agent' "$T/agent.log"
run hoopctl gateway agent remove "$gw" berlin
status_is 64

finish
