# Tokens that are bound to a key (DPoP, RFC 9449): a real issuer binds them, and who steals one has nothing.
# one path: what is identified is the same on each
. "$(dirname "$0")/lib.sh"
. "$here/oidc_lib.sh"
tokens() { cat "$XDG_STATE_HOME"/hoopctl/gateways/*/tokens.json; }
ask() { curl -s -o "$T/answer" -D "$T/fields" -w '%{http_code}' --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$@" "$HOOPCTL_STACK_URL/v1/whoami"; }
b64() { base64 -w 0 | tr '+/' '-_' | tr -d '='; }
# proof PEM METHOD URL TOKEN: a proof by the key in PEM, as somebody else would make it.
proof() {
  openssl ec -in "$1" -pubout -outform DER 2>/dev/null | tail -c 64 >"$T/point"
  local text; text=$(printf '{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}}' "$(head -c 32 "$T/point" | b64)" "$(tail -c 32 "$T/point" | b64)" | b64)
  text=$text.$(printf '{"jti":"%s","htm":"%s","htu":"%s","iat":%s,"ath":"%s"}' "$RANDOM$RANDOM$RANDOM" "$2" "$3" "$(date +%s)" "$(printf %s "$4" | openssl dgst -sha256 -binary | b64)" | b64)
  # OpenSSL writes r and s as DER; JOSE wants 64 bytes.
  printf %s "$text" | openssl dgst -sha256 -sign "$1" | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' |
    while read -r number; do printf '%064s' "$number" | tr ' ' 0; done | python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' | b64 >"$T/signature"
  printf '%s.%s' "$text" "$(cat "$T/signature")"
}

test_case "the gateway's own identity provider binds them"
run hoopctl whoami
status_is 0
access=$(tokens | jq -r .access)
is "$(jq -Rr 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .cnf.jkt | length' <<<"$access")" 43
is "$(ask -H "Authorization: Bearer $access")" 401
refresh=$(tokens | jq -r .refresh)
run curl -s --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" -d client_id=hoopctl -d grant_type=refresh_token -d "refresh_token=$refresh" "$HOOPCTL_STACK_URL/oauth/token"
out_has invalid_grant
# The thief has not used it up.
tokens | jq -c '.expires_at = "2020-01-01T00:00:00.000Z"' >"$T/expired"
cat "$T/expired" >"$(ls "$XDG_STATE_HOME"/hoopctl/gateways/*/tokens.json)"
run hoopctl whoami
status_is 0
holds [ "$(tokens | jq -r .refresh)" != "$refresh" ]
# A client that knows no proofs still gets in, by tokens that are bound to nothing.
is "$(ask -H "Authorization: Bearer $(bearer_token)")" 200

test_case "a login whose issuer binds tokens"
export XDG_STATE_HOME=$T/state
install_packages oidc
export OIDC_CLIENT_SECRET=a-secret-that-is-long-enough-to-be-one
printf '%s\n' "$OIDC_CLIENT_SECRET" >"$T/secret"
chmod 600 "$T/secret"
OIDC_DPOP=1 OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=20 start_provider
port=${issuer##*:}
configure 'service_clients = ["ci-basic"]'
holds restart_gateway
log_in alice
status_is 0
holds sh -c "$(declare -f tokens); tokens | jq -e .key >/dev/null"
run hoopctl --output json whoami
status_is 0
out_has '"subject":"alice"'
pg -c 'select 7 * 6'
status_is 0
out_is 42
run hoopctl sessions list
status_is 0

test_case "a stolen token is nothing without the key"
access=$(tokens | jq -r .access)
is "$(ask -H "Authorization: Bearer $access")" 401
holds grep -q 'bound to a key that was not proven' "$T/answer"
is "$(ask -H "Authorization: DPoP $access")" 401
holds grep -qi '^DPoP-Nonce: ' "$T/fields"
holds grep -qi '^WWW-Authenticate: DPoP' "$T/fields"
openssl ecparam -name prime256v1 -genkey -noout -out "$T/thief.pem"
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: $(proof "$T/thief.pem" GET "$HOOPCTL_STACK_URL/v1/whoami" "$access")")" 401
holds grep -q 'bound to another key' "$T/answer"

test_case "with the key a proof is for one request, once"
tokens | jq -r .key >"$T/own.pem"
mine=$(proof "$T/own.pem" GET "$HOOPCTL_STACK_URL/v1/whoami" "$access")
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: $mine")" 200
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: $mine")" 401
holds grep -q 'used before' "$T/answer"
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: $(proof "$T/own.pem" GET "$HOOPCTL_STACK_URL/v1/targets" "$access")")" 401
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: $(proof "$T/own.pem" POST "$HOOPCTL_STACK_URL/v1/whoami" "$access")")" 401
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: $(proof "$T/own.pem" GET "$HOOPCTL_STACK_URL/v1/whoami" another)")" 401
is "$(ask -H "Authorization: DPoP $access" -H "DPoP: a" -H "DPoP: b")" 401

test_case "tokens are refreshed with the same key"
key=$(tokens | jq -r .key)
refreshed() { hoopctl whoami >/dev/null 2>&1; [ "$(tokens | jq -r .access)" != "$access" ]; }
holds eventually 30 refreshed
is "$(tokens | jq -r .key)" "$key"
run hoopctl --output json whoami
out_has '"subject":"alice"'

test_case "a service's tokens are bound, too"
service() { run env XDG_STATE_HOME="$T/service" hoopctl --output json "$@"; }
service login --gateway "$HOOPCTL_STACK_URL" --ca "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" --client-id ci-basic --client-secret-file "$T/secret"
status_is 0
is "$(jq -r ".key | length > 100" "$(find "$T/service" -name tokens.json)")" true
service whoami
status_is 0
out_has '"subject":"ci-basic"'

test_case "an issuer that wants its own nonce"
kill "$provider"; eventually 10 gone "$provider"
OIDC_DPOP=nonce OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=20 start_provider "$port"
holds restart_gateway
log_in bob
status_is 0
before=$(tokens | jq -r .access)
access=$before
holds eventually 30 refreshed
run hoopctl --output json whoami
status_is 0
out_has '"subject":"bob"'

test_case "by a clock that is ten minutes off it works, with the nonces of both"
at() { local offset=$1; shift; run env LD_PRELOAD="$HOOPCTL_BUILD/libclock_offset.so" CLOCK_OFFSET="$offset" "$@"; }
for offset in 600 -600; do
  at $offset hoopctl --output json whoami
  status_is 0
  out_has '"subject":"bob"'
  at $offset hoopctl connect pg-demo-gateway -- -XAtc 'select 43'
  status_is 0
  out_is 43
done
finish
