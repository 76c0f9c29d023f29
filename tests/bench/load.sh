#!/usr/bin/env bash
# ./dev bench load: one gateway under 2,000 idle sessions and 200 active ones, and one whose reader has stopped, also through an agent. What is measured, and
# why, stands in load_main.cpp. HOOPCTL_BENCH_STOPPED=60 is the full run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${1:-}" != inside ]; then
  settings=$(mktemp)
  # Its sessions hold no control channel, which a minute would tell.
  trap 'rm -f "$settings"' EXIT
  printf '[gateway]\ngrants_per_minute = 1_000_000\nsessions_per_identity = 1_000_000\nheartbeat = 3600\n' >"$settings"
  export HOOPCTL_STACK_MAX_CONNECTIONS=${HOOPCTL_STACK_MAX_CONNECTIONS:-530}
  "$here/../support/stack.sh" --agent --gateway-config "$settings" -- "$here/load.sh" inside "$@"
  exit
fi
ulimit -n "$(ulimit -Hn)"
# As many connections as the database takes besides those of the gateway itself and of the superuser.
most=$(psql -X -At "$HOOPCTL_STACK_PG" -c 'show max_connections')
export HOOPCTL_BENCH_CONNECTED=${HOOPCTL_BENCH_CONNECTED:-$((most - 30))}
"$HOOPCTL_BUILD/bench_load" "$HOOPCTL_STACK_GATEWAY_PID" pg-demo-gateway
echo
echo "through an agent:"
HOOPCTL_BENCH_IDLE=10 HOOPCTL_BENCH_CONNECTED=10 HOOPCTL_BENCH_ACTIVE=2 HOOPCTL_BENCH_SECONDS=1 \
  "$HOOPCTL_BUILD/bench_load" "$HOOPCTL_STACK_GATEWAY_PID" pg-demo-agent | grep -E 'p99 of|p99 beside|ratio|stopped one'
