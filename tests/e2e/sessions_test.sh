# The session log: delivered, listed, shown, verified; and what happens when something was changed.
. "$(dirname "$0")/lib.sh"

test_case "a session is at the gateway when psql ends"
pg -c 'select id, email from customers where id = 11' -c 'drop table orders'
run hoopctl --output json sessions list
status_is 0
session=$(printf '%s\n' "$OUT" | jq -rs 'map(select(.session)) | sort_by(.started_at) | last | .session')
holds [ -n "$session" ]
is "$(ls "$XDG_STATE_HOME/hoopctl/spool" 2>/dev/null | grep -c hslog)" 0

test_case "sessions show tells what was done, decided and hidden"
run hoopctl sessions show "$session"
status_is 0
out_has 'select id, email from customers'
out_has no-ddl
out_lacks customer11@
run hoopctl --output json sessions show "$session"
status_is 0
printf '%s\n' "$OUT" >"$T/show"
action=$(jq -r 'select(.type == "action" and .record.verb == "select") | .record.id' "$T/show")
holds [ -n "$action" ]
# The row as psql read it, masked.
jq -r --argjson action "$action" 'select(.type == "reply_data" and .record.action == $action) | .record.data | @base64d' "$T/show" | tr -d '\0' >"$T/data"
holds grep -aqF '***@mail.example' "$T/data"
holds sh -c "! grep -aq 'customer11@' '$T/data'"

test_case "sessions verify proves chain, seal and receipt"
run hoopctl sessions verify "$session"
status_is 0
out_has receipt

test_case "a log that was changed at the gateway does not verify"
file=$(ls "$HOOPCTL_STACK_GATEWAY"/state/logs/*"$session"* | head -n 1)
holds [ -f "$file" ]
cp "$file" "$T/good.hslog"
run hoopctl sessions verify "$T/good.hslog"
status_is 0
sed 's/drop table orders/drop table 0rders/' "$file" >"$T/bad.hslog"
run hoopctl sessions verify "$T/bad.hslog"
holds [ "$STATUS" != 0 ]
err_has chain
head -c 600 "$file" >"$T/cut.hslog"
run hoopctl sessions verify "$T/cut.hslog"
holds [ "$STATUS" != 0 ]

test_case "statement text in the log passes the detectors"
pg -c "select 'card 4242424242424242' as x"
run hoopctl --output json sessions list
session=$(printf '%s\n' "$OUT" | jq -rs 'map(select(.session)) | sort_by(.started_at) | last | .session')
holds sh -c "! grep -aq 4242424242424242 '$HOOPCTL_STACK_GATEWAY'/state/logs/*$session*"

test_case "an unknown session is one clear line"
run hoopctl sessions show s_unknown
holds [ "$STATUS" != 0 ]
holds [ "$(wc -l <"$T/err")" -le 3 ]

finish
