# A database whose certificate is not the expected one learns nothing: no name, no password; and nothing stays behind.
. "$(dirname "$0")/lib.sh"

tls=$HOOPCTL_STACK_DIR/pg/tls between=$T/between
mkdir "$between"
# certify NAME CA HOST: NAME.pem and NAME.key for HOST, signed by CA.pem.
certify() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$between/$1.key" -out "$between/$1.csr" -subj "/CN=$3" 2>/dev/null
  printf 'subjectAltName=DNS:%s\n' "$3" >"$between/$1.san"
  openssl x509 -req -in "$between/$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial 7 -days 2 -extfile "$between/$1.san" -out "$between/$1.pem" 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$between/ca.key" -out "$between/ca.pem" -days 2 \
  -subj "/CN=another CA" 2>/dev/null
certify right "$tls/ca" localhost
certify other-ca "$between/ca" localhost
certify other-name "$tls/ca" db.example

pg_port=$(sed 's/.*port=\([0-9]*\).*/\1/' <<<"$HOOPCTL_STACK_PG")
sessions() { hoopctl --output json sessions list 2>/dev/null | wc -l; }
now() { : >"$between/record"; echo "$1" >"$between/mode"; }
now forward
python3 "$here/intercepting_server.py" "$between" "$pg_port" >"$T/server" 2>&1 &
ends_with_test TERM $!
holds eventually 10 test -s "$between/port"

target() {
  cat <<CONF
[[target]]
name = "$1"
protocol = "postgres"
host = "127.0.0.1"
port = $(cat "$between/port")
databases = ["demo"]
tls = "verify-full"
ca_file = "$2"
server_name = "$3"
path = "local"
admin = { user = "hoop_admin", password = "file:$HOOPCTL_STACK_GATEWAY/keys/pg-demo.password", database = "demo" }
CONF
}
{ target pg-right "$tls/ca.pem" localhost; target pg-other-ca "$between/ca.pem" localhost; target pg-other-name "$tls/ca.pem" db.example; } \
  >"$HOOPCTL_STACK_GATEWAY/conf.d/70-certificates.toml"
holds restart_gateway

# met: how many met the server that takes notes; told: how many of them said anything to it.
met() { grep -c . "$between/record"; }
told() { grep -vc ' 0 bytes after the handshake$' "$between/record"; }
nothing_left() {
  is "$(roles)" 0
  is "$(spooled)" 0
  is "$(find "$XDG_STATE_HOME/hoopctl/spool" -type f | wc -l)" 0
  is "$(find "$XDG_RUNTIME_DIR" -mindepth 1 | wc -l)" 0
}

test_case "what takes notes would have noted: with the right certificate both sides speak to it"
now right
run hoopctl connect pg-right -- -X -At -c 'select 1'
holds [ "$STATUS" != 0 ]
holds eventually 5 test -s "$between/record"
holds [ "$(told)" -ge 1 ]

for wrong in pg-other-ca pg-other-name; do
  test_case "$wrong: no grant for a server that the gateway does not trust"
  before=$(sessions)
  now right
  run hoopctl connect $wrong -- -X -At -c 'select 1'
  status_is 69
  out_is ''
  is "$(wc -l <"$T/err" | tr -d ' ')" 1
  err_has "the gateway does not trust the target's certificate"
  err_has '"exit_status":69'
  err_lacks hoop_admin
  holds eventually 5 test -s "$between/record"
  is "$(told)" 0
  nothing_left
  # It was no session that could lack its log.
  is "$(sessions)" "$before"
  # The server itself, with nobody in between, is no better.
  now forward
  run hoopctl connect $wrong -- -X -At -c 'select 1'
  status_is 69
  err_has certificate
  nothing_left
done

test_case "the right one is let through"
now forward
run hoopctl connect pg-right -- -X -At -c 'select 1'
status_is 0
out_is 1

for wrong in other-ca other-name; do
  test_case "$wrong: somebody comes between after the grant, and the program hears why"
  # The gateway's own connection is there already: it alone goes on.
  now $wrong
  run hoopctl connect pg-right -- -X -At -c 'select 1'
  status_is 2
  out_is ''
  err_has "FATAL:  log in to target 'pg-right': "
  err_has certificate
  is "$(grep -c 'FATAL' "$T/err")" 1
  holds eventually 5 test -s "$between/record"
  is "$(met)" 1
  is "$(told)" 0
  nothing_left
  run hoopctl sessions verify "$(newest_session)"
  status_is 0
done

test_case "the passwords of the roles are nowhere in clear"
holds sh -c "! grep -raqF -- '$(cat "$HOOPCTL_STACK_GATEWAY/keys/pg-demo.password")' '$HOOPCTL_STACK_DIR/gateway.log' '$between/record' '$XDG_STATE_HOME' '$T/server'"
is "$(cat "$T/server")" ''

finish
