# What an operator watches the gateway by: liveness, readiness.
. "$(dirname "$0")/lib.sh"

# ask PATH ARGS…: curl to the gateway, the way a probe does it: without a login.
ask() { run curl -sS --max-time 10 --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$HOOPCTL_STACK_URL$1" "${@:2}"; }

test_case "alive and ready, without a login"
ask /healthz -w '%{http_code}'
out_is $'ok\n200'
ask /readyz -w '%{http_code}'
out_is $'ready\n200'
ask /readyz --head
out_has 'Cache-Control: no-store'

finish
