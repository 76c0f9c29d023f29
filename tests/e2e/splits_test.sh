# Messages cut anywhere on their way, from the program and from the server, are answered as whole ones are.
# every path
. "$(dirname "$0")/lib.sh"

# A database that speaks without TLS, so that pieces of the wire are pieces of messages, behind a proxy that makes them.
printf 'hostnossl all all 127.0.0.1/32 scram-sha-256\n' >>"$HOOPCTL_STACK_DIR/pg/data/pg_hba.conf"
super 'select pg_reload_conf()' >/dev/null
pg_port=$(sed 's/.*port=\([0-9]*\).*/\1/' <<<"$HOOPCTL_STACK_PG")
python3 "$here/pieces_proxy.py" "$pg_port" "$T/port" >"$T/proxy" 2>&1 &
ends_with_test TERM $!
holds eventually 10 test -s "$T/port"
cat >"$HOOPCTL_STACK_GATEWAY/conf.d/70-pieces.toml" <<CONF
[[target]]
name = "pg-pieces"
protocol = "postgres"
host = "127.0.0.1"
port = $(cat "$T/port")
databases = ["demo"]
tls = "disable"
path = "local"
admin = { user = "hoop_admin", password = "file:$HOOPCTL_STACK_GATEWAY/keys/pg-demo.password", database = "demo" }
CONF
holds restart_gateway

test_case "messages of the program, cut at each of their bytes"
run hoopctl connect $target -- python3 "$here/wire_client.py" "$T/whole" 1 2 3 5 64
status_is 0
is "$(grep -c '^pieces of .*: [1-9][0-9]* answers' <<<"$OUT")" 5

test_case "the conversation is the one meant: rows, pipelines, masks, refusals and COPY"
holds grep -q '^D .*Nairobi' "$T/whole"
holds grep -q '^1 ' "$T/whole"
holds grep -q '^D .*piped' "$T/whole"
holds grep -q '^D .*\[redacted\]' "$T/whole"
holds grep -q '^E .*C42501.*migrations' "$T/whole"
holds grep -q '^E .*C25P02' "$T/whole"
holds grep -q '^d .*\[redacted\]' "$T/whole"
holds grep -q '^C .*COPY 3' "$T/whole"
holds grep -q '^D .*copied too' "$T/whole"
holds sh -c "! grep -Eq 'customer[0-9]|torn|never|ghp_|AKIA' '$T/whole'"

test_case "messages of the server, cut at each of their bytes"
run hoopctl connect pg-pieces -- python3 "$here/wire_client.py" "$T/pieces"
status_is 0
run cmp "$T/whole" "$T/pieces"
status_is 0

test_case "the record of a session in pieces holds what the whole one's does"
holds eventually 10 no_roles
is "$(spooled)" 0
run hoopctl sessions verify "$(newest_session)"
status_is 0

finish
