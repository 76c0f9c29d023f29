#!/usr/bin/env bash
# ./dev demo: the main job on real data, step by step. Started without arguments it brings the stack up around itself.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${1:-}" != inside ]; then
  echo "== starting a throw-away PostgreSQL, an sshd and a gateway"
  exec "$here/stack.sh" --with pg,ssh --no-login -- "$here/demo.sh" inside
fi

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold= dim= plain=; fi
step=0
title() { step=$((step + 1)); printf '\n%s%s. %s%s\n' "$bold" "$step" "$1" "$plain"; }
show() { printf '%s$ %s%s\n' "$dim" "$1" "$plain"; }
# expect STATUS COMMAND…: runs it, and fails the demo if the status is another: a demo that lies is worse than none.
expect() {
  local wanted=$1 code=0; shift
  "$@" </dev/null || code=$?
  [ "$code" = "$wanted" ] || { printf 'demo: this was to end with status %s, not %s\n' "$wanted" "$code" >&2; exit 1; }
}
hoop() { show "hoopctl ${*@Q}" | sed "s/'\([A-Za-z0-9_./:-]*\)'/\1/g"; }
try() { local wanted=$1; shift; hoop "$@"; expect "$wanted" env HOOPCTL_OUTPUT=text hoopctl --output text "$@"; }

title "Log in: OIDC device flow, the browser's part done by a script here"
show "hoopctl login --gateway $HOOPCTL_STACK_URL --ca …/ca.pem"
"$here/login.sh" || exit 1
try 0 whoami
try 0 targets

title "The stock psql, a credential that lives minutes, masked columns"
try 0 connect pg-demo -- -X -c 'select id, name, email, ssn, credit_card from customers where id < 4'

title "Secrets that no rule names: found in the values"
try 0 connect pg-demo -- -X -c "select label, secret from api_keys where id <= 3" -c "select payload from events where id = 10"

title "A schema change is refused, in PostgreSQL's own words; psql's status is its own"
try 1 connect pg-demo -- -X -c 'drop table orders'

title "So is a read of the whole table; the hint says what would pass"
try 1 connect pg-demo -- -X -c 'select name from customers'

title "And what would carry a masked value out by another way"
try 1 connect pg-demo -- -X -c 'select upper(email) from customers where id = 1'
try 1 connect pg-demo -- pg_dump --data-only -t customers

title "The gateway path: the same engine, but in the gateway; this machine holds no credential and no record"
try 0 connect pg-demo-gateway -- -X -c 'select id, email, ssn from customers where id = 2'

title "A host by SSH: the stock ssh, a certificate for minutes; a card number in what it says is hidden"
try 0 connect ssh-demo -- 'uname -s; echo "card 4111111111111111"'
try 255 connect ssh-demo -- -l somebody id

title "What was done, and the proof that nobody changed it"
try 0 sessions list
session=$(hoopctl --output json sessions list | jq -rs 'map(select(.session)) | sort_by(.started_at) | .[1].session')
try 0 sessions show "$session"
try 0 sessions verify "$session"

title "The database knows each session by a role of its own, and none is left"
show "psql … -c 'select rolname from pg_roles'"
expect 0 psql -X -At "$HOOPCTL_STACK_PG" -c "select count(*) || ' session roles left' from pg_roles where rolname ~ '^hoop_' and rolname !~ '^hoop_(gw_|admin)'"

printf '\n%sTry it yourself:%s ./dev stack --with pg,ssh -- bash, then: hoopctl connect pg-demo\n' "$bold" "$plain"
