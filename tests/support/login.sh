#!/usr/bin/env bash
# Logs the demo user (or HOOPCTL_STACK_USER) in through the real device flow; what a person does in the browser is done over HTTP with a cookie jar.
set -euo pipefail
ca=$HOOPCTL_STACK_GATEWAY/tls/ca.pem
work=$(mktemp -d "$HOOPCTL_STACK_DIR/login.XXXXXX")
login=
# A login that nobody approves would wait for its code to end.
trap '[ -z "$login" ] || kill "$login" 2>/dev/null || true; rm -rf "$work"' EXIT
fetch() { curl -sS --fail-with-body --cacert "$ca" --max-time 20 -b "$work/jar" -c "$work/jar" "$@"; }
# field NAME < page: the value of a hidden field.
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" | head -n 1; }

: >"$work/err" >"$work/out"   # the background shell may make them later than they are looked at
hoopctl --output json login --gateway "$HOOPCTL_STACK_URL" --ca "$ca" 2>"$work/err" >"$work/out" </dev/null &
login=$!
code=
for _ in $(seq 200); do
  code=$(cat "$work/err" "$work/out" | grep -oE '"user_code":"[A-Z]{4}-[A-Z]{4}"' | head -n 1 | cut -d'"' -f4 || true)
  [ -n "$code" ] && break
  kill -0 $login 2>/dev/null || break
  sleep 0.05
done
[ -n "$code" ] || { cat "$work/err" >&2; echo "login.sh: no code was shown" >&2; exit 1; }

page=$(fetch "$HOOPCTL_STACK_URL/device?user_code=$code")
page=$(fetch "$HOOPCTL_STACK_URL/device" --data-urlencode step=sign_in --data-urlencode "csrf=$(field csrf <<<"$page")" \
  --data-urlencode "user_code=$code" --data-urlencode "username=${HOOPCTL_STACK_USER:-demo}" --data-urlencode "password=$HOOPCTL_STACK_PASSWORD")
fetch "$HOOPCTL_STACK_URL/device" --data-urlencode step=decide --data-urlencode "csrf=$(field csrf <<<"$page")" \
  --data-urlencode "user_code=$code" --data-urlencode decision=approve >"$work/done"
grep -q Approved "$work/done" || { cat "$work/done" >&2; exit 1; }
wait $login || { status=$?; cat "$work/err" >&2; exit $status; }
