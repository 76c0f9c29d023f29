# The document of the API and the gateway say the same.
. "$(dirname "$0")/lib.sh"
pg -c 'select 1'
session=$(newest_session)

test_case "an operator's login beside the other"
input <<<'a long enough passphrase'
run hoopctl gateway user add "$HOOPCTL_STACK_GATEWAY" root --group admins --password-stdin
status_is 0
token=$(bearer_token)
admin=$(HOOPCTL_STACK_USER=root HOOPCTL_STACK_PASSWORD='a long enough passphrase' bearer_token)
holds [ -n "$token" ]
holds [ -n "$admin" ]

test_case "what the document says is so, and there is nothing else"
export TOKEN=$token ADMIN_TOKEN=$admin
holds python3 "$here/openapi_check.py" "$here/../../gateway/openapi.json" "$HOOPCTL_STACK_URL" "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$session"

test_case "a readable answer for a person who cannot read the document"
run curl -s --cacert "$HOOPCTL_STACK_GATEWAY/tls/ca.pem" "$HOOPCTL_STACK_URL/v1/sessions"
out_has 'hoopctl login'

finish
