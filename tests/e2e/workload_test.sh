# A CI job's own token for an access token of the gateway: no secret anywhere (RFC 8693).
# one path: what is identified is the same on each
. "$(dirname "$0")/lib.sh"
. "$here/oidc_lib.sh"
export XDG_STATE_HOME=$T/state
node "$here/oidc/platform.mjs" "$tls/cert.pem" "$tls/key.pem" >"$T/platform" 2>"$T/platform.err" </dev/null &
ends_with_test TERM $!
eventually 20 grep -q '^issuer ' "$T/platform" || cat "$T/platform.err"
issuer=$(sed -n 's/^issuer //p' "$T/platform")

cat >"$HOOPCTL_STACK_GATEWAY/conf.d/92-workloads.toml" <<TOML
[[gateway.workload]]
name = "deploy"
issuer = "$issuer"
ca_file = "$tls/ca.pem"
claims = { repository_id = "4711", ref = ["refs/heads/main", "refs/tags/v1"], ref_protected = "true" }
groups = ["developers"]

[[gateway.workload]]
name = "report"
issuer = "$issuer"
ca_file = "$tls/ca.pem"
claims = { project_id = "42" }
groups = ["nobody"]
token_life = "1m"
TOML
holds restart_gateway
# job CLAIMS: a token of the platform for a job.
job() { fetch -G "$issuer/token?$(jq -rn --arg c "$1" '$c|@uri')"; }
good='{"aud":"'$HOOPCTL_STACK_URL'","sub":"repo:octo/shop:ref:refs/heads/main","repository_id":"4711","ref":"refs/heads/main","ref_protected":true}'
with() { jq -nc --argjson a "$good" --argjson b "$1" '$a * $b'; }
login() { run hoopctl --output json login --gateway "$HOOPCTL_STACK_URL" --ca "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$@"; }
log_in_as() { job "$1" >"$T/job"; input <"$T/job"; login --token-stdin; }
alone() { run env XDG_STATE_HOME="$T/alone" CI=true HOOPCTL_GATEWAY="$HOOPCTL_STACK_URL" HOOPCTL_CA_FILE="$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$@"; }

test_case "a job logs in by its own token, and works"
log_in_as "$good"
status_is 0
run hoopctl --output json whoami
out_has '"subject":"deploy:repo:octo/shop:ref:refs/heads/main"'
out_has '"kind":"ci"'
out_has developers
pg -c 'select 7 * 6'
status_is 0
out_has 42
# It is bound to a key: by itself it opens nothing.
tokens=$(find "$T/state" -name tokens.json)
access=$(jq -r .access "$tokens")
ask() { curl -sS --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" -o "$T/answer" -w '%{http_code}' "$@"; }
is "$(ask -H "Authorization: Bearer $access" "$HOOPCTL_STACK_URL/v1/whoami")" 401
is "$(ask -H "Authorization: DPoP $access" "$HOOPCTL_STACK_URL/v1/whoami")" 401
holds [ "$(cut -d. -f2 <<<"$access" | tr '_-' '/+' | base64 -d 2>/dev/null | jq -r '.cnf.jkt | length')" = 43 ]
holds grep -q 'workload.login.*deploy' "$HOOPCTL_STACK_DIR/gateway.log"

test_case "a token is taken once, also after a restart"
input <"$T/job"
login --token-stdin
status_is 79
err_has 'used before'
holds restart_gateway
input <"$T/job"
login --token-stdin
status_is 79
err_has 'used before'

test_case "without a login: one command, and nothing stored"
alone HOOPCTL_TOKEN="$(job "$good")" hoopctl connect pg-demo -- -X -At -c 'select 6 * 7'
status_is 0
out_is 42
holds [ -z "$(find "$T/alone" -name 'tokens.json' -o -name 'gateway.json')" ]

test_case "another workload is another one: its groups open nothing here"
log_in_as '{"aud":"'"$HOOPCTL_STACK_URL"'","sub":"project_path:octo/report","project_id":42}'
status_is 0
run hoopctl --output json whoami
out_has '"subject":"report:project_path:octo/report"'
pg -c 'select 1'
status_is 77

test_case "what is not the workload gets nothing, and hears why"
refuses() {  # refuses WORDS CLAIMS
  log_in_as "$2"
  check; [ "$STATUS" = 79 ] || failed "status of $2"
  err_has "$1"
}
refuses 'fits no workload' "$(with '{"ref":"refs/heads/feature"}')"
refuses 'fits no workload' "$(with '{"ref_protected":false}')"
refuses 'fits no workload' "$(with '{"repository_id":"4712"}')"
refuses 'fits no workload' "$(with '{"repository_id":null}')"
refuses 'fits no workload' "$(with '{"repository_id":["4711"]}')"
refuses 'not meant for this gateway' "$(with '{"aud":"https://github.com/octo"}')"
refuses expired "$(with '{"iat":1700000000,"exp":1700000300}')"
refuses 'issued in the future' "$(with '{"iat":4000000000,"exp":4000000300}')"
refuses 'lives too long' "$(with '{"exp":4000000000}')"
refuses "'exp' is missing" "$(with '{"exp":null}')"
refuses "'sub' is missing" "$(with '{"sub":null}')"
refuses 'none of the workloads' "$(with '{"iss":"https://other.example"}')"
refuses 'unknown key' "$(with '{"header":{"kid":"job-2"}}')"
refuses 'algorithm' "$(with '{"header":{"alg":"HS256"}}')"
refuses "type is not 'JWT'" "$(with '{"header":{"typ":"dpop+jwt"}}')"
for why in "deploy.*'ref' is not" "deploy.*'ref_protected' is not" "deploy.*'repository_id' is not" "report.*'project_id' is not"; do
  holds grep -q "workload.refused.*$why" "$HOOPCTL_STACK_DIR/gateway.log"
done
log_in_as "$(with '{"header":{"crit":["b64"]}}')"
status_is 78
err_has "'crit' is not accepted"
job "$good" | sed 's/.$//' >"$T/job"
input <"$T/job"
login --token-stdin
holds [ "$STATUS" != 0 ]

test_case "the endpoint by itself: what is no exchange"
exchange() { curl -sS --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" -o "$T/answer" -w '%{http_code}' "$HOOPCTL_STACK_URL/v1/workloads/token" "$@"; }
is "$(exchange)" 405
is "$(exchange -d grant_type=password)" 400
is "$(exchange -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token=x -d subject_token_type=nonsense)" 400
job "$good" >"$T/job"
by_hand() { exchange -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange --data-urlencode "subject_token@$T/job" -d subject_token_type=urn:ietf:params:oauth:token-type:id_token "$@"; }
is "$(by_hand -H 'DPoP: nonsense')" 400
holds grep -q invalid_dpop_proof "$T/answer"
is "$(by_hand -H 'DPoP: a' -H 'DPoP: b')" 400
# A bad proof has not used the job's token up; without one it gives a bearer token, for clients that prove nothing.
is "$(by_hand)" 200
is "$(jq -r .token_type "$T/answer")" Bearer
is "$(ask -H "Authorization: Bearer $(jq -r .access_token "$T/answer")" "$HOOPCTL_STACK_URL/v1/whoami")" 200
is "$(exchange -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token=x -d subject_token_type=urn:ietf:params:oauth:token-type:id_token)" 400
is "$(head -c 60000 /dev/zero | tr '\0' a | exchange --data-binary @-)" 413

test_case "a workload that would let in everybody is no configuration"
bad() {  # bad WORDS LINE…
  local words=$1; shift
  { printf '[[gateway.workload]]\n'; printf '%s\n' "$@"; } >"$HOOPCTL_STACK_GATEWAY/conf.d/93-bad.toml"
  run hoopctl gateway serve "$HOOPCTL_STACK_GATEWAY"
  check; [ "$STATUS" = 78 ] || failed "status of $*"
  err_has "$words"
}
bad 'everybody for whom' 'name = "a"' 'issuer = "https://ci.example"' 'groups = ["x"]'
bad 'repository_id' 'name = "a"' 'issuer = "https://token.actions.githubusercontent.com"' 'claims = { repository = "octo/shop" }' 'groups = ["x"]'
bad 'project_id' 'name = "a"' 'issuer = "https://gitlab.example"' 'claims = { project_path = "octo/shop" }' 'groups = ["x"]'
bad 'in no group' 'name = "a"' 'issuer = "https://ci.example"' 'claims = { sub = "x" }'
bad "two workloads 'deploy'" 'name = "deploy"' 'issuer = "https://ci.example"' 'claims = { sub = "x" }' 'groups = ["x"]'
rm "$HOOPCTL_STACK_GATEWAY/conf.d/93-bad.toml"

test_case "a gateway without workloads says so"
rm "$HOOPCTL_STACK_GATEWAY/conf.d/92-workloads.toml"
holds restart_gateway
log_in_as "$good"
status_is 78
err_has 'takes no tokens of jobs'

finish
