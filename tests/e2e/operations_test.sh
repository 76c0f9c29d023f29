# What an operator watches the gateway by: liveness, readiness, metrics.
# stack: --gateway-config operations.toml
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

test_case "metrics at their own address tell what a session did, and nothing of whom"
metrics=$(cat "$HOOPCTL_STACK_GATEWAY/state/metrics")
target=pg-demo-gateway pg -c 'select email from customers where id = 11' -c 'drop table orders'
holds [ "$STATUS" != 0 ]
run curl -sS --max-time 10 "http://$metrics/metrics"
status_is 0
out_has 'hoopctl_grants_total{result="issued"} 1'
out_has 'hoopctl_decisions_total{rule="no-ddl",effect="deny"} 1'
out_has 'hoopctl_masked_values_total 1'
out_has 'hoopctl_sessions_live{path="gateway"} 0'
out_lacks customers
out_lacks demo
ask /metrics -w '%{http_code}'
out_has 404

test_case "metrics under another name, as a browser may be led here by, are not there"
run curl -sS --max-time 10 -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "http://$metrics/metrics"
out_is 404

test_case "metrics for the whole network are a mistake in the configuration"
cp -r "$HOOPCTL_STACK_GATEWAY" "$T/gw"
printf '[gateway]\nmetrics = "0.0.0.0:9464"\n' >"$T/gw/conf.d/95-metrics.toml"
run hoopctl gateway serve "$T/gw"
status_is 78
err_has 'reverse proxy'

finish
