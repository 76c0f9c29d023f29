# A target with tls_negotiation = "direct", before a server of the version that $1 says: 17 and later take it. Run by versions_test.sh.
. "$(dirname "$0")/lib.sh"

test_case "direct TLS"
sed -i 's/^tls = "verify-full"$/tls = "verify-full"\ntls_negotiation = "direct"/' "$HOOPCTL_STACK_GATEWAY/gateway.toml" "$HOOPCTL_STACK_GATEWAY"/conf.d/*.toml
holds restart_gateway
for path in pg-demo pg-demo-gateway; do
  run hoopctl connect $path -- psql -X -At -c "select 6 * 7"
  if [ "$1" -ge 17 ]; then
    status_is 0
    out_has '42'
  else
    holds [ "$STATUS" != 0 ]
    err_has 'tls_negotiation = "direct" needs PostgreSQL 17'
  fi
done

finish
