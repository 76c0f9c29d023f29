# A login without a person: a service's secret or key at an OpenID provider, a token in a file or a pipe.
# one path: what is identified is the same on each
. "$(dirname "$0")/lib.sh"
. "$here/oidc_lib.sh"
export XDG_STATE_HOME=$T/state
install_packages oidc
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/client.pem" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/other.pem" 2>/dev/null
export OIDC_CLIENT_SECRET='s3cret with :+%&= in it, and long enough to be one' OIDC_CLIENT_KEY=$T/client.pem
printf '%s\n' "$OIDC_CLIENT_SECRET" >"$T/secret"
printf 'another secret' >"$T/wrong"
chmod 600 "$T/secret" "$T/wrong" "$T/client.pem"
login() { run hoopctl --output json login --gateway "$HOOPCTL_STACK_URL" --ca "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$@"; }
# bearer CLIENT: an access token of it, as another program would get it.
bearer() {
  curl -sS --cacert "$tls/ca.pem" --max-time 20 -u "$1:$(jq -rn --arg s "$OIDC_CLIENT_SECRET" '$s|@uri')" \
    -d grant_type=client_credentials --data-urlencode "resource=$HOOPCTL_STACK_URL" "$issuer/token" | jq -r .access_token
}
nothing_kept() { check; ! grep -raq "$OIDC_CLIENT_SECRET" "$XDG_STATE_HOME" || failed "the secret is in the state folder"; }

OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=8 start_provider
port=${issuer##*:}
configure 'service_clients = ["ci-basic", "ci-post", "ci-key"]'
holds restart_gateway

test_case "a service logs in by its secret, and works"
login --client-id ci-basic --client-secret-file "$T/secret"
status_is 0
run hoopctl --output json whoami
status_is 0
out_has '"subject":"ci-basic"'
out_has '"kind":"ci"'
pg -c 'select 7 * 6'
status_is 0
out_has 42
nothing_kept

test_case "its token is renewed by the secret when it ends, by one of many at once"
sleep 9
for i in 1 2 3 4 5 6 7 8; do hoopctl --output json whoami >"$T/who.$i" 2>&1 & who[i]=$!; done
for i in 1 2 3 4 5 6 7 8; do code=0; wait "${who[i]}" || code=$?; is "$i $code" "$i 0"; done

test_case "a secret that has changed is told, with what to do"
cp "$T/secret" "$T/kept"; cp "$T/wrong" "$T/secret"
sleep 9
run hoopctl whoami
status_is 79
err_has 'does not accept the client'
err_lacks another
cp "$T/kept" "$T/secret"
run hoopctl whoami
status_is 0

test_case "a service logs in by its key (private_key_jwt)"
login --client-id ci-key --client-key "$T/client.pem" --client-key-id key-1
status_is 0
run hoopctl --output json whoami
out_has '"subject":"ci-key"'
login --client-id ci-key --client-key "$T/other.pem" --client-key-id key-1
status_is 79

test_case "a client that the gateway does not know is told at login"
login --client-id ci-stranger --client-secret-file "$T/secret"
status_is 79
err_has 'client that is not accepted'
err_has service_clients

test_case "an issuer that takes the secret in the form alone"
stop_provider
OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=20 OIDC_AUTH_METHODS=client_secret_post,none,private_key_jwt start_provider "$port"
holds restart_gateway
login --client-id ci-post --client-secret-file "$T/secret"
status_is 0
run hoopctl --output json whoami
out_has '"subject":"ci-post"'
stop_provider

test_case "a token in a file is read anew when it ends"
OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=8 start_provider "$port"
holds restart_gateway
bearer ci-basic >"$T/token"
login --token-file "$T/token"
status_is 0
pg -c 'select 6 * 7'
out_has 42
sleep 9
run hoopctl whoami
status_is 79
err_has 'has expired'
bearer ci-basic >"$T/token"
run hoopctl --output json whoami
status_is 0

test_case "a token in a pipe is good until it ends"
bearer ci-basic >"$T/token"
input <"$T/token"
login --token-stdin
status_is 0
rm "$T/token"
run hoopctl whoami
status_is 0
sleep 9
run hoopctl whoami
status_is 79
err_has 'hoopctl login'

test_case "what is given wrongly says what is wrong"
chmod 644 "$T/secret"
login --client-id ci-basic --client-secret-file "$T/secret"
status_is 78
err_has 'everybody on this machine may read'
login --client-id ci-basic --client-secret-file "$T/none"
status_is 78
err_has 'No such file'
login --client-id ci-basic
status_is 64
err_has 'client-secret-file'
login --client-id ci-basic --client-secret-file "$T/secret" --client-key "$T/client.pem"
status_is 64
login --client-id ci-key --client-key "$T/wrong"
status_is 78
err_has 'P-256'
login --client-secret-file "$T/secret"
status_is 64
printf 'no token\n' >"$T/token"
login --token-file "$T/token"
status_is 78
err_has 'no access token'
: >"$T/token"
login --token-file "$T/token"
status_is 78
err_has empty
head -c 100000 /dev/zero | tr '\0' a >"$T/token"
login --token-file "$T/token"
status_is 78
err_has '64 KiB'
nothing_kept

test_case "a token of the environment alone: nothing of it is stored, and the program does not see it"
bearer ci-basic >"$T/token"
token=$(cat "$T/token")
alone() { run env XDG_STATE_HOME="$T/alone" HOOPCTL_GATEWAY="$HOOPCTL_STACK_URL" HOOPCTL_CA_FILE="$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$@"; }
alone CI=true HOOPCTL_TOKEN="$token" hoopctl connect pg-demo -- -X -At -c 'select 7 * 6'
status_is 0
out_is 42
alone HOOPCTL_TOKEN_FILE="$T/token" hoopctl --output json whoami
status_is 0
out_has '"subject":"ci-basic"'
alone CI=true HOOPCTL_TOKEN="$token" hoopctl connect pg-demo -- sh -c 'tr "\0" "\n" </proc/self/environ; tr "\0" "\n" </proc/$PPID/environ'
out_has HOOPCTL_SESSION
out_lacks "${token:0:40}"
holds sh -c "! grep -raqF -- '${token:0:40}' '$T/alone'"
holds [ -z "$(find "$T/alone" -name 'tokens.json' -o -name 'gateway.json')" ]

test_case "a login is told by the environment which authority to trust"
bearer ci-basic >"$T/token"
INPUT=$T/token alone HOOPCTL_CA_FILE= HOOPCTL_CA_SHA256=$(printf '%064d' 0) hoopctl login --token-stdin
status_is 78
INPUT=$T/token alone hoopctl login --token-stdin
status_is 0
rm -r "$T/alone"

test_case "outside of CI the variable is not read, and that is said"
alone CI= HOOPCTL_TOKEN="$token" hoopctl whoami
status_is 79
err_has 'HOOPCTL_TOKEN is not read outside of CI'

test_case "what is wrong with it names the variable"
alone HOOPCTL_TOKEN_FILE="$T/none" hoopctl whoami
status_is 78
err_has HOOPCTL_TOKEN_FILE
run env XDG_STATE_HOME="$T/alone" HOOPCTL_GATEWAY="$HOOPCTL_STACK_URL" HOOPCTL_CA_SHA256=00 HOOPCTL_TOKEN_FILE="$T/token" hoopctl whoami
status_is 64
run env XDG_STATE_HOME="$T/alone" HOOPCTL_GATEWAY="$HOOPCTL_STACK_URL" HOOPCTL_TOKEN_FILE="$T/token" hoopctl whoami
status_is 78
err_has certificate
run env XDG_STATE_HOME="$T/alone" HOOPCTL_TOKEN_FILE="$T/token" hoopctl whoami
status_is 79

finish
