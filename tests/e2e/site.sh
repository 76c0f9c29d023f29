# A PostgreSQL and a gateway in network namespaces, for tests of what lies between them. Sourced behind lib.sh.

# Networks are held by a process each, with no name in the file system: that needs no mounts, which a chroot has none to give.
# Ends the test as skipped where there can be none.
needs_networks() {
  [ "$(id -u)" = 0 ] || { echo "SKIPPED: a network namespace needs root"; exit 77; }
  command -v ip >/dev/null || { echo "SKIPPED: no ip: ./dev installs iproute2"; exit 77; }
  unshare --net true 2>"$T/network" || { echo "SKIPPED: this machine makes no network namespaces: $(cat "$T/network")"; exit 77; }
}
network_of() { readlink "/proc/$1/ns/net"; }
in_another_network() { [ "$(network_of "$1")" != "$(network_of $$)" ]; }
# new_network: its holder in $network; with `ip link … netns $network`. in_network HOLDER COMMAND…
new_network() {
  unshare --net sleep 1200 </dev/null >/dev/null 2>&1 & network=$!
  disown $network   # its end is nobody's news
  # Nothing of the machine's own network may be taken for the test's, which is killed at the end.
  eventually 10 in_another_network $network || { echo "FAILED: no network of its own"; exit 1; }
  in_network $network ip link set lo up
}
way_into() { echo "nsenter --net=/proc/$1/ns/net --"; }
in_network() { local holder=$1; shift; nsenter --net="/proc/$holder/ns/net" -- "$@"; }
# in_networks COMMAND HOLDER…: runs COMMAND in the first, and ends the networks with all that runs in them.
in_networks() {
  local command=$1; shift
  holders=("$@")
  trap 'exit 143' TERM INT
  take_down() {
    local holder process its
    for holder in "${holders[@]}"; do
      its=$(network_of "$holder") && in_another_network "$holder" || continue
      for process in /proc/[0-9]*; do
        [ "$(readlink "$process/ns/net" 2>/dev/null)" != "$its" ] || kill -9 "${process#/proc/}" 2>/dev/null
      done
    done
  }
  trap take_down EXIT
  $(way_into "$1") $command & wait $!
  exit
}

# start_site_postgres: at $db:$port, where $inside COMMAND… leads; ends with its namespace. super talks to it.
start_site_postgres() {
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
  as_pg "$pg_bin/postgres" -D "$T/pg/data" -p $port >"$T/pg.log" 2>&1 </dev/null &
  super() { PGPASSWORD=secret psql -X -At -h "$T/pg" -p $port -U postgres -d "${2:-demo}" -c "$1"; }
  eventually 20 super 'select 1' postgres || { cat "$T/pg.log"; echo "FAILED: no PostgreSQL in the namespace"; exit 1; }
  super "create role demo_app nologin" postgres >/dev/null; super "create role hoop_admin login createrole password 'admin'" postgres >/dev/null
  super "grant demo_app to hoop_admin with admin option" postgres >/dev/null; super "grant pg_signal_backend to hoop_admin" postgres >/dev/null
  super "create database demo" postgres >/dev/null
  super "grant create on schema public to demo_app" >/dev/null
  PGPASSWORD=secret psql -X -q -h "$T/pg" -p $port -U postgres -d demo -f "$here/../support/demo.sql" >/dev/null 2>"$T/sql" || cat "$T/sql"
  super "grant all on all tables in schema public to demo_app" >/dev/null
}

# start_site_gateway ADDRESS NAME:HOST:SITE…: a gateway of its own at $gw, by $beyond COMMAND…, whose targets only agents of the site
# reach; its process in $gateway. HOOPCTL_STACK_URL leads to it.
start_site_gateway() {
  local address=$1 each name host label; shift
  gw=$T/gw
  hoopctl gateway init "$gw" --name $address --listen $address:0 >"$T/init" 2>&1 || cat "$T/init"
  mkdir -p "$gw/conf.d"; (umask 077; printf admin >"$gw/keys/pg"); cp "$HOOPCTL_STACK_DIR/pg-ca.pem" "$here/../support/stack_policy.toml" "$gw/"
  mv "$gw/stack_policy.toml" "$gw/policy.toml"
  {
    printf '[gateway]\nmetrics = "127.0.0.1:0"\ndevice_poll_interval = 1\n'
    for each in "$@"; do
      IFS=: read -r name host label <<<"$each"
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
  ${beyond:-} hoopctl gateway serve "$gw" >"$T/gateway.log" 2>&1 </dev/null & gateway=$!
  ends_with_test TERM $gateway
  eventually 20 test -s "$gw/state/listen" || { cat "$T/gateway.log"; exit 1; }
  url=https://$(cat "$gw/state/listen")
  export HOOPCTL_STACK_URL=$url
}
