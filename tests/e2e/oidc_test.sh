# An OpenID provider in the place of the embedded identity provider: three lines of configuration, login, refresh, keys that change.
# one path: what is identified is the same on each
. "$(dirname "$0")/lib.sh"

. "$here/oidc_lib.sh"
export XDG_STATE_HOME=$T/state
install_packages oidc

test_case "a login by the issuer's own device flow"
OIDC_CLAIMS='{"groups":["developers"],"email":"alice@example.com","email_verified":true}' start_provider
port=${issuer##*:}
configure
holds restart_gateway
log_in alice
status_is 0
run hoopctl --output json whoami
status_is 0
out_has '"subject":"alice"'
out_has developers
pg -c 'select 7 * 6'
status_is 0
out_has 42

test_case "the embedded provider is not there beside it"
is "$(curl -s --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" -o /dev/null -w '%{http_code}' "$HOOPCTL_STACK_URL/oauth/jwks")" 404
is "$(curl -s --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" -o /dev/null -w '%{http_code}' "$HOOPCTL_STACK_URL/device")" 404
is "$(curl -s --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$HOOPCTL_STACK_URL/.well-known/hoopctl" | jq -r .issuer)" "$issuer"

test_case "a user of the gateway's own is told to be none while another provider is asked"
input <<<'a long enough passphrase'
run hoopctl gateway user add "$HOOPCTL_STACK_GATEWAY" erin --password-stdin
status_is 0
holds grep -q "people log in at $issuer" "$T/out" "$T/err"

test_case "while the issuer is away, who is logged in works on"
stop_provider
run hoopctl whoami
status_is 0

test_case "a gateway that has no keys says what is wrong, and takes nobody"
holds restart_gateway
run hoopctl whoami
holds [ "$STATUS" != 0 ]
err_has 'identity provider cannot be reached'
holds grep -q issuer.keys_failed "$HOOPCTL_STACK_DIR/gateway.log"

test_case "it finds the keys when the issuer is back, and what was signed by the old ones is refused"
OIDC_CLAIMS='{"groups":["developers"]}' OIDC_ALG=RS256 start_provider "$port"
answers() { run hoopctl whoami; [ "$STATUS" != 0 ] && grep -q 'unknown key' "$T/err"; }
holds eventually 20 answers
log_in bob
status_is 0
run hoopctl --output json whoami
out_has '"subject":"bob"'

test_case "tokens are refreshed, by one of many who run at once"
stop_provider
OIDC_CLAIMS='{"roles":{"list":["0000-1"]},"email":"carol@example.com","email_verified":true}' OIDC_TOKEN_SECONDS=20 OIDC_ALG=EdDSA start_provider "$port"
configure 'subject_claim = "email"' 'groups_claim = "roles.list"' 'group_names = { "0000-1" = "developers" }'
holds restart_gateway
log_in carol
status_is 0
run hoopctl --output json whoami
out_has '"subject":"carol@example.com"'
out_has developers
sleep 21
for i in 1 2 3 4 5 6 7 8 9 10; do hoopctl --output json whoami >"$T/who.$i" 2>&1 & who[i]=$!; done
for i in 1 2 3 4 5 6 7 8 9 10; do code=0; wait "${who[i]}" || code=$?; is "$i $code" "$i 0"; done
is "$(grep -l carol "$T"/who.* | wc -l)" 10

test_case "an address that nobody has verified is nobody's name"
stop_provider
OIDC_CLAIMS='{"groups":["developers"],"email":"dan@example.com","email_verified":false}' start_provider "$port"
configure 'subject_claim = "email"'
holds restart_gateway
log_in dan
run hoopctl whoami
holds [ "$STATUS" != 0 ]
err_has 'not verified'

test_case "mistakes in the configuration are told by file and line"
printf '[gateway.oidc]\nissuer = "http://login.example"\nclient_id = "x"\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/91-oidc.toml"
run hoopctl gateway serve "$HOOPCTL_STACK_GATEWAY"
status_is 78
err_has '91-oidc.toml:2:'
printf '[gateway.oidc]\nissuer = "https://login.example"\nclient_id = "x"\nparameters = { client_secret = "y" }\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/91-oidc.toml"
run hoopctl gateway serve "$HOOPCTL_STACK_GATEWAY"
status_is 78
err_has client_secret

finish
