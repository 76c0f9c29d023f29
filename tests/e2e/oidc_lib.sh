# An OpenID provider for the tests that need one: node's oidc-provider behind TLS on loopback, and what a person does in the browser.
tls=$T/tls
mkdir "$tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/ca.key" -out "$tls/ca.pem" -days 2 -subj "/CN=issuer CA" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$tls/key.pem" -out "$tls/csr.pem" -subj "/CN=localhost" 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >"$tls/san"
openssl x509 -req -in "$tls/csr.pem" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 2 -extfile "$tls/san" -out "$tls/cert.pem" 2>/dev/null

# start_provider [PORT]; its environment is the caller's. A second start has other keys.
start_provider() {
  node "$here/oidc/provider.mjs" "$tls/cert.pem" "$tls/key.pem" "$HOOPCTL_STACK_URL" "$@" >"$T/provider" 2>"$T/provider.err" </dev/null &
  provider=$!
  ends_with_test TERM $provider
  eventually 20 grep -q '^issuer ' "$T/provider" || cat "$T/provider.err"
  issuer=$(sed -n 's/^issuer //p' "$T/provider")
}
stop_provider() { kill "$provider"; eventually 10 gone "$provider"; }

fetch() { curl -sS -L --cacert "$tls/ca.pem" --max-time 20 -b "$T/jar" -c "$T/jar" "$@"; }
hidden() { grep -o "name=\"$1\" value=\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }
action() { grep -o 'action="[^"]*"' | head -n 1 | cut -d'"' -f2; }
absolute() { case $1 in https://*) printf '%s' "$1" ;; *) printf '%s%s' "$issuer" "$1" ;; esac; }
# approve CODE USER: what a person does in the browser.
approve() {
  local page
  rm -f "$T/jar"
  page=$(fetch "$issuer/device?user_code=$1")
  page=$(fetch "$issuer/device" --data-urlencode "xsrf=$(hidden xsrf <<<"$page")" --data-urlencode "user_code=$1")
  page=$(fetch "$issuer/device" --data-urlencode "xsrf=$(hidden xsrf <<<"$page")" --data-urlencode "user_code=$1" --data-urlencode "confirm=yes")
  page=$(fetch "$(absolute "$(action <<<"$page")")" --data-urlencode prompt=login --data-urlencode "login=$2" --data-urlencode password=x)
  fetch "$(absolute "$(action <<<"$page")")" --data-urlencode prompt=consent >"$T/approved"
}
# log_in USER: as `run` does.
log_in() {
  : >"$T/err" >"$T/out"
  STATUS=0
  timeout 60 hoopctl --output json login --gateway "$HOOPCTL_STACK_URL" --ca "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" >"$T/out" 2>"$T/err" </dev/null &
  local login=$! code
  if eventually 20 grep -q '"user_code"' "$T/err" "$T/out"; then
    code=$(cat "$T/err" "$T/out" | grep -oE '"user_code":"[^"]*"' | head -n 1 | cut -d'"' -f4)
    approve "$code" "$1"
  fi
  wait $login || STATUS=$?
  OUT=$(cat "$T/out") ERR=$(cat "$T/err")
}
configure() {
  printf '[gateway.oidc]\nissuer = "%s"\nclient_id = "hoop-cli"\nca_file = "%s"\nparameters = { resource = "%s" }\n' \
    "$issuer" "$tls/ca.pem" "$HOOPCTL_STACK_URL" >"$HOOPCTL_STACK_GATEWAY/conf.d/91-oidc.toml"
  printf '%s\n' "$@" >>"$HOOPCTL_STACK_GATEWAY/conf.d/91-oidc.toml"
}
