#!/usr/bin/env bash
# Throw-away peers and a gateway around one command: ./dev stack [OPTIONS] -- COMMAND…
#
# COMMAND's environment: hoopctl is on PATH and logged in as "demo" (group developers), HOOPCTL_STACK_PG is a superuser's conninfo
# of database demo, HOOPCTL_STACK_DIR the folder of everything, HOOPCTL_STACK_GATEWAY the gateway's folder.
# With http: HOOPCTL_STACK_HTTP is the service's own URL, HOOPCTL_STACK_HTTP_CA its authority, and what HOOPCTL_STACK_HTTP_KEY_FILE
# holds is what it wants as X-Api-Key.
# With kube: HOOPCTL_STACK_KUBE is the API server's own URL, HOOPCTL_STACK_KUBE_CA its authority, HOOPCTL_STACK_KUBE_ADMIN a kubeconfig
# with full rights, HOOPCTL_STACK_KUBECTL a kubectl that fits it, HOOPCTL_STACK_KUBE_TOKEN_FILE holds the targets' credential, and
# HOOPCTL_STACK_KUBE_AUDIT is its audit log, a JSON object for each request that arrived.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${HOOPCTL_BUILD:?set by ./dev}

usage() {
  cat <<TEXT
usage: ./dev stack [--with PEERS] [--sql FILE] [--policy FILE] [--gateway-config FILE] [--agent] [--postgres DIR] [--no-login] -- COMMAND…

  --with PEERS           pg (always there), and of these, parted by commas:
                           ssh   an sshd, targets ssh-demo and ssh-demo-gateway
                           http  a web service, targets http-demo and http-demo-gateway
                           kube  a Kubernetes API server, targets k8s-demo and k8s-demo-gateway; ./dev kube builds it
  --sql FILE             fill database demo from FILE, as its superuser, instead of with the demo data
  --policy FILE          roles, rules, masks and limits, merged over the defaults
  --gateway-config FILE  targets and settings, merged over the defaults
  --agent                targets pg-demo-agent, ssh-demo-agent, http-demo-agent and k8s-demo-agent, which the gateway reaches through an agent
  --postgres DIR         the server is DIR/bin/postgres, and not the newest that is installed
  --no-login             leave the demo user logged out (name demo, password in HOOPCTL_STACK_PASSWORD)

examples:
  ./dev stack -- hoopctl connect pg-demo
  ./dev stack --with pg,ssh -- hoopctl connect ssh-demo -- uptime
  ./dev stack --with http -- hoopctl connect http-demo -- sh -c 'curl -s \$HOOPCTL_URL/customers'
  ./dev stack --with kube -- hoopctl connect k8s-demo -- kubectl get pods -n shop
  ./dev stack --sql shop.sql --policy mine.toml -- hoopctl connect pg-demo -- -c 'select * from shop'
TEXT
}
die() { printf 'stack: %s\n' "$*" >&2; exit 70; }

sql=$here/demo.sql policy= gateway_config= login=1 peers=pg agent= server=
while [ $# -gt 0 ]; do
  case $1 in
    --with) peers=${2:?}; shift 2 ;;
    --sql) sql=$(realpath "${2:?}"); shift 2 ;;
    --policy) policy=$(realpath "${2:?}"); shift 2 ;;
    --gateway-config) gateway_config=$(realpath "${2:?}"); shift 2 ;;
    --agent) agent=1; shift ;;
    --postgres) server=$(realpath "${2:?}"); shift 2 ;;
    --no-login) login=; shift ;;
    -h|--help) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; exit 64 ;;
  esac
done
[ $# -gt 0 ] || { usage >&2; exit 64; }
ssh= http= kube=
for peer in ${peers//,/ }; do
  case $peer in pg) ;; ssh) ssh=1 ;; http) http=1 ;; kube) kube=1 ;; *) die "unknown peer '$peer': pg, ssh, http and kube can be had" ;; esac
done
for file in "$sql" ${policy:+"$policy"} ${gateway_config:+"$gateway_config"}; do [ -r "$file" ] || die "cannot read $file"; done
if [ -n "$kube" ]; then . "$here/kube/stack.sh"; fi

dir=$(mktemp -d /tmp/hoopctl-stack.XXXXXX)
chmod 711 "$dir"   # the server's own user must be able to reach its folder
pg_pid= gw_pid= agent_pid= peer_pids=() kube_pids=()
cleanup() {
  [ -n "$agent_pid" ] && kill -KILL "$agent_pid" 2>/dev/null && wait "$agent_pid" 2>/dev/null
  [ -n "$gw_pid" ] && kill "$gw_pid" 2>/dev/null && wait "$gw_pid" 2>/dev/null
  local one
  for one in ${peer_pids[@]+"${peer_pids[@]}"}; do kill "$one" 2>/dev/null && wait "$one" 2>/dev/null; done
  # What they hold goes with the folder: no time for a graceful end.
  for one in ${kube_pids[@]+"${kube_pids[@]}"}; do kill -KILL "$one" 2>/dev/null && wait "$one" 2>/dev/null; done
  if [ -n "$pg_pid" ] && kill -INT "$pg_pid" 2>/dev/null; then wait "$pg_pid" 2>/dev/null; fi
  rm -rf "$dir"
}
trap 'cleanup || true' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- PostgreSQL ---------------------------------------------------------------------------------------------------------------
pg_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$pg_bin/postgres" ] || die "no PostgreSQL server: ./dev installs postgresql-15"
server_bin=$pg_bin
if [ -n "$server" ]; then
  [ -x "$server/bin/postgres" ] || die "no PostgreSQL server in $server"
  # Where the server's own user can read it, whoever owns the place that it comes from.
  cp -r "$server" "$dir/server" && chmod -R a+rX "$dir/server"
  server_bin=$dir/server/bin
fi
as_pg() {  # PostgreSQL refuses to run as root
  if [ "$(id -u)" = 0 ]; then (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@"); else "$@"; fi
}
random() { openssl rand -hex "$1"; }

pki() {  # a CA and a certificate of localhost
  local to=$1
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$to/ca.key" -out "$to/ca.pem" -days 2 \
    -subj "/CN=stack CA" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$to/server.key" -out "$to/server.csr" -subj "/CN=localhost" 2>/dev/null
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$to/san"
  openssl x509 -req -in "$to/server.csr" -CA "$to/ca.pem" -CAkey "$to/ca.key" -CAcreateserial -days 2 -extfile "$to/san" \
    -out "$to/server.pem" 2>/dev/null
}
if [ -n "$kube" ]; then launch_kube; fi

pg=$dir/pg
mkdir -m 700 "$pg" "$pg/tls"
pki "$pg/tls"
cp "$pg/tls/ca.pem" "$dir/pg-ca.pem"
super_password=$(random 16) admin_password=$(random 16)
printf '%s' "$super_password" >"$pg/password"
[ "$(id -u)" = 0 ] && chown -R postgres:postgres "$pg"
as_pg "$server_bin/initdb" -D "$pg/data" -U postgres -A scram-sha-256 --pwfile="$pg/password" -E UTF8 --locale=C.UTF-8 --no-sync \
  >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb failed"; }
as_pg sh -c "cat >>'$pg/data/postgresql.conf'" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$pg'
ssl = on
ssl_cert_file = '$pg/tls/server.pem'
ssl_key_file = '$pg/tls/server.key'
password_encryption = 'scram-sha-256'
fsync = off
full_page_writes = off
max_connections = ${HOOPCTL_STACK_MAX_CONNECTIONS:-300}
log_min_messages = warning
CONF
as_pg sh -c "cat >'$pg/data/pg_hba.conf'" <<CONF
local   all all                scram-sha-256
hostssl all all 127.0.0.1/32   scram-sha-256
CONF
export PGPASSWORD=$super_password
started=
for _ in 1 2 3 4 5 6 7 8; do
  port=$(( 20000 + RANDOM % 30000 ))
  if [ "$(id -u)" = 0 ]; then
    (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$server_bin/postgres" -D "$pg/data" -p "$port") >>"$dir/pg.log" 2>&1 </dev/null &
  else
    "$server_bin/postgres" -D "$pg/data" -p "$port" >>"$dir/pg.log" 2>&1 </dev/null &
  fi
  pg_pid=$!
  for _ in $(seq 200); do
    kill -0 "$pg_pid" 2>/dev/null || break
    if "$pg_bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then started=1; break; fi
    sleep 0.05
  done
  [ -n "$started" ] && break
  kill -INT "$pg_pid" 2>/dev/null || true; wait "$pg_pid" 2>/dev/null || true; pg_pid=
done
[ -n "$started" ] || { cat "$dir/pg.log" >&2; die "PostgreSQL did not start"; }
super="host=127.0.0.1 port=$port user=postgres password=$super_password sslmode=verify-full sslrootcert=$dir/pg-ca.pem"
super_psql() { "$pg_bin/psql" -X -q -v ON_ERROR_STOP=1 "$super dbname=$1" "${@:2}"; }
super_psql postgres >/dev/null <<SQL || die "could not prepare the database"
CREATE ROLE demo_app NOLOGIN;
CREATE ROLE hoop_admin LOGIN CREATEROLE PASSWORD '$admin_password';
GRANT demo_app TO hoop_admin WITH ADMIN OPTION;
GRANT pg_signal_backend TO hoop_admin;
CREATE DATABASE demo;
SQL
super_psql demo -c 'GRANT CREATE ON SCHEMA public TO demo_app' -c 'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO demo_app' \
  -c 'ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO demo_app'
super_psql demo -f "$sql" >/dev/null || die "the SQL file failed: $sql"
super_psql demo >/dev/null 2>&1 <<'SQL'
DO $$ DECLARE s text; BEGIN
  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO demo_app', s);
    EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO demo_app', s);
    EXECUTE format('GRANT ALL ON ALL SEQUENCES IN SCHEMA %I TO demo_app', s);
  END LOOP;
END $$;
SQL
unset PGPASSWORD

# --- the gateway --------------------------------------------------------------------------------------------------------------
gw=$dir/gateway
mkdir -m 700 "$dir/client" "$dir/client/run"
# The user's own settings stay out, and the user's own HOOPCTL_* with them.
for name in $(compgen -e | grep -E '^HOOPCTL_' | grep -vE '^HOOPCTL_(BUILD|SANITIZED|STACK_|BENCH_|CRASH_|KILL_)'); do unset "$name"; done
export PATH=$build:$PATH
export XDG_STATE_HOME=$dir/client/state XDG_CONFIG_HOME=$dir/client/config XDG_RUNTIME_DIR=$dir/client/run
umask 077
hoopctl gateway init "$gw" --name localhost --listen 127.0.0.1:0 >"$dir/init.log" 2>&1 || { cat "$dir/init.log" >&2; die "gateway init failed"; }
mkdir -p "$gw/conf.d"
printf '%s' "$admin_password" >"$gw/keys/pg-demo.password"
cp "$dir/pg-ca.pem" "$gw/pg-ca.pem"
target() {  # target NAME PATH DESCRIPTION [VIA]
  cat <<CONF

[[target]]
name = "$1"
protocol = "postgres"
description = "$3"
host = "127.0.0.1"
port = $port
databases = ["demo"]
tls = "verify-full"
ca_file = "$gw/pg-ca.pem"
server_name = "localhost"
path = "$2"
via = "${4:-direct}"
labels = { env = "demo" }
admin = { user = "hoop_admin", password = "file:$gw/keys/pg-demo.password", database = "demo" }
CONF
}
{
  printf '[gateway]\ndevice_poll_interval = 1\n'
  target pg-demo local "the demo shop"
  target pg-demo-gateway gateway "the demo shop, by the gateway path"
  if [ -n "$agent" ]; then target pg-demo-agent gateway "the demo shop, through an agent" agent; fi
} >"$gw/conf.d/10-stack.toml"
cp "$here/stack_policy.toml" "$gw/policy.toml"

# --- sshd ---------------------------------------------------------------------------------------------------------------------
# Its one user is whoever runs this. As root there is a second one beside it, which an ordinary user runs: to a program of root's
# sshd passes no signal on, and only root's can make terminals everywhere.
ssh_target() {  # ssh_target NAME PATH PORT HOST-KEY DESCRIPTION [VIA]
  cat <<CONF

[[target]]
name = "$1"
protocol = "ssh"
description = "$5"
host = "127.0.0.1"
port = $3
host_keys = ["$4"]
path = "$2"
via = "${6:-direct}"
labels = { env = "demo" }
CONF
}
start_sshd() {  # start_sshd NAME LOGIN: targets NAME, NAME-gateway and NAME-agent
  local name=$1 login=$2 at=$dir/$1 run=() started= pid host_key
  [ "$login" = "$(id -un)" ] || run=(setpriv --reuid="$login" --regid="$login" --init-groups)
  mkdir -m 755 "$at"
  ssh-keygen -q -t ed25519 -N '' -f "$at/host_key"
  host_key=$(ssh-keygen -lf "$at/host_key.pub" | cut -d' ' -f2)
  hoopctl gateway ssh-ca public-key "$gw" >"$at/hoopctl_ca.pub"
  for _ in 1 2 3 4 5 6 7 8; do
    ssh_port=$(( 20000 + RANDOM % 30000 ))
    cat >"$at/sshd_config" <<CONF
ListenAddress 127.0.0.1:$ssh_port
HostKey $at/host_key
TrustedUserCAKeys $at/hoopctl_ca.pub
AuthorizedKeysFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
PidFile none
PrintMotd no
AcceptEnv LANG LC_* GREETING
MaxSessions 64
MaxStartups 100
Subsystem sftp internal-sftp
CONF
    [ ${#run[@]} -gt 0 ] && chown -R "$login" "$at"
    (cd / && exec ${run[@]+"${run[@]}"} /usr/sbin/sshd -D -e -f "$at/sshd_config") >>"$at/sshd.log" 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      if grep -qs "Server listening on 127.0.0.1 port $ssh_port" "$at/sshd.log"; then started=1; break; fi
      sleep 0.05
    done
    [ -n "$started" ] && break
    kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true
  done
  [ -n "$started" ] || { cat "$at/sshd.log" >&2; die "sshd did not start"; }
  peer_pids+=("$pid") peer_ports+=("$ssh_port")
  {
    ssh_target "$name" local $ssh_port "$host_key" "a host"
    ssh_target "$name-gateway" gateway $ssh_port "$host_key" "a host, by the gateway path"
    if [ -n "$agent" ]; then ssh_target "$name-agent" gateway $ssh_port "$host_key" "a host, through an agent" agent; fi
    printf '\n[[role]]\nname = "%s"\nmembers = ["group:developers"]\ntargets = ["%s*"]\nmax_ttl = "30m"\nlogins = ["%s"]\n' "$name" "$name" "$login"
  } >"$gw/conf.d/20-$name.toml"
}
peer_ports=()
if [ -n "$ssh" ]; then
  [ -x /usr/sbin/sshd ] || die "no SSH server: ./dev installs openssh-server"
  if [ "$(id -u)" = 0 ]; then
    mkdir -p -m 755 /run/sshd
    start_sshd ssh-plain postgres
  fi
  start_sshd ssh-demo "$(id -un)"
  cp "$here/stack_ssh_policy.toml" "$gw/conf.d/30-ssh-policy.toml"
  export HOOPCTL_STACK_SSH=127.0.0.1:$ssh_port HOOPCTL_STACK_LOGIN; HOOPCTL_STACK_LOGIN=$(id -un)
fi

# --- the web service -----------------------------------------------------------------------------------------------------------
http_target() {  # http_target NAME DESCRIPTION LINE…
  cat <<CONF

[[target]]
name = "$1"
protocol = "http"
description = "$2"
url = "https://127.0.0.1:$http_port"
url_variable = "DEMO_URL"
ca_file = "$at/ca.pem"
server_name = "localhost"
unmasked_types = ["image/*"]
labels = { env = "demo" }
credential = { header = "X-Api-Key", value = "file:$gw/keys/http-demo.key" }
CONF
  printf '%s\n' "${@:3}"
}
if [ -n "$http" ]; then
  command -v node >/dev/null || die "no Node.js: ./dev test installs nodejs"
  at=$dir/http
  mkdir -m 700 "$at"
  pki "$at"
  random 16 >"$gw/keys/http-demo.key"
  HTTP_APP_KEY=$(cat "$gw/keys/http-demo.key") node "$here/http_app.js" "$at/server.pem" "$at/server.key" >"$at/port" 2>"$at/log" </dev/null &
  peer_pids+=("$!")
  for _ in $(seq 200); do
    [ -s "$at/port" ] && break
    kill -0 "${peer_pids[-1]}" 2>/dev/null || { cat "$at/log" >&2; die "the web service did not start"; }
    sleep 0.05
  done
  http_port=$(cat "$at/port")
  [ -n "$http_port" ] || die "the web service did not listen"
  peer_ports+=("$http_port")
  {
    http_target http-demo "a web service" 'path = "local"' 'hand_out = true'
    http_target http-demo-gateway "a web service, by the gateway path" 'path = "gateway"'
    if [ -n "$agent" ]; then http_target http-demo-agent "a web service, through an agent" 'via = "agent"'; fi
  } >"$gw/conf.d/20-http-demo.toml"
  cp "$here/stack_http_policy.toml" "$gw/conf.d/40-http-policy.toml"
  export HOOPCTL_STACK_HTTP=https://127.0.0.1:$http_port HOOPCTL_STACK_HTTP_CA=$at/ca.pem HOOPCTL_STACK_HTTP_KEY_FILE=$gw/keys/http-demo.key
fi
if [ -n "$kube" ]; then configure_kube; fi
[ -n "$policy" ] && cp "$policy" "$gw/conf.d/50-policy.toml"
[ -n "$gateway_config" ] && cp "$gateway_config" "$gw/conf.d/60-gateway.toml"
password=$(random 12)
printf '%s\n' "$password" | hoopctl gateway user add "$gw" demo --group developers --password-stdin >"$dir/user.log" 2>&1 ||
  { cat "$dir/user.log" >&2; die "gateway user add failed"; }
hoopctl gateway serve "$gw" >"$dir/gateway.log" 2>&1 </dev/null &
gw_pid=$!
for _ in $(seq 200); do
  [ -s "$gw/state/listen" ] && break
  kill -0 "$gw_pid" 2>/dev/null || { cat "$dir/gateway.log" >&2; die "the gateway did not start"; }
  sleep 0.05
done
[ -s "$gw/state/listen" ] || { cat "$dir/gateway.log" >&2; die "the gateway did not listen"; }
listen=$(cat "$gw/state/listen")
export HOOPCTL_STACK_URL=https://localhost:${listen##*:}
export HOOPCTL_STACK_DIR=$dir HOOPCTL_STACK_GATEWAY=$gw HOOPCTL_STACK_GATEWAY_PID=$gw_pid HOOPCTL_STACK_PG_PID=$pg_pid
export HOOPCTL_STACK_PG="$super dbname=demo" HOOPCTL_STACK_PASSWORD=$password

if [ -n "$agent" ]; then
  hoopctl gateway agent add "$gw" stack --serves env=demo >"$dir/token" 2>"$dir/agent.log" || { cat "$dir/agent.log" >&2; die "gateway agent add failed"; }
  hoopctl agent serve --state "$dir/agent" --gateway "$HOOPCTL_STACK_URL" --ca "$gw/tls/ca.pem" --join-token-file "$dir/token" \
    --allow "127.0.0.1:$port" "${peer_ports[@]/#/--allow=127.0.0.1:}" >>"$dir/agent.log" 2>&1 </dev/null &
  agent_pid=$!
  for _ in $(seq 200); do
    grep -q event=agent.connected "$dir/gateway.log" && break
    kill -0 "$agent_pid" 2>/dev/null || { cat "$dir/agent.log" >&2; die "the agent did not start"; }
    sleep 0.05
  done
  export HOOPCTL_STACK_AGENT_PID=$agent_pid
fi
if [ -n "$login" ]; then "$here/login.sh" || { cat "$dir/gateway.log" >&2; die "the login failed"; }; fi
if [ -n "$kube" ]; then await_kube; fi

code=0
"$@" || code=$?
exit $code
