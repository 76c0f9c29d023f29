#!/usr/bin/env bash
# ./dev bench http: what hoopctl costs between wrk and an HTTP service, as ratios inside one interleaved run.
#
# Sides: direct (nginx that serves files); nginx (another nginx as a reverse proxy with kept connections, the usual thing in between);
# local and gateway (hoopctl on either path: policy, detectors and record on). No TLS on any leg but
# the tunnel's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=${HOOPCTL_BENCH_ROUNDS:-5} seconds=${HOOPCTL_BENCH_SECONDS:-3}
if [ "${1:-}" != inside ]; then
  command -v nginx >/dev/null && command -v wrk >/dev/null || { echo "bench: nginx and wrk are needed" >&2; exit 1; }
  T=$(mktemp -d); chmod 755 "$T"; mkdir "$T/www" "$T/one" "$T/two"
  pids=
  trap 'kill $pids 2>/dev/null || true; wait $pids 2>/dev/null || true; rm -rf "$T"' EXIT
  head -c 1000 < <(yes 'a line of plain text') >"$T/www/small.txt"
  head -c 1048576 < <(yes 'a line of plain text') >"$T/www/large.txt"
  awk 'BEGIN { printf "["; for (i = 1; i <= 200; i++) printf "%s{\"id\":%d,\"name\":\"Customer %d\",\"email\":\"c%d@example.com\",\"ssn\":\"%03d-12-%04d\",\"city\":\"Berlin\",\"balance\":%d.25}", (i > 1) ? "," : "", i, i, i, i, i, i * 7; print "]" }' >"$T/www/list.json"
  start() {  # start NAME LOCATIONS: an nginx, on a port that it finds free; the port in $port
    for _ in 1 2 3 4 5; do
      port=$(( 20000 + RANDOM % 30000 ))
      cat >"$T/$1/nginx.conf" <<CONF
daemon off; worker_processes 1; pid $T/$1/pid; error_log $T/$1/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; keepalive_requests 1000000; types { text/plain txt; application/json json; }
  client_body_temp_path $T/$1/b; proxy_temp_path $T/$1/p; fastcgi_temp_path $T/$1/f; uwsgi_temp_path $T/$1/u; scgi_temp_path $T/$1/s;
  $2
}
CONF
      sed -i "s/PORT/$port/" "$T/$1/nginx.conf"
      nginx -c "$T/$1/nginx.conf" >/dev/null 2>&1 & local pid=$!
      sleep 0.5
      if kill -0 $pid 2>/dev/null; then pids="$pids $pid"; return; fi
    done
    cat "$T/$1/error.log" >&2; exit 1
  }
  start one "server { listen 127.0.0.1:PORT; root $T/www; }"
  direct=$port
  start two "upstream up { server 127.0.0.1:$direct; keepalive 64; } server { listen 127.0.0.1:PORT; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\"; } }"
  cat >"$T/gateway.toml" <<CONF
[[target]]
name = "bench-local"
protocol = "http"
url = "http://127.0.0.1:$direct"
path = "local"

[[target]]
name = "bench-gateway"
protocol = "http"
url = "http://127.0.0.1:$direct"
path = "gateway"
CONF
  export BENCH_DIRECT=http://127.0.0.1:$direct BENCH_NGINX=http://127.0.0.1:$port
  "$here/../support/stack.sh" --policy "$here/http.toml" --gateway-config "$T/gateway.toml" -- "$here/http.sh" inside
  exit
fi
T=$(mktemp -d "$HOOPCTL_STACK_DIR/bench.XXXXXX")
# load WORKLOAD BASE: requests per second.
load() {
  local connections=${1%% *} file=${1##* }
  wrk -t1 "-c$connections" "-d${seconds}s" "$2/$file" >"$T/wrk"
  grep -q 'Non-2xx' "$T/wrk" && { cat "$T/wrk" >&2; exit 1; }
  awk '/^Requests\/sec/ {print $2}' "$T/wrk"
}
export -f load; export T seconds
side() {
  case $1 in
    direct) load "$2" "$BENCH_DIRECT" ;;
    nginx) load "$2" "$BENCH_NGINX" ;;
    local) hoopctl --quiet run -t bench-local -- bash -c 'load "$1" "$HOOPCTL_URL"' - "$2" ;;
    gateway) hoopctl --quiet run -t bench-gateway -- bash -c 'load "$1" "$HOOPCTL_URL"' - "$2" ;;
  esac
}
median() { sort -n | awk '{v[NR]=$1} END {if (NR) printf "%.5g", NR%2 ? v[(NR+1)/2] : (v[NR/2]+v[NR/2+1])/2}'; }
row() { printf '%-34s %-10s %12s %10s %10s\n' "$@"; }
row workload side "requests/s" "of direct" "of nginx"
for workload in "1 small.txt" "16 small.txt" "64 small.txt" "4 large.txt" "16 list.json"; do
  file=$T/$(tr -c 'a-z0-9\n' - <<<"$workload")
  for _ in $(seq "$rounds"); do for s in direct nginx local gateway; do side $s "$workload" >>"$file.$s"; done; done
  base=$(median <"$file.direct") proxy=$(median <"$file.nginx")
  for s in direct nginx local gateway; do
    m=$(median <"$file.$s")
    row "$(awk '{print $2 ", " $1 " connections"}' <<<"$workload")" $s "$m" "$(awk -v a="$m" -v b="$base" 'BEGIN {printf "%.2f", a/b}')" \
      "$(awk -v a="$m" -v b="$proxy" 'BEGIN {printf "%.2f", a/b}')"
  done
done
