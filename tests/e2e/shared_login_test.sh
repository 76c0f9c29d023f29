# A target whose sessions share one login, where no role may be made.
. "$(dirname "$0")/lib.sh"
gw=$HOOPCTL_STACK_GATEWAY
target=pg-shared
secret='shared-login-secret-77'
(umask 077; printf '%s\n' "$secret" >"$gw/keys/pg-shared.password")
super "set password_encryption = 'scram-sha-256'; create role shared_reader login password '$secret'; grant demo_app to shared_reader" >/dev/null
{ echo '[[target]]'; sed -n '/name = "pg-demo"$/,/^$/p' "$gw/conf.d/10-stack.toml"; } |
  sed -e 's/"pg-demo"/"pg-shared"/' -e '/^path/d' -e 's|^admin.*|login = { user = "shared_reader", password = "file:keys/pg-shared.password" }|' >"$gw/conf.d/70-shared.toml"
holds grep -q '^login' "$gw/conf.d/70-shared.toml"
holds restart_gateway
backends() { super "select count(*) from pg_stat_activity where usename = 'shared_reader'"; }
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and state = 'active' and usename = 'shared_reader'")" = "$2" ]; }

test_case "a session logs in by it, and has the rights of the mapped role"
pg -c 'select session_user, current_user'
status_is 0
out_is 'shared_reader|demo_app'
holds no_roles
run hoopctl --output json targets
is "$(printf '%s\n' "$OUT" | jq -r 'select(.name == "pg-shared").path')" gateway

test_case "what is masked stays masked, and the record says who it was"
pg -c 'select email from customers where id = 1'
status_is 0
out_lacks '@example.com'
run hoopctl sessions show "$(newest_session)"
out_has 'subject:        demo'
out_has 'customers'

test_case "no way out of the mapped role"
for statement in 'reset role' 'set role none' 'set session authorization default' "alter role shared_reader password 'x'" "select set_config('role', 'none', false)"; do
  pg -c "$statement"
  status_is 1
  err_has 'hoopctl code=policy_denied rule=builtin/SQL_ROLE_'
done
input <<'SQL'
\set ON_ERROR_STOP 0
reset all;
discard all;
select current_user;
SQL
pg -f -
out_has demo_app

test_case "the password is nowhere but in its file"
pg -c "select rolpassword from pg_authid where rolname = 'shared_reader'"
holds [ "$STATUS" != 0 ]
run hoopctl connect pg-shared -- env
out_lacks "$secret"
holds sh -c "! grep -rqsF '$secret' '$XDG_STATE_HOME' '$HOOPCTL_STACK_DIR/gateway.log'"
holds sh -c "! grep -rlsF '$secret' '$gw' | grep -v keys/pg-shared.password"

test_case "a session that is killed leaves nothing running"
hoopctl connect pg-shared -- -X -c 'select count(*) from (select generate_series(1, 9000006601)) s' >"$T/o" 2>"$T/e" & pid=$!
ends_with_test TERM $pid
holds eventually 15 running 9000006601 1
run hoopctl sessions kill "$(newest_session)"
status_is 0
code=0; wait $pid || code=$?
is $code 80
holds eventually 5 running 9000006601 0
holds eventually 5 [ "$(backends)" = 0 ]

test_case "a program that goes away in the middle leaves nothing running either"
hoopctl connect pg-shared -- -X -c 'select count(*) from (select generate_series(1, 9000006602)) s' >"$T/o" 2>"$T/e" & pid=$!
ends_with_test KILL $pid
holds eventually 15 running 9000006602 1
kill -KILL $pid
wait $pid 2>/dev/null
holds eventually 15 running 9000006602 0

test_case "a changed password is taken up; a wrong one is told"
super "alter role shared_reader password 'another-secret-78'" >/dev/null
pg -c 'select 1'
status_is 69
err_has "pg-shared"
err_lacks "$secret"
(umask 077; echo another-secret-78 >"$gw/keys/pg-shared.password")
pg -c 'select 1'
status_is 0

test_case "a login that has become too much opens nothing"
super 'alter role shared_reader bypassrls' >/dev/null
pg -c 'select 1'
holds [ "$STATUS" != 0 ]
err_has BYPASSRLS
super 'alter role shared_reader nobypassrls' >/dev/null

test_case "what the operator is told of it"
run hoopctl --output json gateway target check "$gw" pg-shared
status_is 0
is "$(printf '%s\n' "$OUT" | jq -r 'select(.subject == "pg-shared") | .check + " " + .state' | sort | tr '\n' ' ')" 'database ok login ok role ok secret ok '
run hoopctl --output json gateway target list "$gw"
is "$(printf '%s\n' "$OUT" | jq -r 'select(.name == "pg-shared") | .credential + " " + .login')" 'shared_login shared_reader'
super 'revoke demo_app from shared_reader' >/dev/null
run hoopctl gateway target check "$gw" pg-shared
status_is 78
out_has 'GRANT demo_app TO shared_reader'
pg -c 'select 1'
holds [ "$STATUS" != 0 ]
printf 'path = "local"\n' >>"$gw/conf.d/70-shared.toml"
run hoopctl policy check "$gw"
status_is 78
err_has 'does not leave the gateway'
finish
