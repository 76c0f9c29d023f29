# A target in a network of its own, which the gateway cannot reach: an agent beside it dials out, and everything goes through it.
# stack: --no-login
. "$(dirname "$0")/lib.sh"
if [ -z "${HOOPCTL_E2E_OUTSIDE:-}" ]; then
  [ "$(id -u)" = 0 ] || { echo "SKIPPED: a network namespace needs root"; exit 77; }
  command -v ip >/dev/null || { echo "SKIPPED: no ip: ./dev installs iproute2"; exit 77; }
  # Two networks with nothing but a wire between them: outside are the gateway and its people, in site the agent and the target.
  outside=hoopo$$ site=hoops$$
  ip netns add $outside 2>"$T/netns" || { echo "SKIPPED: this machine makes no network namespaces: $(cat "$T/netns")"; exit 77; }
  ip netns add $site
  trap 'exit 143' TERM INT
  take_down() { local ns; for ns in $outside $site; do ip netns pids $ns | xargs -r kill -9 2>/dev/null; ip netns del $ns; done; }
  trap take_down EXIT
  ip -n $outside link add wire type veth peer name wire netns $site
  ip -n $outside addr add 10.231.7.1/30 dev wire; ip -n $site addr add 10.231.7.2/30 dev wire
  # An address that only the site has: from outside there is no route to it.
  ip -n $site addr add 198.51.100.10/32 dev lo
  for ns in $outside $site; do ip -n $ns link set lo up; ip -n $ns link set wire up; done
  HOOPCTL_E2E_OUTSIDE=1 HOOPCTL_E2E_SITE=$site ip netns exec $outside bash "$0" & wait $!
  exit
fi
near=10.231.7.1 db=198.51.100.10 port=5432
inside="ip netns exec $HOOPCTL_E2E_SITE"   # COMMAND… in the customer's network

# --- the customer's network: a PostgreSQL ------------------------------------------------------------------------------------------
pg_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
mkdir -m 700 "$T/pg" && chmod 711 "$T" && cp "$HOOPCTL_STACK_DIR"/pg/tls/* "$T/pg"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/pg/server.key" -out "$T/pg/server.csr" -subj /CN=db 2>/dev/null
printf 'subjectAltName=IP:%s\n' $db >"$T/pg/san"
openssl x509 -req -in "$T/pg/server.csr" -CA "$T/pg/ca.pem" -CAkey "$T/pg/ca.key" -CAcreateserial -days 2 -extfile "$T/pg/san" -out "$T/pg/server.pem" 2>/dev/null
printf secret >"$T/pg/password"; chown -R postgres "$T/pg"
as_pg() { (cd / && exec $inside setpriv --reuid=postgres --regid=postgres --init-groups "$@"); }
as_pg "$pg_bin/initdb" -D "$T/pg/data" -U postgres -A scram-sha-256 --pwfile="$T/pg/password" -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
cat >>"$T/pg/data/postgresql.conf" <<CONF
listen_addresses = '$db'
unix_socket_directories = '$T/pg'
ssl = on
ssl_cert_file = '$T/pg/server.pem'
ssl_key_file = '$T/pg/server.key'
fsync = off
log_min_messages = warning
CONF
printf 'local all all scram-sha-256\nhostssl all all %s/32 scram-sha-256\n' $db >"$T/pg/data/pg_hba.conf"
as_pg "$pg_bin/postgres" -D "$T/pg/data" -p $port >"$T/pg.log" 2>&1 </dev/null &   # ends with its namespace
super() { PGPASSWORD=secret psql -X -At -h "$T/pg" -p $port -U postgres -d "${2:-demo}" -c "$1"; }
eventually 20 super 'select 1' postgres || { cat "$T/pg.log"; echo "FAILED: no PostgreSQL in the namespace"; exit 1; }
super "create role demo_app nologin" postgres >/dev/null; super "create role hoop_admin login createrole password 'admin'" postgres >/dev/null
super "grant demo_app to hoop_admin with admin option" postgres >/dev/null; super "grant pg_signal_backend to hoop_admin" postgres >/dev/null
super "create database demo" postgres >/dev/null
super "grant create on schema public to demo_app" >/dev/null
PGPASSWORD=secret psql -X -q -h "$T/pg" -p $port -U postgres -d demo -f "$here/../support/demo.sql" >/dev/null 2>"$T/sql" || cat "$T/sql"
super "grant all on all tables in schema public to demo_app" >/dev/null

# --- a gateway outside, whose only way there is the agent ---------------------------------------------------------------------------
gw=$T/gw site_target=pg-berlin
hoopctl gateway init "$gw" --name $near --listen $near:0 >"$T/init" 2>&1 || cat "$T/init"
mkdir -p "$gw/conf.d"; (umask 077; printf admin >"$gw/keys/pg"); cp "$HOOPCTL_STACK_DIR/pg-ca.pem" "$here/../support/stack_policy.toml" "$gw/"
mv "$gw/stack_policy.toml" "$gw/policy.toml"
{
  printf '[gateway]\nmetrics = "127.0.0.1:0"\ndevice_poll_interval = 1\n'
  for name in pg-berlin:$db:berlin pg-other:198.51.100.11:berlin pg-munich:$db:munich; do
    IFS=: read -r name host label <<<"$name"
    cat <<CONF
[[target]]
name = "$name"
protocol = "postgres"
host = "$host"
port = $port
databases = ["demo"]
via = "agent"
labels = { site = "$label" }
ca_file = "$gw/pg-ca.pem"
admin = { user = "hoop_admin", password = "file:$gw/keys/pg", database = "demo" }
CONF
  done
} >"$gw/conf.d/10.toml"
export HOOPCTL_STACK_GATEWAY=$gw HOOPCTL_STACK_PASSWORD=password1234
printf '%s\n' $HOOPCTL_STACK_PASSWORD | hoopctl gateway user add "$gw" demo --group developers --password-stdin >/dev/null 2>&1
hoopctl gateway serve "$gw" >"$T/gateway.log" 2>&1 </dev/null & gateway=$!
ends_with_test TERM $gateway
eventually 20 test -s "$gw/state/listen" || { cat "$T/gateway.log"; exit 1; }
url=https://$(cat "$gw/state/listen")
export HOOPCTL_STACK_URL=$url
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
