# Actions that wait for an approver: statements and commands, approved, rejected, taken up later; and who may decide.
# stack: --with pg,ssh --policy approvals.toml
# both paths
. "$(dirname "$0")/lib.sh"
gw=$HOOPCTL_STACK_GATEWAY
login=$here/../support/login.sh
host=${target/pg/ssh}
me=$HOOPCTL_STACK_LOGIN
made=$T/made
# as NAME COMMAND…: with a login, spool and sockets of its own.
cat >"$T/as" <<'SH'
#!/bin/sh
home=$(dirname "$0")/$1; export HOOPCTL_STACK_USER=$1; shift
mkdir -p "$home/run"
XDG_STATE_HOME=$home/state XDG_CONFIG_HOME=$home/config XDG_RUNTIME_DIR=$home/run exec "$@"
SH
chmod 700 "$T/as"
as() { "$T/as" "$@"; }
add_user() { printf '%s\n' "$HOOPCTL_STACK_PASSWORD" | hoopctl gateway user add "$gw" "$1" --group "$2" --password-stdin; }
ca=$gw/tls/ca.pem
fetch() { curl -sS --cacert "$ca" --max-time 20 -b "$T/jar" -c "$T/jar" "$@"; }
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" | head -n 1; }
# signs_in CODE NAME: what a person does in the browser when an approving sign-in is asked for.
signs_in() {
  local page
  rm -f "$T/jar"
  page=$(fetch "$HOOPCTL_STACK_URL/device?user_code=$1")
  page=$(fetch "$HOOPCTL_STACK_URL/device" --data-urlencode step=sign_in --data-urlencode "csrf=$(field csrf <<<"$page")" \
    --data-urlencode "user_code=$1" --data-urlencode "username=$2" --data-urlencode "password=$HOOPCTL_STACK_PASSWORD")
  grep -q 'approve or reject requests of others as you' <<<"$page" || { echo "no page to decide on: $page"; return 1; }
  fetch "$HOOPCTL_STACK_URL/device" --data-urlencode step=decide --data-urlencode "csrf=$(field csrf <<<"$page")" \
    --data-urlencode "user_code=$1" --data-urlencode decision=approve >/dev/null
}
code_in() { sed -n 's/.*"user_code":"\([A-Z-]*\)".*/\1/p' "$1" | head -n 1 | grep .; }
# decides NAME approve|reject ID [REASON]: status and messages as of run.
decides() {
  local who=$1 what=$2 id=$3 words=${4:+--reason=$4}
  : >"$T/decided"   # the background shell may make it later than it is looked at
  as "$who" hoopctl --output json requests "$what" "$id" $([ "$what" = approve ] && echo --yes) ${words:+"$words"} >"$T/out" 2>"$T/decided" </dev/null &
  local pid=$!
  ends_with_test TERM $pid
  # A sign-in that nobody makes would wait for its code to end.
  { eventually 15 code_in "$T/decided" && signs_in "$(code_in "$T/decided")" "$who"; } || kill $pid
  STATUS=0; wait $pid || STATUS=$?
  OUT=$(cat "$T/out") ERR=$(cat "$T/decided")
}
# asks COMMAND…: begun, and its request in $id.
asks() {
  : >"$T/asked.err"
  "$@" >"$T/asked.out" 2>"$T/asked.err" </dev/null & asked=$!
  ends_with_test TERM $asked
  eventually 15 request_in "$T/asked.err" || { NAME+=" (no request)"; failed "$(cat "$T/asked.err")"; }
  id=$(request_in "$T/asked.err")
}
request_in() { grep -oE 'apr_[a-z2-7]{26}' "$1" | head -n 1 | grep .; }
# answered: what the asking program came to, as of run.
answered() { STATUS=0; wait $asked || STATUS=$?; OUT=$(cat "$T/asked.out") ERR=$(cat "$T/asked.err"); }
orders() { super 'select count(*) from orders where id = 1'; }

test_case "setting up"
holds add_user rita reviewers >/dev/null 2>&1
holds add_user carl developers >/dev/null 2>&1
for who in rita carl; do holds as $who "$login"; done

test_case "a statement waits, and runs once it is approved"
asks hoopctl connect $target --wait 60s -- -X -c 'delete from orders where id = 1'
is "$(orders)" 1
run "$T/as" rita hoopctl requests list
out_has "$id"
run "$T/as" rita hoopctl requests show "$id"
out_has 'delete from orders where id = 1'
out_has 'delete public.orders'
decides rita approve "$id"
status_is 0
answered
status_is 0
out_is 'DELETE 1'
err_has '"status":"pending_approval"'
err_has '"status":"approved"'
is "$(orders)" 0

test_case "a statement that is rejected does not run, and says who has said what"
asks hoopctl connect $target --wait 60s -- -X -c 'delete from orders where id = 2'
decides rita reject "$id" 'not on a Friday'
status_is 0
answered
status_is 76
err_has 'rita has rejected'
err_has 'not on a Friday'
# Asked again at once nobody is bothered anew.
run hoopctl connect $target --wait 60s -- -X -c 'delete from orders where id = 2'
status_is 76
is "$(super 'select count(*) from orders where id = 2')" 1

test_case "what nobody decides in time is pending, and is taken up once"
run hoopctl connect $target --wait 0 --result-fd 3 -- -X -c 'delete from orders where id = 3' 3>"$T/result"
status_is 75
id=$(request_in "$T/err")
is "$(jq -r '.pending[0]' "$T/result")" "$id"
run hoopctl resume "$id" --wait 0
status_is 75
run hoopctl connect $target --wait 0 -- -X -c 'delete from orders where id = 3'
is "$(request_in "$T/err")" "$id"
decides rita approve "$id"
status_is 0
run hoopctl requests wait "$id"
status_is 0
run hoopctl resume "$id"
status_is 0
out_is 'DELETE 1'
run hoopctl resume "$id"
status_is 76
is "$(super 'select count(*) from orders where id = 3')" 0

test_case "who may decide: nobody their own, no stranger, no agent, and nobody without a sign-in"
asks hoopctl connect $target --wait 60s -- -X -c 'delete from orders where id = 4'
run hoopctl requests approve "$id" --yes
status_is 77
run "$T/as" carl hoopctl requests approve "$id" --yes
[ "$STATUS" != 0 ] || failed 'a stranger decides'
run "$T/as" rita env HOOPCTL_AGENT=robot hoopctl requests approve "$id" --yes
status_is 77
token=$(HOOPCTL_STACK_USER=rita bearer_token)
digest=$(as rita hoopctl --output json requests show "$id" | jq -r .digest)
run curl -sS --cacert "$ca" -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d "{\"digest\":\"$digest\"}" "$HOOPCTL_STACK_URL/v1/requests/$id/approve"
out_is 403
is "$(as rita hoopctl --output json requests show "$id" | jq -r .state)" pending
kill $asked; answered
is "$(super 'select count(*) from orders where id = 4')" 1

test_case "what its program no longer waits for does not run when it is approved"
decides rita approve "$id"
status_is 0
sleep 1
is "$(super 'select count(*) from orders where id = 4')" 1

test_case "an approval is for these bytes in this place"
run hoopctl connect $target --wait 0 -- -X -c 'delete from orders where id = 5'
status_is 75
one=$(request_in "$T/err")
decides rita approve "$one"
run hoopctl connect $target --wait 0 -- -X -c 'delete  from orders where id = 5'
status_is 75
[ "$(request_in "$T/err")" != "$one" ] || failed 'other bytes join'
is "$(super 'select count(*) from orders where id = 5')" 1

test_case "a command at a host waits in ssh, and runs once it is approved"
asks hoopctl connect $host --wait 60s -- "touch $made; echo done; exit 3"
holds test ! -e "$made"
grep -q 'hoopctl: waiting for an approver' "$T/asked.err" || failed 'ssh does not say that it waits'
decides rita approve "$id"
status_is 0
answered
status_is 3
out_is done
holds test -e "$made"
run hoopctl --output json sessions list --limit 1
run hoopctl sessions show "$(jq -r .session <<<"$OUT")"
out_has "$id"

test_case "a command that is rejected ends with 76, one that nobody decides with 75"
asks hoopctl connect $host --wait 60s -- "touch $made.2"
decides rita reject "$id"
answered
status_is 76
run hoopctl connect $host --wait 0 -- "touch '$made 3'"
status_is 75
id=$(request_in "$T/err")
decides rita approve "$id"
status_is 0
run hoopctl resume "$id"
status_is 0
holds test -e "$made 3"
holds test ! -e "$made.2"
run hoopctl resume "$id"
status_is 76

finish
