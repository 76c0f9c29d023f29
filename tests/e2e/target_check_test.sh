# hoopctl gateway target list and check: an operator learns what is wrong with a target before a person does.
# stack: --agent
. "$(dirname "$0")/lib.sh"
gw=$HOOPCTL_STACK_GATEWAY
state_of() { printf '%s\n' "$OUT" | jq -r "select(.check == \"$1\" and .subject == \"${2:-pg-demo}\").state"; }
fix_of() { printf '%s\n' "$OUT" | jq -r "select(.check == \"$1\" and .subject == \"${2:-pg-demo}\").fix"; }
check_target() { run hoopctl --output json gateway target check "$gw" "$@"; }
no_check_roles() { [ "$(super "select count(*) from pg_roles where rolname like 'hoop\\_check%'")" = 0 ]; }

test_case "which targets there are"
run hoopctl --output json gateway target list "$gw"
status_is 0
is "$(printf '%s\n' "$OUT" | jq -r '.name + " " + .path + " " + .via' | sort | head -n 3)" "pg-demo local direct
pg-demo-agent gateway agent
pg-demo-gateway gateway direct"
out_lacks "$(cat "$gw/keys/pg-demo.password")"

test_case "a target that is well, and one behind an agent"
run hoopctl --output text gateway target check "$gw" pg-demo
status_is 0
out_has "lets 'hoop_admin' in"
out_has "'demo' is there"
out_has "logged in as 'demo_app' and was dropped"
out_lacks fix
holds no_check_roles
check_target
status_is 0
is "$(state_of role)" ok
is "$(state_of secret pg-demo-agent) $(state_of admin pg-demo-agent)" 'ok skipped'
run hoopctl gateway audit "$gw"
out_has target.check

test_case "PG variables of the operator lead nowhere"
run env PGHOST=192.0.2.1 PGPORT=1 PGUSER=nobody PGOPTIONS=-csearch_path=x PGSERVICE=nothing hoopctl --output json gateway target check "$gw" pg-demo
status_is 0

test_case "a secret that is not there, or is another"
cp "$gw/keys/pg-demo.password" "$T/password"
mv "$gw/keys/pg-demo.password" "$T/away"
check_target pg-demo
holds [ "$STATUS" != 0 ]
is "$(state_of secret)" failed
(umask 077; echo wrong >"$gw/keys/pg-demo.password")
check_target pg-demo
holds [ "$STATUS" != 0 ]
is "$(state_of secret) $(state_of admin)" 'ok failed'
out_has "password was not accepted"
(umask 077; cat "$T/password" >"$gw/keys/pg-demo.password")

test_case "an admin that may not make roles, or may do everything"
super 'alter role hoop_admin nocreaterole' >/dev/null
check_target pg-demo
status_is 78
is "$(fix_of admin)" 'ALTER ROLE hoop_admin CREATEROLE'
super 'alter role hoop_admin createrole superuser' >/dev/null
check_target pg-demo
status_is 78
out_has 'is a superuser'
super 'alter role hoop_admin nosuperuser' >/dev/null

test_case "a database that is not there"
sed -i 's/^databases = \["demo"\]/databases = ["demo", "nosuch"]/' "$gw/conf.d/10-stack.toml"
check_target pg-demo
holds [ "$STATUS" != 0 ]
is "$(state_of database | sort | tr '\n' ' ')" 'failed ok '
is "$(state_of role)" ok
sed -i 's/^databases = \["demo", "nosuch"\]/databases = ["demo"]/' "$gw/conf.d/10-stack.toml"

test_case "a mapped role that is not there, may not be handed out, or is not the admin's to give"
printf '[[role]]\nname = "more"\nmembers = ["*"]\ntargets = ["pg-demo"]\ndatabase_role = "%s"\n' nosuch_role >"$gw/conf.d/70-more.toml"
check_target pg-demo
holds [ "$STATUS" != 0 ]
out_has "'nosuch_role' does not exist"
is "$(state_of role | sort | tr '\n' ' ')" 'failed ok '
super 'create role too_much nologin bypassrls; create role not_given nologin' >/dev/null
sed -i 's/nosuch_role/too_much/' "$gw/conf.d/70-more.toml"
check_target pg-demo
holds [ "$STATUS" != 0 ]
out_has 'BYPASSRLS'
sed -i 's/too_much/not_given/' "$gw/conf.d/70-more.toml"
check_target pg-demo
# Before 16 CREATEROLE may give any role that is no superuser; from 16 on the admin needs ADMIN OPTION.
if [ "$(super 'show server_version_num')" -lt 160000 ]; then wanted='ok ok '; else wanted='failed ok '; fi
is "$(state_of role | sort | tr '\n' ' ')" "$wanted"
rm "$gw/conf.d/70-more.toml"
super 'drop role too_much; drop role not_given' >/dev/null

test_case "a server that lets no session in, and nothing stays there"
hba=$HOOPCTL_STACK_DIR/pg/data/pg_hba.conf
cp "$hba" "$T/hba"
printf 'hostssl all hoop_admin,postgres 127.0.0.1/32 scram-sha-256\nlocal all all trust\n' >"$hba"
super 'select pg_reload_conf()' >/dev/null
check_target pg-demo
holds [ "$STATUS" != 0 ]
is "$(state_of admin) $(state_of role)" 'ok failed'
case $(fix_of role) in *pg_hba.conf*) check ;; *) failed "no fix names pg_hba.conf" ;; esac
cat "$T/hba" >"$hba"
super 'select pg_reload_conf()' >/dev/null
holds no_check_roles

test_case "a server that is not there"
sed -i "s/^port = .*/port = 1/" "$gw/conf.d/10-stack.toml"
check_target pg-demo
status_is 69
is "$(state_of admin)" failed

test_case "wrong words"
run hoopctl gateway target check "$gw" nosuch
status_is 64
run hoopctl gateway target check "$T"
status_is 78
run hoopctl gateway target list "$T"
status_is 78

finish
