# A person whose access is taken back: what is open ends, and nothing opens any more.
# both paths
. "$(dirname "$0")/lib.sh"
gw=$HOOPCTL_STACK_GATEWAY gateway_log=$HOOPCTL_STACK_DIR/gateway.log
login=$here/../support/login.sh
in_log() { grep -q "$1" "$gateway_log"; }
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
running() { [ "$(super "select count(*) from pg_stat_activity where query like '%$1%' and usename like 'hoop%'")" = "$2" ]; }
# sleeper WHO NUMBER: a statement that runs until it is ended; its process in $pid.
sleeper() {
  "$T/as" "$1" hoopctl connect $target -- -X -c "select count(*) from (select generate_series(1, $2)) s" >"$T/$1.o" 2>"$T/$1.e" & pid=$!
  ends_with_test TERM $pid
  eventually 15 running "$2" 1
}
within() { [ $(( ($(date +%s%N) - since) / 1000000 )) -lt "$1" ]; }

test_case "setting up"
for who in ann ben; do holds add_user $who developers >/dev/null 2>&1; done
holds add_user root admins >/dev/null 2>&1
for who in ann ben root; do holds as $who "$login"; done
run hoopctl --output json gateway user list "$gw"
is "$(jq -r '[.user, .groups, .state] | join(" ")' <<<"$OUT" | sort | tr '\n' ,)" 'ann developers enabled,ben developers enabled,demo developers enabled,root admins enabled,'

test_case "who is disabled loses what is open within 2 seconds, and only that person does"
holds sleeper ben 9000005002; other=$pid
holds sleeper ann 9000005001
session=$(as ann hoopctl --output json sessions list --limit 1 | jq -r .session)
since=$(date +%s%N)
run hoopctl gateway user disable "$gw" ann --reason 'left the company'
status_is 0
err_has "disabled user 'ann'"
code=0; wait $pid || code=$?
holds within 2000
is $code 80
holds running 9000005001 0
holds grep -q 'FATAL:  access was revoked: left the company' "$T/ann.e"
holds grep -q '"status":"access_ended".*"cause":"revoked"' "$T/ann.e"
holds running 9000005002 1
holds in_log 'identity.revoked subject=ann'
holds sh -c "! grep -q 'left the company' '$gateway_log'"
holds eventually 5 sh -c "[ \"\$(psql -X -At '$HOOPCTL_STACK_PG' -c \"select count(*) from pg_roles where rolname = 'hoop_${session#s_}'\")\" = 0 ]"

test_case "the log of what was ended is whole, and was delivered by a token that opens nothing else"
holds eventually 10 sh -c "grep -q 'log.received session=$session' '$gateway_log'"
is "$(find "$T/ann/state/hoopctl/spool" -name '*.hslog' 2>/dev/null | wc -l)" 0
run "$T/as" root hoopctl sessions show "$session"
out_has revoked

test_case "the login is worth nothing any more, and a new one is refused"
for words in "targets" "connect $target -- -X -c select" "whoami"; do
  # shellcheck disable=SC2086
  run "$T/as" ann hoopctl $words
  status_is 79
done
run "$T/as" ann hoopctl logout
run timeout 20 "$T/as" ann "$login"
holds [ "$STATUS" != 0 ]

test_case "another password: the old one and the old logins are worth nothing"
holds add_user cat developers >/dev/null 2>&1
holds as cat "$login"
as cat hoopctl whoami >/dev/null; is $? 0
input <<<'another passphrase, and a long one'
run hoopctl gateway user password "$gw" cat --password-stdin
status_is 0
err_has "changed the password of user 'cat'"
rm -rf "$T/cat"
run timeout 20 "$T/as" cat "$login"
holds [ "$STATUS" != 0 ]
input <<<'another passphrase, and a long one'
run hoopctl gateway user password "$gw" nobody --password-stdin
status_is 64
err_has 'gateway user list'
input <<<'short'
run hoopctl gateway user password "$gw" cat --password-stdin
status_is 64
err_has '8 to 1024'

test_case "enabled again, a new login works; the old tokens do not come back"
run hoopctl gateway user enable "$gw" ann
status_is 0
sleep 1.1   # tokens tell whole seconds
holds as ann "$login"
run "$T/as" ann hoopctl connect $target -- -X -At -c 'select 1'
out_is 1

test_case "an operator takes access back; others may not"
holds sleeper ann 9000005003
run "$T/as" ben hoopctl sessions kill --subject ann
holds [ "$STATUS" != 0 ]
err_has 'operators take access back'
holds running 9000005003 1
since=$(date +%s%N)
run "$T/as" root hoopctl --output json sessions kill --subject ann --reason 'laptop stolen'
status_is 0
is "$(jq -r .sessions_ended <<<"$ERR")" 1
code=0; wait $pid || code=$?
holds within 2000
is $code 80
holds grep -q 'FATAL:  access was revoked: laptop stolen' "$T/ann.e"
run "$T/as" ann hoopctl targets
status_is 79
holds running 9000005002 1

test_case "who is removed while the gateway is down has nothing when it is back"
holds as ann "$login"
kill "$gateway_pid"; holds eventually 20 gone "$gateway_pid"
run hoopctl gateway user remove "$gw" ben
status_is 0
holds start_gateway
code=0; wait $other || code=$?
holds one_of $code 69 80
holds running 9000005002 0
run "$T/as" ben hoopctl targets
status_is 79
run "$T/as" ann hoopctl targets
status_is 0
run "$T/as" ben hoopctl logout
run timeout 20 "$T/as" ben "$login"
holds [ "$STATUS" != 0 ]
run hoopctl gateway user remove "$gw" ben
status_is 64
err_has "no user 'ben'"

test_case "an operator who ends somebody's session is kept, and an owner who ends his own is not"
holds add_user dan developers >/dev/null 2>&1
holds as dan "$login"
for who in root dan; do
  holds sleeper dan 9000005009
  session=$(as dan hoopctl --output json sessions list --limit 1 | jq -r .session)
  run "$T/as" $who hoopctl sessions kill "$session" --reason "ended by $who"
  status_is 0
  wait $pid
done
run hoopctl --output json gateway audit "$gw"
is "$(jq -r 'select(.act == "session.kill") | .by + ": " + .words' <<<"$OUT")" 'root: ended by root'

test_case "who has done all this stands in the audit, and no password does"
run hoopctl --output json gateway audit "$gw" --limit 1000
status_is 0
acts=$(jq -r '[.act, .what] | join(" ")' <<<"$OUT")
for act in 'user.add ann' 'user.disable ann' 'user.enable ann' 'user.password cat' 'user.remove ben' 'identity.revoke '; do
  holds grep -q "^$act" <<<"$acts"
done
is "$(jq -r 'select(.act == "user.disable" and .what == "ann") | .words' <<<"$OUT" | head -n 1)" 'left the company'
is "$(jq -r 'select(.act == "user.add" and .what == "ann") | .by' <<<"$OUT")" "os:$(id -un)"
is "$(jq -r 'select(.act == "identity.revoke") | .by' <<<"$OUT" | sort -u)" root
out_lacks passphrase
is "$(jq -rs 'map(.number) | . == (sort | reverse)' <<<"$OUT")" true
run hoopctl gateway audit "$gw" --limit 0
status_is 64

finish
