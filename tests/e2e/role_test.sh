# hoopctl gateway role: what an operator asks before somebody else does.
# one path: nothing is opened
. "$(dirname "$0")/lib.sh"
gw=$HOOPCTL_STACK_GATEWAY
cat >"$gw/conf.d/70-roles.toml" <<'TOML'
[[role]]
name = "deploy"
members = ["group:ci"]
targets = ["pg-demo"]
path = "gateway"
max_ttl = "15m"
renew_for = "2h"
database_role = "demo_app"
TOML

test_case "the roles, in the order in which they are asked"
run hoopctl --output json gateway role list "$gw"
status_is 0
is "$(printf '%s\n' "$OUT" | jq -r .name | tail -n 1)" deploy
is "$(printf '%s\n' "$OUT" | jq -c 'select(.name == "deploy") | [.members, .targets, .path, .max_ttl, .renew_for, .database_role]')" \
  '[["group:ci"],["pg-demo"],"gateway","15m","2h","demo_app"]'

test_case "what a person of the gateway's own may open, by the groups that it knows"
run hoopctl --output json gateway role explain "$gw" demo
status_is 0
is "$(printf '%s\n' "$OUT" | jq -r '.target + " " + .role + " " + .path' | sort | head -n 2)" 'pg-demo developers local
pg-demo-gateway developers gateway'
# As the gateway itself says it.
is "$(printf '%s\n' "$OUT" | jq -r .target | sort)" "$(hoopctl --output json targets | jq -r .name | sort)"

test_case "what somebody else's groups open"
run hoopctl --output json gateway role explain "$gw" build-bot --group ci --kind ci
status_is 0
is "$(printf '%s\n' "$OUT" | jq -c '[.target, .role, .path, .database_role, .lasts]')" '["pg-demo","deploy","gateway","demo_app","2h"]'
run hoopctl gateway role explain "$gw" nobody
status_is 0
out_is ''
err_has 'may open nothing'

test_case "what cannot be asked"
run hoopctl gateway role explain "$gw" a --kind robot
status_is 64
run hoopctl gateway role list "$T"
status_is 78
printf '[[role]]\nname = "x"\n' >>"$gw/conf.d/70-roles.toml"
run hoopctl gateway role list "$gw"
status_is 78
err_has 70-roles.toml
finish
