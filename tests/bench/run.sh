#!/usr/bin/env bash
# ./dev bench: what hoopctl costs, as ratios inside one interleaved run. Absolute figures do not hold from machine to machine.
#
# Workloads, and why: "connect" is the start that a person and an agent wait for; pgbench -S at 8 clients is short statements, where
# a hop costs most; a million rows is bulk, where copying and scanning cost most. Sides: direct (TLS, as hoopctl's own upstream
# leg), PgBouncer (session mode, same upstream TLS), relay (our engine that only copies bytes), local and gateway (hoopctl on either path;
# policy, masks, record on), agent (the gateway path, and an agent between gateway and database).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${1:-}" != inside ]; then exec "$here/../support/stack.sh" --agent -- "$here/run.sh" inside "$@"; fi
rounds=${HOOPCTL_BENCH_ROUNDS:-5} seconds=${HOOPCTL_BENCH_SECONDS:-4}
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)   # the real programs: Debian's wrappers cost 18 ms
T=$(mktemp -d "$HOOPCTL_STACK_DIR/bench.XXXXXX"); chmod 711 "$T" "$HOOPCTL_STACK_DIR"
"$bin/pgbench" -i -q -s 10 "$HOOPCTL_STACK_PG" >/dev/null 2>&1
"$bin/psql" -Xq "$HOOPCTL_STACK_PG" -c "create table bulk as select g as id, 'name '||g as name, 'city '||g%97 as city, g%9973 as n, now() as at, md5(g::text) as digest, (g*7.13)::numeric(12,2) as amount from generate_series(1,1000000) g" \
  -c "grant all on all tables in schema public to demo_app" -c "vacuum analyze"

# --- PgBouncer -------------------------------------------------------------------------------------------------------------------
field() { printf '%s\n' "$HOOPCTL_STACK_PG" | tr ' ' '\n' | sed -n "s/^$1=//p"; }
bouncer=
if command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ]; then
  mkdir -m 755 "$T/bouncer"
  printf '"postgres" "%s"\n' "$(field password)" >"$T/bouncer/users"
  cat >"$T/bouncer/ini" <<INI
[databases]
demo = host=127.0.0.1 port=$(field port) dbname=demo
[pgbouncer]
listen_addr =
unix_socket_dir = $T/bouncer
listen_port = 6432
auth_type = trust
auth_file = $T/bouncer/users
server_tls_sslmode = verify-ca
server_tls_ca_file = $(field sslrootcert)
pool_mode = session
max_client_conn = 200
default_pool_size = 100
INI
  [ "$(id -u)" = 0 ] && chown -R postgres "$T/bouncer" && run_as="setpriv --reuid=postgres --regid=postgres --init-groups" || run_as=
  chmod 644 "$(field sslrootcert)"
  (cd / && exec $run_as "$(command -v pgbouncer || echo /usr/sbin/pgbouncer)" -q "$T/bouncer/ini") >"$T/bouncer.log" 2>&1 &
  bouncer=$!
  for _ in $(seq 100); do [ -S "$T/bouncer/.s.PGSQL.6432" ] && break; sleep 0.05; done
fi
trap '[ -n "$bouncer" ] && kill $bouncer 2>/dev/null' EXIT

direct="$HOOPCTL_STACK_PG"
through_bouncer="host=$T/bouncer port=6432 user=postgres dbname=demo"
sides="direct"
[ -n "$bouncer" ] && sides="$sides pgbouncer"
[ -x "$HOOPCTL_BUILD/bench_relay" ] && sides="$sides relay"
sides="$sides local gateway agent"
# side SIDE COMMAND…: COMMAND with $PGURL (a conninfo, empty where the environment says it all)
side() {
  local which=$1; shift
  case $which in
    direct) PGURL=$direct "$@" ;;
    pgbouncer) PGURL=$through_bouncer "$@" ;;
    relay) "$HOOPCTL_BUILD/bench_relay" "$HOOPCTL_STACK_PG" -- env PGURL=dbname=demo "$@" ;;
    local) hoopctl --quiet connect pg-demo -- env PGURL=dbname=demo "$@" ;;
    gateway) hoopctl --quiet connect pg-demo-gateway -- env PGURL=dbname=demo "$@" ;;
    agent) hoopctl --quiet connect pg-demo-agent -- env PGURL=dbname=demo "$@" ;;
  esac
}
export bin
now() { date +%s%N; }
median() { sort -n | awk '{v[NR]=$1} END {if (NR) printf "%.4g", NR%2 ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
row() { printf '%-26s %-10s %12s %10s\n' "$@"; }

row workload side "median" "of direct"
# connect: milliseconds from start to end of one statement
for _ in $(seq $((rounds * 4))); do
  for s in direct local gateway agent; do
    t=$(now); side $s sh -c '"$bin/psql" -XAtq "$PGURL" -c "select 1" >/dev/null'; echo $(( ($(now) - t) / 1000 )) >>"$T/connect.$s"
  done
done
base=$(median <"$T/connect.direct")
for s in direct local gateway agent; do
  m=$(median <"$T/connect.$s")
  row "connect, psql -c (us)" $s "$m" "$(awk -v a="$m" -v b="$base" 'BEGIN {printf "+%.1f ms", (a-b)/1000}')"
done

for mode in simple extended prepared; do
  for _ in $(seq "$rounds"); do
    for s in $sides; do
      side $s sh -c '"$bin/pgbench" -n -S -M '$mode' -c 8 -j 2 -T '$seconds' "$PGURL" 2>/dev/null' | sed -n 's/^tps = \([0-9.]*\).*/\1/p' >>"$T/$mode.$s"
    done
  done
  base=$(median <"$T/$mode.direct")
  for s in $sides; do
    m=$(median <"$T/$mode.$s")
    row "pgbench -S $mode c=8 (tps)" $s "$m" "$(awk -v a="$m" -v b="$base" 'BEGIN {printf "%.2f", a/b}')"
  done
done

for _ in $(seq "$rounds"); do
  for s in $sides; do
    side $s sh -c 't=$(date +%s%N); "$bin/psql" -XAtq "$PGURL" -c "select * from bulk" >/dev/null; echo $(( ($(date +%s%N) - t) / 1000000 ))' >>"$T/bulk.$s"
  done
done
base=$(median <"$T/bulk.direct")
for s in $sides; do
  m=$(median <"$T/bulk.$s")
  row "1e6 rows, psql -At (ms)" $s "$m" "$(awk -v a="$m" -v b="$base" 'BEGIN {printf "%.2fx", a/b}')"
done
echo
echo "raw runs, in order:"
for f in "$T"/connect.* "$T"/simple.* "$T"/extended.* "$T"/prepared.* "$T"/bulk.*; do printf '%s: %s\n' "${f##*/}" "$(tr '\n' ' ' <"$f")"; done
