# What an identity provider may do wrong, between the client and a real one: slow_down, errors, lost answers, redirects, nonsense.
# one path: what is identified is the same on each
. "$(dirname "$0")/lib.sh"
. "$here/oidc_lib.sh"
export XDG_STATE_HOME=$T/state OIDC_FAULTS=$T/faults OIDC_REQUESTS=$T/requests
install_packages oidc
numbers=0
# fault PATH TIMES WHAT [MORE]: from now on; the ones of before are over.
fault() { numbers=$((numbers + 1)); jq -nc --arg id "$numbers" --arg path "$1" --argjson times "$2" --arg what "$3" --argjson more "${4:-{\}}" '[{$id, $path, $times, $what} + $more]' >"$T/faults"; }
no_fault() { rm -f "$T/faults"; }
asked() { wc -l <"$T/requests"; }
login_alone() { run hoopctl --output json login --gateway "$HOOPCTL_STACK_URL" --ca "$HOOPCTL_STACK_GATEWAY/tls/ca.pem"; }

OIDC_CLAIMS='{"groups":["developers"]}' OIDC_TOKEN_SECONDS=12 start_provider
configure
holds restart_gateway

test_case "slow_down: five seconds more between questions, from then on (RFC 8628 3.5)"
: >"$T/requests"
fault /token 1 answer '{"status":400,"body":"{\"error\":\"slow_down\"}"}'
log_in alice
status_is 0
run awk 'NR > 1 && $1 - last < 9900 { print "asked after", $1 - last } { last = $1 }' "$T/requests"
out_is ''
holds [ "$(asked)" -ge 2 ]

test_case "an issuer that is ill for a while, or hangs up, ends no login"
fault /token 1 answer '{"status":503,"body":"busy"}'
log_in alice
status_is 0
fault /token 1 drop
log_in alice
status_is 0

test_case "answers that are none"
for answer in '{"status":200,"body":"<html>"}' '{"status":200,"body":"{\"access_token\":\"a\"}"}' '{"status":200,"body":"{\"access_token\":\"a b\",\"token_type\":\"Bearer\",\"expires_in\":60}"}' \
  '{"status":400,"body":"<html>"}' '{"status":302,"headers":{"Location":"https://localhost:1/"}}'; do
  fault /token 9 answer "$answer"
  log_in alice
  holds one_of "$STATUS" 69 70
  err_lacks '<html>'
done
for answer in '{"status":200,"body":"{}"}' '{"status":200,"body":"{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"http://plain.example\",\"expires_in\":60}"}' \
  '{"status":200,"body":"{\"device_code\":\"d\",\"user_code\":\"u\",\"verification_uri\":\"https://x.example\",\"expires_in\":-1}"}' '{"status":503,"body":""}' \
  '{"status":302,"headers":{"Location":"https://localhost:1/"}}'; do
  fault /device/auth 9 answer "$answer"
  login_alone
  holds one_of "$STATUS" 69 70
done
for answer in '{"status":200,"body":"["}' '{"status":200,"body":"{\"issuer\":\"https://other.example\"}"}' '{"status":503,"body":""}' '{"status":302,"headers":{"Location":"https://localhost:1/"}}'; do
  fault /.well-known 9 answer "$answer"
  login_alone
  holds [ "$STATUS" != 0 ]
  holds [ "$STATUS" != 79 ]
done
no_fault

test_case "forty at once with a token that has ended: all work, by one refresh"
log_in alice
status_is 0
sleep 13
: >"$T/requests"
for i in $(seq 40); do hoopctl --quiet connect pg-demo -- -X -At -c "select $i" >"$T/many.$i" 2>"$T/many.err.$i" & many[i]=$!; done
for i in $(seq 40); do
  code=0; wait "${many[i]}" || code=$?
  is "$i $code $(cat "$T/many.$i")" "$i 0 $i"
done
is "$(awk '$2 == 200' "$T/requests" | wc -l)" "$(asked)"
# A token lasts twelve seconds, of which eight are used.
holds [ "$(asked)" -le 3 ]

test_case "an issuer that is away while a token ends: until it ends that one is used, then the issuer's absence is told"
sleep 9  # whatever the age of the token is now, it is renewed then
run hoopctl whoami
fault /token 99 answer '{"status":503,"body":""}'
sleep 9
run hoopctl whoami
status_is 0
sleep 4
run hoopctl whoami
status_is 69
err_has 'refresh the login'
no_fault
run hoopctl whoami
status_is 0

test_case "a lost answer to a refresh ends in one clear 'log in'"
fault /token 1 lose
sleep 13
run hoopctl whoami
holds one_of "$STATUS" 69 79
no_fault
run hoopctl whoami
status_is 79
err_has 'has ended'
err_has 'hoopctl login'
log_in alice
run hoopctl whoami
status_is 0

finish
