# hoopctl login --browser: the authorization code flow with PKCE, its page opened by somebody else than hoopctl.
# one path: what is identified is the same on each
. "$(dirname "$0")/lib.sh"
. "$here/oidc_lib.sh"
export XDG_STATE_HOME=$T/state
install_packages oidc

# begin [OPTION…]: a login in the background; its page in $page, where the browser comes back to in $callback.
begin() {
  : >"$T/login.err"
  timeout 60 hoopctl --output json login --browser --gateway "$HOOPCTL_STACK_URL" --ca "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$@" \
    >"$T/login.out" 2>"$T/login.err" </dev/null &
  login=$!
  ends_with_test KILL $login
  eventually 20 grep -q authorization_uri "$T/login.err" || { ERR=$(cat "$T/login.err"); failed "no page"; }
  page=$(jq -r 'select(.authorization_uri).authorization_uri' "$T/login.err")
  callback=$(printf '%s' "$page" | grep -oE 'redirect_uri=[^&]*' | sed 's/redirect_uri=//; s/%3A/:/g; s/%2F/\//g')
}
ended() { STATUS=0; wait $login || STATUS=$?; OUT=$(cat "$T/login.out") ERR=$(cat "$T/login.err"); }
# browse USER: what the person does; the page that the browser ends at in $T/page.
browse() {
  local shown
  rm -f "$T/jar"
  shown=$(fetch "$page")
  shown=$(fetch "$(absolute "$(action <<<"$shown")")" --data-urlencode prompt=login --data-urlencode "login=$1" --data-urlencode password=x)
  case $shown in
    *'name="prompt" value="consent"'*) fetch "$(absolute "$(action <<<"$shown")")" --data-urlencode prompt=consent >"$T/page" ;;
    *) printf '%s' "$shown" >"$T/page" ;;
  esac
}

test_case "a login by the gateway's own page"
here_fetch() { curl -sS -L --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" --max-time 20 -b "$T/jar" -c "$T/jar" "$@"; }
begin
case $page in "$HOOPCTL_STACK_URL/oauth/authorize?"*) check ;; *) failed "not the gateway's page: $page" ;; esac
shown=$(here_fetch "$page")
field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" <<<"$shown" | head -n 1; }
# sign_in PASSWORD: the form as a browser sends it, and where that leads.
sign_in() {
  here_fetch "$HOOPCTL_STACK_URL/oauth/authorize" --data-urlencode "csrf=$(field csrf)" --data-urlencode "redirect_uri=$(field redirect_uri)" \
    --data-urlencode "state=$(field state)" --data-urlencode "code_challenge=$(field code_challenge)" -d response_type=code -d client_id=hoopctl \
    -d code_challenge_method=S256 -d username=demo --data-urlencode "password=$1" >"$T/page"
}
sign_in wrong
holds grep -q 'is wrong' "$T/page"
sign_in "$HOOPCTL_STACK_PASSWORD"
ended
status_is 0
holds grep -q 'go on in the terminal' "$T/page"
holds [ -n "$(jq -r .key "$(find "$T/state" -name tokens.json)")" ]
run hoopctl --output json whoami
status_is 0
out_has '"subject":"demo"'
pg -c 'select 6 * 7'
out_has 42
begin
shown=$(here_fetch "$page")
here_fetch "$HOOPCTL_STACK_URL/oauth/authorize" --data-urlencode "csrf=$(field csrf)" --data-urlencode "redirect_uri=$(field redirect_uri)" \
  --data-urlencode "state=$(field state)" --data-urlencode "code_challenge=$(field code_challenge)" -d response_type=code -d client_id=hoopctl \
  -d code_challenge_method=S256 -d decision=deny >"$T/page"
ended
status_is 77
err_has 'denied on the page'
rm -rf "$T/state"

test_case "a login by the issuer's own page"
OIDC_CLAIMS='{"groups":["developers"]}' start_provider
configure
holds restart_gateway
begin
case $page in "$issuer"/auth\?*) ;; *) failed "not the issuer's page: $page" ;; esac
case $page in *code_challenge_method=S256*) check ;; *) failed "no PKCE: $page" ;; esac
browse alice
ended
status_is 0
holds grep -q 'go on in the terminal' "$T/page"
run hoopctl --output json whoami
status_is 0
out_has '"subject":"alice"'
pg -c 'select 7 * 6'
status_is 0
out_has 42
holds sh -c "! curl -s --max-time 2 '$callback'"  # nobody listens any more

test_case "the login lasts: it is renewed like any other"
stop_provider
OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=6 start_provider "${issuer##*:}"
sed -i "s|^parameters = .*|parameters = { resource = \"$HOOPCTL_STACK_URL\", scope = \"openid offline_access\" }|" "$HOOPCTL_STACK_GATEWAY/conf.d/91-oidc.toml"
holds restart_gateway
begin
case $page in *prompt=consent*) check ;; *) failed "no consent is asked for: $page" ;; esac
browse alice
ended
status_is 0
sleep 7
run hoopctl --output json whoami
status_is 0
out_has '"subject":"alice"'

test_case "answers to other logins, and what else comes, are ignored"
begin
is "$(curl -s -o "$T/other" -w '%{http_code}' "$callback?code=stolen&state=guess")" 400
is "$(curl -s -o /dev/null -w '%{http_code}' "$callback?code=stolen")" 400
is "$(curl -s -o /dev/null -w '%{http_code}' "$callback?state=a&state=b&code=c")" 400
is "$(curl -s -o /dev/null -w '%{http_code}' -X POST -d '' "$callback")" 405
is "$(curl -s -o /dev/null -w '%{http_code}' "${callback%/callback}/favicon.ico")" 404
is "$(curl -s -o /dev/null -w '%{http_code}' "$callback?$(head -c 9000 /dev/zero | tr '\0' x)")" 414
holds sh -c "! grep -q stolen '$T/other'"
browse bob
ended
status_is 0
run hoopctl --output json whoami
out_has '"subject":"bob"'

test_case "another user of this machine is not let near it"
if [ "$(id -u)" = 0 ]; then
  begin
  state=$(printf '%s' "$page" | grep -oE 'state=[^&]*')
  is "$(cd / && setpriv --reuid=65534 --regid=65534 --clear-groups curl -s -o /dev/null -w '%{http_code}' "$callback?code=mine&$state")" 403
  browse alice
  ended
  status_is 0
else
  echo "(not root: nobody else's process can be made here)"
fi

test_case "a person who says no"
begin
state=$(printf '%s' "$page" | grep -oE 'state=[^&]*')
curl -s "$callback?error=access_denied&$state&iss=$(printf '%s' "$issuer" | sed 's/:/%3A/g; s/\//%2F/g')" >"$T/page"
ended
status_is 77
err_has 'denied'
holds grep -q 'Not logged in' "$T/page"

test_case "another issuer that answers, and one that the issuer does not name"
begin
state=$(printf '%s' "$page" | grep -oE 'state=[^&]*')
curl -s "$callback?code=mixed&$state&iss=https%3A%2F%2Fevil.example" >"$T/page"
ended
status_is 78
err_has 'another identity provider'
begin
state=$(printf '%s' "$page" | grep -oE 'state=[^&]*')
curl -s "$callback?code=mixed&$state" >"$T/page"
ended
status_is 78

test_case "a code that the issuer did not give is not taken, and the old login stays"
begin
state=$(printf '%s' "$page" | grep -oE 'state=[^&]*')
curl -s "$callback?code=forged&$state&iss=$(printf '%s' "$issuer" | sed 's/:/%3A/g; s/\//%2F/g')" >"$T/page"
ended
status_is 79
run hoopctl --output json whoami
out_has '"subject":"alice"'

test_case "it is one way of several"
run hoopctl login --browser --token-stdin
status_is 64

finish
