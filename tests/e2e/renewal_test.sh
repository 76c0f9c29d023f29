# A session that goes on after its first time, for as long as the policy lets it.
# every path
# stack: --policy renewal.toml
. "$(dirname "$0")/lib.sh"
in_log() { grep -q "$@" "$HOOPCTL_STACK_DIR/gateway.log"; }
post() {  # post SESSION: asks for more time; the status in $OUT
  local token; token=$(bearer_token)
  run curl -s -o "$T/answer" -w '%{http_code}' --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" -X POST -H "Authorization: Bearer $token" "$HOOPCTL_STACK_URL/v1/grants/$1/renew"
}

# A program that sends nothing does not see that its connection has ended.
queries() { for _ in $(seq 1 50); do echo 'select 1;' || break; sleep 1; done; }

test_case "connections go on when a session is renewed"
(
  echo "select 'begun';"
  sleep 15
  echo "select 'still here';"
) | timeout 40 hoopctl --verbose connect $target -- -X -At >"$T/o" 2>"$T/e" & pid=$!
holds eventually 10 grep -q begun "$T/o"
session=$(newest_session)
holds eventually 15 in_log "grant.renewed session=$session"
holds wait $pid
is "$(cat "$T/o")" 'begun
still here'
holds grep -q access_renewed "$T/e"
# Nobody is warned of an end that does not come.
holds sh -c "! grep -q access_ending '$T/e'"
run hoopctl sessions show "$session"
out_has 'note renewed'
run hoopctl sessions verify "$session"
status_is 0
holds eventually 5 no_roles

test_case "it ends when it has lasted as long as it may"
since=$(date +%s)
code=0; queries | timeout 50 hoopctl connect $target -- -X -At >"$T/o" 2>"$T/e" || code=$?
lasted=$(( $(date +%s) - since ))
is $code 80
holds [ $lasted -ge 22 ]
holds [ $lasted -le 36 ]
holds eventually 5 no_roles

test_case "a session that has ended, or is nobody's, has no more time"
post "$session"
out_is 404
post s_aaaaaaaaaaaaaaaaaaaaaaaaaa
out_is 404

test_case "each time is judged anew: by a policy that has no renewal any more"
queries | timeout 50 hoopctl --verbose connect $target -- -X -At >"$T/o" 2>"$T/e" & pid=$!
holds eventually 10 grep -q 1 "$T/o"
live=$(newest_session)
sed -i '/^renew_for/d' "$HOOPCTL_STACK_GATEWAY/conf.d/50-policy.toml"
kill -HUP $gateway_pid
holds eventually 5 in_log policy.reloaded
post "$live"
out_is 403
holds grep -q not_renewed "$T/answer"
code=0; wait $pid || code=$?
is $code 80
holds eventually 5 no_roles
holds sh -c "! grep -q 'grant.renewed session=$live' '$HOOPCTL_STACK_DIR/gateway.log'"
finish
