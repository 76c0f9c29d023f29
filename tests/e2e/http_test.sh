# A service by HTTP, with curl and node: how a program finds it and who else may, what policy refuses, what masks hide, what arrives.
# stack: --with pg,http --policy http.toml
# both paths
. "$(dirname "$0")/lib.sh"
target=${target/pg/http}
plain=${target/http/web}
key=$(cat "$HOOPCTL_STACK_HTTP_KEY_FILE")
# The same service once more, without masks of fields (http.toml), and one that is not there.
service=$HOOPCTL_STACK_GATEWAY/conf.d/20-http-demo.toml
sed -e 's/"http-demo/"web-demo/; s/"DEMO_URL"/"PLAIN_URL"/; /^server_name/d' \
  -e 's/^unmasked_types.*/unmasked_types = ["image\/*", "application\/octet-stream"]/' "$service" >"$HOOPCTL_STACK_GATEWAY/conf.d/70-web.toml"
cat >"$HOOPCTL_STACK_GATEWAY/conf.d/71-dead.toml" <<TOML
[[target]]
name = "web-dead"
protocol = "http"
url = "http://127.0.0.1:1"
path = "gateway"
TOML
holds restart_gateway
# web COMMAND, plain COMMAND: a shell's, at the service with masks of fields, and without.
web() { run hoopctl connect $target -- sh -c "$1"; }
plain() { run hoopctl connect $plain -- sh -c "$1"; }
member() { jq -r ".$1" <<<"$OUT"; }
# arrived: every request that has come to the service, in its own words.
arrived() { curl -sS --max-time 20 --cacert "$HOOPCTL_STACK_HTTP_CA" -H "X-Api-Key: $key" "$HOOPCTL_STACK_HTTP/log" | jq -r '.[] | .method + " " + .url'; }

test_case "a program finds it by HOOPCTL_URL, and by the variable that the target names"
web 'test "$HOOPCTL_URL" = "$DEMO_URL" && curl -sS "$DEMO_URL/customers/2"'
status_is 0
is "$(member city)" Nairobi
web 'curl -sS "http://localhost:${HOOPCTL_URL##*:}/customers/2"'
is "$(member city)" Nairobi
run hoopctl connect $target -- node -e 'fetch(process.env.HOOPCTL_URL + "/customers").then((r) => r.json()).then((all) => console.log(all.length, all[1].city))'
status_is 0
out_is '20 Nairobi'
run env http_proxy=http://127.0.0.1:1 NO_PROXY=.corp.example hoopctl connect $target -- sh -c 'curl -sS "$HOOPCTL_URL/customers/2"; echo "$no_proxy"'
status_is 0
out_has Nairobi
out_has .corp.example,127.0.0.1,localhost

test_case "without a program there is a shell, and no client whose arguments could stand there"
input <<<'curl -sS "$HOOPCTL_URL/customers/2"; exit 5'
run hoopctl connect $target
status_is 5
out_has Nairobi
run hoopctl connect $target -- -s /customers/2
status_is 64
err_has "hoopctl connect $target -- sh -c"
out_is ''

test_case "masks: JSON stays JSON, lines of it lines, and CSV stays CSV"
web 'curl -sS "$HOOPCTL_URL/customers"'
status_is 0
out_lacks customer1@
out_lacks 4242424242424242
is "$(jq -r '[.[] | .ssn, .card] | unique | join(" ")' <<<"$OUT")" '[redacted]'
is "$(jq -r '.[0].email' <<<"$OUT" | cut -c1-5)" 'c***@'
is "$(jq -r length <<<"$OUT")" 20
err_has 'were masked by policy'
web 'curl -sS "$HOOPCTL_URL/customers.ndjson"'
is "$(jq -rs '[length, (map(.ssn) | unique | join(" "))] | join(" ")' <<<"$OUT")" '20 [redacted]'
out_lacks customer1@
web 'curl -sS "$HOOPCTL_URL/customers.csv"'
is "$(head -n 1 <<<"$OUT" | tr -d '\r')" id,name,email,ssn,card,city
is "$(wc -l <<<"$OUT")" 21
out_lacks customer1@
out_lacks 101-11-1001
is "$(sed -n 3p <<<"$OUT" | tr -d '\r' | cut -d, -f1,6)" 2,Nairobi

test_case "a denial is a 403 with a problem, and nothing arrives"
web 'curl -sS -w "%{stderr}%{http_code} %{content_type}\n" -X DELETE "$HOOPCTL_URL/customers/7"'
status_is 0
err_has '403 application/problem+json'
is "$(member '| [.code, .rule, .detail, (.status | tostring), .title] | join("/")')" 'denied/keep-customers/customers are not deleted by hand/403/Forbidden'
is "$(member hint)" 'mark one as gone: PATCH it'
is "$(member session)" "$(newest_session)"
web 'curl -sS --fail -X DELETE "$HOOPCTL_URL/customers/7"'
status_is 22
run hoopctl connect $target --fail-on-deny -- sh -c 'curl -sS -X DELETE "$HOOPCTL_URL/customers/7"'
status_is 77
run env HOOPCTL_AGENT=robot hoopctl --output json connect $target -- sh -c 'curl -sS -X DELETE "$HOOPCTL_URL/customers/7"'
err_has '"status":"denied"'
err_has '"rule":"keep-customers"'
web 'curl -sS -X POST "$HOOPCTL_URL/status/200"; for path in admin "%61dmin" admin/users admin/; do curl -sS -o /dev/null -w "%{http_code}\n" "$HOOPCTL_URL/$path"; done'
out_has '"rule":"default"'
is "$(tail -n 4 <<<"$OUT" | tr '\n' ' ')" '403 403 403 403 '
is "$(arrived | grep -cE '^DELETE|admin|/status/200')" 0

test_case "what two servers could read differently is refused"
web 'code() { curl -sS --path-as-is -o /dev/null -w "%{http_code} " "$@"; }
  for path in /customers/../admin /customers/%2e%2e/admin /customers//1 "/customers;x/1" /customers%2f1 /a%255c /a%5cb /a%00; do code "$HOOPCTL_URL$path"; done
  code -H "X-HTTP-Method-Override: DELETE" -X POST "$HOOPCTL_URL/customers/7"
  code -H "Transfer-Encoding: chunked" -H "Content-Length: 3" -d abc "$HOOPCTL_URL/echo"
  code "$HOOPCTL_URL/customers/1/"'
status_is 0
is "$OUT" '400 400 400 400 400 400 400 400 400 400 404 '  # the last is the service's own
is "$(arrived | grep -cE 'admin|%|;|//')" 0

test_case "another name than this machine's, and a page of another site, do not get in"
web 'code() { curl -sS -w " %{http_code}\n" "$@" "$HOOPCTL_URL/customers/2"; }
  code -H "Host: billing.example"; code -H "Origin: https://evil.example"; code -H "Sec-Fetch-Site: cross-site"
  code -o /dev/null -H "Host: shop.localhost:1"; code -o /dev/null -H "Origin: $HOOPCTL_URL"'
status_is 0
is "$(grep -oE 'foreign_[a-z]+| [0-9]+$' <<<"$OUT" | tr -d ' ' | tr '\n' ' ')" 'foreign_host 421 foreign_origin 403 foreign_origin 403 200 200 '

test_case "the key of the service is not the program's to see, nor its own to send"
web 'curl -sS -H "X-Api-Key: own-guess" -H "Authorization: Bearer own-guess" -H "X-Forwarded-For: 10.1.2.3" -H "Connection: X-Odd" -H "X-Odd: 1" "$HOOPCTL_URL/echo"
  echo; env; echo "$HOOPCTL_SESSION"'
status_is 0
out_lacks "$key"
is "$(head -n 1 <<<"$OUT" | jq -c '.headers | [."x-api-key", .authorization, ."x-forwarded-for", ."x-odd"]')" '["********************************",null,null,null]'
is "$(head -n 1 <<<"$OUT" | jq -r '.headers."x-hoopctl-session"')" "$(tail -n 1 <<<"$OUT")"
out_lacks own-guess
plain 'curl -sS -D - "$HOOPCTL_URL/echo-raw"'
out_lacks "$key"
out_has '********************************'

test_case "bodies arrive whole, with their length or in chunks, and a large one is asked for"
head -c 300000 /dev/urandom | base64 -w 0 >"$T/body"
sum=$(sha256sum <"$T/body" | cut -d' ' -f1)
web "curl -sS -H 'Content-Type: text/plain' --data-binary @$T/body \"\$HOOPCTL_URL/echo\""
is "$(member '| .body_sha256 + " " + .headers."content-type"')" "$sum text/plain"
web "curl -sS -H 'Transfer-Encoding: chunked' -H 'Content-Type: text/plain' --data-binary @$T/body \"\$HOOPCTL_URL/echo\""
is "$(member body_sha256)" "$sum"
head -c 3000000 /dev/urandom >"$T/large"
sum=$(sha256sum <"$T/large" | cut -d' ' -f1)
web "curl -sSv -X PUT -H 'Expect: 100-continue' -T $T/large \"\$HOOPCTL_URL/continue\""
err_has 'HTTP/1.1 100 Continue'
is "$(member '| .body_sha256 + " " + (.body_length | tostring)')" "$sum 3000000"
# Refused, it is not sent.
web "curl -sSv -X PUT -H 'Expect: 100-continue' -T $T/large \"\$HOOPCTL_URL/status/200\""
is "$(member code)" denied
err_lacks '100 Continue'
web 'curl -sS -d "{\"name\":\"New\",\"city\":\"Bergen\"}" -H "Content-Type: application/json" -w " %{http_code}" "$HOOPCTL_URL/customers"'
out_has '"city":"Bergen"} 201'
run hoopctl connect $target -- node -e '
  const url = process.env.HOOPCTL_URL;
  fetch(url + "/customers/3", { method: "PATCH", body: JSON.stringify({ city: "Turin" }), headers: { "Content-Type": "application/json" } })
    .then(() => fetch(url + "/customers/3")).then((r) => r.json()).then((one) => console.log(one.city))'
out_is Turin

test_case "a mask that comes back does not take the place of the value"
web 'curl -sS -X PATCH -d "{\"ssn\":\"[redacted]\"}" "$HOOPCTL_URL/customers/4"; curl -sS -X POST "$HOOPCTL_URL/echo?card=%5Bredacted%5D"'
is "$(jq -rs 'map(.code) | join(" ")' <<<"$OUT")" 'denied denied'

test_case "rules that ask for parameters and for what stands in a body"
plain 'post() { curl -sS -o /dev/null -w "%{http_code} " -H "Content-Type: $1" --data-binary "$2" "$HOOPCTL_URL/echo"; }
  code() { curl -sS -o /dev/null -w "%{http_code} " "$HOOPCTL_URL$1"; }
  code /customers/1; code "/customers/1?export=csv"; code "/customers/1?%65xport=csv"; code "/customers/1?a=1&export="
  post application/json "{\"role\":\"user\"}"; post application/json "{\"role\":\"admin\"}"; post application/json "{\"role\":\"\\u0061dmin\"}"
  post application/json "{\"members\":[{\"role\":\"user\"},{\"role\":\"admin\"}]}"; post text/plain "{\"role\":\"admin\"}"
  post application/x-www-form-urlencoded "role=user"; post application/x-www-form-urlencoded "role=%61dmin"
  post application/json "{\"credit\":1001}"; post application/json "{\"credit\":1000}"; post application/octet-stream "who knows"
  post application/json "{\"role\":\"user\",\"role\":\"admin\"}"'
status_is 0
out_is '200 403 403 403 200 403 403 403 403 200 403 403 200 403 400 '

test_case "a redirect leads back to the endpoint, and one elsewhere stays"
plain 'for path in redirect redirect-relative redirect-away; do curl -sS -o /dev/null -w "%{redirect_url}\n" "$HOOPCTL_URL/$path"; done | sed "s|^$HOOPCTL_URL|here|"
  curl -sSL "$HOOPCTL_URL/redirect" | jq -r .city'
status_is 0
out_is 'here/customers/1
here/customers/1
https://elsewhere.example/
Oslo'
plain 'curl -sS "$HOOPCTL_URL/page" | sed "s|$HOOPCTL_URL|here|g"'
out_has '<a href="here/customers">'
out_lacks 'https://'

test_case "cookies of the service are kept for the endpoint"
plain "curl -sS -D - -c $T/jar \"\$HOOPCTL_URL/set-cookie\"; curl -sS -b $T/jar \"\$HOOPCTL_URL/cookie\""
status_is 0
out_has sid=s3
is "$(tail -n 1 <<<"$OUT" | jq -r .cookie | tr -d ' ' | tr ';' '\n' | sort | tr '\n' ' ')" 'sid=s3 theme=dark '
out_has 'HttpOnly'
out_lacks 'Domain='
out_lacks Secure

test_case "50 MB come as they are where nothing could be masked in them, and not at all where something could"
sum=$(curl -sS --cacert "$HOOPCTL_STACK_HTTP_CA" -H "X-Api-Key: $key" "$HOOPCTL_STACK_HTTP/bytes?n=50000000" | sha256sum)
plain 'curl -sS -w "%{stderr}%{size_download}" "$HOOPCTL_URL/bytes?n=50000000" | sha256sum'
status_is 0
out_is "$sum"
err_has 50000000
web 'curl -sS "$HOOPCTL_URL/bytes?n=5000"; curl -sS "$HOOPCTL_URL/gzip"'
is "$(jq -rs 'map((.status | tostring) + " " + .code) | join(", ")' <<<"$OUT")" '502 unmaskable_reply, 502 encoded_reply'
web "curl -sS -o $T/image \"\$HOOPCTL_URL/image.png\""
is "$(head -c 4 "$T/image" | tail -c 3)" PNG

test_case "events come one by one, masked, and not at the end"
web 'curl -sSN "$HOOPCTL_URL/events?n=6" | while read -r line; do echo "$(date +%s%3N) $line"; done'
status_is 0
is "$(grep -c ' data: ' <<<"$OUT")" 6
out_lacks customer1@
first=$(grep ' data: ' <<<"$OUT" | head -n 1 | cut -d' ' -f1) last=$(grep ' data: ' <<<"$OUT" | tail -n 1 | cut -d' ' -f1)
holds [ $((last - first)) -ge 600 ]
run hoopctl connect $target -- node -e '
  const begun = Date.now();
  fetch(process.env.HOOPCTL_URL + "/events?n=6").then(async (reply) => {
    let first = 0;
    for await (const piece of reply.body) first ||= Date.now() - begun;
    console.log(Date.now() - begun - first >= 600 ? "one by one" : "at the end");
  })'
out_is 'one by one'

test_case "replies without a body, and connections that go on"
web 'curl -sS -o /dev/null -w "%{http_code} %{size_download} %{num_connects}\n" "$HOOPCTL_URL/status/204" -o /dev/null "$HOOPCTL_URL/status/304" -o /dev/null "$HOOPCTL_URL/customers/2" -o /dev/null "$HOOPCTL_URL/status/503"'
status_is 0
is "$(cut -d' ' -f1,3 <<<"$OUT" | tr '\n' ' ')" '204 1 304 0 200 0 503 0 '
web 'curl -sSI "$HOOPCTL_URL/customers" "$HOOPCTL_URL/head-only"'
status_is 0
is "$(grep -c '^HTTP/1.1 200' <<<"$OUT")" 2
web 'curl -sS --http1.0 "$HOOPCTL_URL/customers/2"'
is "$(member city)" Nairobi
web 'curl -sS --max-time 20 -H "Connection: Upgrade" -H "Upgrade: websocket" -H "Sec-WebSocket-Key: x" "$HOOPCTL_URL/upgrade"'
is "$(member '| (.status | tostring) + " " + .code')" '501 upgrade_refused'

test_case "a service that is not there, or breaks off, is a 502 that says so; the status is the program's"
run hoopctl connect web-dead -- sh -c 'curl -sS "$HOOPCTL_URL/"; exit 3'
status_is 3
is "$(member '| (.status | tostring) + " " + .code')" '502 target_unreachable'
holds [ "$(member hint)" != null ]
web 'curl -sS "$HOOPCTL_URL/reset"'
is "$(member '| (.status | tostring) + " " + .code')" '502 target_lost'

test_case "only the program and its children get in, and no other user of this machine"
hoopctl connect $target -- sh -c 'echo "$HOOPCTL_URL" >"$0"; while [ ! -e "$0.over" ]; do sleep 0.1; done; curl -sS "$HOOPCTL_URL/customers/2"' "$T/url" \
  >"$T/inside" 2>"$T/refusals" </dev/null & pid=$!
ends_with_test TERM $pid
holds eventually 20 test -s "$T/url"
run curl -sS --max-time 20 "$(cat "$T/url")/customers/2"
holds one_of "$STATUS" 52 56
out_is ''
holds eventually 10 grep -q 'turned a connection away: the peer at port [0-9]* is not the program' "$T/refusals"
if [ "$(id -u)" = 0 ]; then
  (cd / && exec timeout 20 setpriv --reuid=65534 --regid=65534 --clear-groups curl -sS --max-time 10 "$(cat "$T/url")/customers/2") >"$T/other" 2>&1
  holds one_of "$?" 52 56
  holds eventually 10 grep -q 'belongs to uid 65534' "$T/refusals"
fi
touch "$T/url.over"
code=0; wait $pid || code=$?
is $code 0
holds grep -q Nairobi "$T/inside"
# What the program has left behind alone is its own still.
web "(setsid sh -c 'sleep 0.3; curl -sS \"\$HOOPCTL_URL/customers/2\" >$T/orphan' &); sleep 2"
holds grep -q Nairobi "$T/orphan"
run hoopctl connect $target -- sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do curl -sS "$HOOPCTL_URL/customers/2" -o /dev/null -w "%{http_code} " & done; wait'
is "$OUT" '200 200 200 200 200 200 200 200 200 200 '
err_lacks 'turned a connection away'

test_case "the session log has each request, what became of it, and no more than the program was given"
web 'curl -sS -o /dev/null "$HOOPCTL_URL/customers/2?x=4111111111111111"; curl -sS -o /dev/null -X DELETE "$HOOPCTL_URL/customers/7"'
session=$(newest_session)
run hoopctl sessions show "$session"
status_is 0
out_has '#1 get allow by rule read-web'
out_has 'GET /customers/2?x='
out_lacks 4111111111111111
out_has '#1 200: '
out_has '#2 delete deny by rule keep-customers'
run hoopctl sessions export "$session"
out_has '"city":"Nairobi"'
out_lacks customer2@
run hoopctl sessions export --format csv "$session"
out_has ',get,allow,read-web,'
run hoopctl sessions export --format jsonl "$session"
out_lacks "$key"
out_lacks customer2@
run hoopctl sessions verify "$session"
status_is 0
plain 'curl -sS -o /dev/null "$HOOPCTL_URL/bytes?n=5000"'
run hoopctl sessions replay "$(newest_session)"
out_has '#1 200: 0 rows, 5000 bytes'

test_case "beside a database, around one program"
name=HOOPCTL_URL_$(tr a-z- A-Z_ <<<$target)
run hoopctl run -t pg-demo -t $target -t $plain -- sh -c 'psql -XAt -c "select 41 + 1"; curl -sS "$HOOPCTL_URL/customers/2" | jq -r .city
  curl -sS "$'"$name"'/customers/2" | jq -r .city; curl -sS "$PLAIN_URL/customers/2" | jq -r .city'
status_is 0
out_is '42
Nairobi
Nairobi
Nairobi'
if unshare -Urn true 2>/dev/null; then
  run hoopctl connect $target --isolate -- sh -c 'curl -sS "$HOOPCTL_URL/customers/2"; curl -sS --max-time 5 '"$HOOPCTL_STACK_HTTP"' >/dev/null 2>&1 && echo reached'
  out_has Nairobi
  out_lacks reached
fi

test_case "a proxy for whatever else the user runs"
hoopctl --output json proxy $target >"$T/proxy.json" 2>"$T/proxy.err" </dev/null & pid=$!
ends_with_test INT $pid
holds eventually 20 grep -q listening "$T/proxy.err"
is "$(jq -r '.url == "http://127.0.0.1:\(.port)"' "$T/proxy.json")" true
run curl -sS "$(jq -r .url "$T/proxy.json")/customers/2"
is "$(member city)" Nairobi
out_lacks customer2@
kill -INT $pid; code=0; wait $pid || code=$?
is $code 0
mkdir -m 700 "$T/socket"
hoopctl --output json proxy $target --socket "$T/socket" >"$T/proxy.json" 2>"$T/proxy.err" </dev/null & pid=$!
ends_with_test INT $pid
holds eventually 20 grep -q listening "$T/proxy.err"
run curl -sS --unix-socket "$(jq -r .socket "$T/proxy.json")" "$(jq -r .url "$T/proxy.json")/customers/2"
is "$(member city)" Nairobi
run sh -c "$(jq -r .command "$T/proxy.json" | sed 's|/$|/customers/2|')"
is "$(member city)" Nairobi
kill -INT $pid; code=0; wait $pid || code=$?
is $code 0
run hoopctl proxy $target --passfile "$T/passwords"
status_is 64
err_has 'no password here'
is "$(spooled)" 0

finish
