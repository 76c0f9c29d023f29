# Assertions of the end-to-end tests. A test runs inside ./dev stack; see run.sh.
set -uo pipefail
T=$(mktemp -d "$HOOPCTL_STACK_DIR/test.XXXXXX")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# The data path that this run is about: a test with the line "# both paths" runs on the local and on the gateway path, one with
# "# every path" also through an agent.
export target=${HOOPCTL_E2E_TARGET:?set by run.sh}
checks=0 failures=0
OUT= ERR= STATUS=0

# run COMMAND…: stdout in $OUT, stderr in $ERR, status in $STATUS; at most 60 s, stdin empty unless given by `input`.
run() {
  STATUS=0
  timeout -k 5 60 "$@" >"$T/out" 2>"$T/err" <"${INPUT:-/dev/null}" || STATUS=$?
  OUT=$(tr -d '\0' <"$T/out") ERR=$(tr -d '\0' <"$T/err")
  INPUT=
}
input() { INPUT=$T/in; cat >"$INPUT"; }
# pg ARGS…: psql through hoopctl, unaligned tuples.
pg() { run hoopctl connect $target -- -X -At "$@"; }
# super SQL: straight to the database, as its superuser.
super() { psql -X -At "$HOOPCTL_STACK_PG" -c "$1"; }

failed() {
  failures=$((failures + 1))
  printf 'FAILED %s: %s\n--- status %s\n--- stdout\n%s\n--- stderr\n%s\n' "$NAME" "$1" "$STATUS" "${OUT:0:2000}" "${ERR:0:2000}"
}
NAME=
test_case() { NAME=$1; }
check() { checks=$((checks + 1)); }
status_is() { check; [ "$STATUS" = "$1" ] || failed "status is not $1"; }
out_is() { check; [ "$OUT" = "$1" ] || failed "stdout is not: $1"; }
out_has() { check; case $OUT in *"$1"*) ;; *) failed "stdout lacks: $1" ;; esac; }
out_lacks() { check; case $OUT in *"$1"*) failed "stdout has: $1" ;; esac; }
err_is() { check; [ "$ERR" = "$1" ] || failed "stderr is not: $1"; }
err_has() { check; case $ERR in *"$1"*) ;; *) failed "stderr lacks: $1" ;; esac; }
err_lacks() { check; case $ERR in *"$1"*) failed "stderr has: $1" ;; esac; }
is() { check; [ "$1" = "$2" ] || failed "'$1' is not '$2'"; }
holds() { check; "$@" || failed "does not hold: $*"; }
one_of() { local value=$1; shift; case " $* " in *" $value "*) ;; *) return 1 ;; esac; }
# eventually SECONDS COMMAND…: true within the time.
eventually() {
  local end=$(( $(date +%s) + $1 )); shift
  while ! "$@" >/dev/null 2>&1; do [ "$(date +%s)" -lt "$end" ] || return 1; sleep 0.1; done
}
# clients_fit: pg_dump refuses a server that is newer than itself, and some of psql's commands do not know its catalogs.
clients_fit() {
  [ "$(super 'show server_version_num')" -lt "$(psql --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')9999" ] ||
    { echo "$NAME: not with a server that is newer than the client"; return 1; }
}
# roles: how many session roles exist at the database.
roles() { super "select count(*) from pg_roles where rolname like 'hoop\\_%' and rolname <> 'hoop_admin' and rolname not like 'hoop\\_gw\\_%'"; }
no_roles() { [ "$(roles)" = 0 ]; }
spooled() { find "$XDG_STATE_HOME/hoopctl/spool" -name '*.hslog' 2>/dev/null | wc -l; }
newest_session() { hoopctl --output json sessions list --limit 1 2>/dev/null | jq -r .session; }

# bearer_token: an access token of the demo user (or HOOPCTL_STACK_USER) that is bound to no key, as a client without one gets it.
bearer_token() {
  local ca=$HOOPCTL_STACK_GATEWAY/tls/ca.pem jar=$T/bearer.jar page device code
  fetch_page() { curl -sS --cacert "$ca" --max-time 20 -b "$jar" -c "$jar" "$@"; }
  csrf() { sed -n 's/.*name="csrf" value="\([^"]*\)".*/\1/p' | head -n 1; }
  rm -f "$jar"
  page=$(fetch_page "$HOOPCTL_STACK_URL/oauth/device_authorization" -d client_id=hoopctl)
  device=$(jq -r .device_code <<<"$page") code=$(jq -r .user_code <<<"$page")
  page=$(fetch_page "$HOOPCTL_STACK_URL/device?user_code=$code")
  page=$(fetch_page "$HOOPCTL_STACK_URL/device" --data-urlencode step=sign_in --data-urlencode "csrf=$(csrf <<<"$page")" \
    --data-urlencode "user_code=$code" --data-urlencode "username=${HOOPCTL_STACK_USER:-demo}" --data-urlencode "password=$HOOPCTL_STACK_PASSWORD")
  fetch_page "$HOOPCTL_STACK_URL/device" --data-urlencode step=decide --data-urlencode "csrf=$(csrf <<<"$page")" \
    --data-urlencode "user_code=$code" --data-urlencode decision=approve >/dev/null
  fetch_page "$HOOPCTL_STACK_URL/oauth/token" -d client_id=hoopctl -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d "device_code=$device" | jq -r .access_token
}

# install_driver: what package-lock.json of the node folder says. Runs beside this one want the same folder.
install_driver() { install_packages node; }
# install_packages FOLDER: the same of another folder.
install_packages() {
  (
    exec 9<"$here/$1/package-lock.json" && flock 9 && cd "$here/$1" &&
      { cmp -s package-lock.json node_modules/.installed || { npm ci --no-audit --no-fund && cp package-lock.json node_modules/.installed; }; }
  ) >"$T/npm" 2>&1 || cat "$T/npm"
}

# ends_with_test SIGNAL PID: what a test started in the background is ended with the test, however that ends.
ours=()
ends_with_test() { ours+=("$1 $2"); }
end_ours() {
  local one
  for one in ${ours[@]+"${ours[@]}"}; do
    # shellcheck disable=SC2086
    kill -s $one 2>/dev/null && wait "${one#* }" 2>/dev/null
  done
  for one in ${mounted[@]+"${mounted[@]}"}; do umount -l "$one"; done
}
trap end_ours EXIT
# What a test writes to a program that has ended is an error of that line, not the end of the test. A handler, unlike an ignored
# signal, is not handed on to the programs that the test starts.
trap : PIPE
# tiny_disk FOLDER SIZE: a disk there until the test ends; false where nothing may be mounted. Below 4 MiB no session is opened.
mounted=()
tiny_disk() { mount -t tmpfs -o "size=$2,mode=700" none "$1" 2>/dev/null && mounted+=("$1"); }

gateway_pid=$HOOPCTL_STACK_GATEWAY_PID
gone() { ! kill -0 "$1" 2>/dev/null; }
agents_seen() { [ "$(grep -c event=agent.connected "$HOOPCTL_STACK_DIR/gateway.log")" -ge "$1" ]; }
# Descriptor 7 is what tests feed programs by: the gateway must not hold it open.
# start_gateway: once the one before has gone. It reads its configuration anew, and listens where the first did: logins go on.
# A run through the agent goes on when that has found the gateway again.
start_gateway() {
  local agents; agents=$(grep -c event=agent.connected "$HOOPCTL_STACK_DIR/gateway.log")
  printf '[gateway]\nlisten = "127.0.0.1:%s"\n' "${HOOPCTL_STACK_URL##*:}" >"$HOOPCTL_STACK_GATEWAY/conf.d/90-listen.toml"
  rm -f "$HOOPCTL_STACK_GATEWAY/state/listen"
  hoopctl gateway serve "$HOOPCTL_STACK_GATEWAY" >>"$HOOPCTL_STACK_DIR/gateway.log" 2>&1 </dev/null 7>&- &
  gateway_pid=$!
  ends_with_test TERM $gateway_pid
  eventually 20 test -s "$HOOPCTL_STACK_GATEWAY/state/listen" || return 1
  [ "${target%-agent}" = "$target" ] || eventually 30 agents_seen $((agents + 1))
}
restart_gateway() {
  kill "$gateway_pid"
  eventually 20 gone "$gateway_pid" && start_gateway
}
finish() {
  NAME="the path that this run is about was taken"
  one_of "$target" pg-demo ssh-demo http-demo k8s-demo || holds grep -q "grant.issued.*target=$target .*path=gateway" "$HOOPCTL_STACK_DIR/gateway.log"
  printf '%s passed, %s failed\n' $((checks - failures)) "$failures"
  [ "$failures" = 0 ] && [ "$checks" -gt 0 ]
}
