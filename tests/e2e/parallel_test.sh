# Many at once: sessions of one person side by side, and one refresh for all of them.
# both paths
. "$(dirname "$0")/lib.sh"

# connect_many COUNT AT_ONCE: each answers with a number of its own; what each said, with its status, goes to $T/many.
connect_many() {
  seq "$1" | xargs -P "$2" -I N sh -c 'hoopctl connect $target -- -X -At -c "select N * 1000" 2>&1; echo "status $?"' >"$T/many" 2>&1
}
sessions() { hoopctl --output json sessions list --limit 1000 2>/dev/null; }

test_case "200 sessions, 24 at once: each has its answer, its log at the gateway, and no role stays"
connect_many 200 24
is "$(grep -c '^status 0$' "$T/many")" 200
is "$(grep -v '^status' "$T/many" | sort -n | cksum)" "$(seq 1000 1000 200000 | cksum)"
is "$(sessions | wc -l)" 200
is "$(sessions | jq -r 'select(.state == "ended" and .rows == 1 and .actions >= 1) | .session' | sort -u | wc -l)" 200
is "$(roles)" 0
is "$(spooled)" 0
is "$(find "$XDG_RUNTIME_DIR" -mindepth 1 | wc -l)" 0

test_case "40 at once with an access token that has expired: one refresh serves all"
store=$(find "$XDG_STATE_HOME/hoopctl/gateways" -name tokens.json)
# What an old token's holder would send is refused: the one kept is no token at all.
jq -c '.expires_at = "2020-01-01T00:00:00.000Z" | .access = "expired"' "$store" >"$T/expired" && cat "$T/expired" >"$store"
refreshes() { grep -c 'event=login_refreshed ' "$HOOPCTL_STACK_DIR/gateway.log"; }
before=$(refreshes)
connect_many 40 40
is "$(grep -c '^status 0$' "$T/many")" 40
is "$(grep -v '^status' "$T/many" | sort -n | cksum)" "$(seq 1000 1000 40000 | cksum)"
is $(( $(refreshes) - before )) 1
holds sh -c "! grep -q refresh_token_reused '$HOOPCTL_STACK_DIR/gateway.log'"
is "$(sessions | wc -l)" 240
is "$(roles)" 0

finish
