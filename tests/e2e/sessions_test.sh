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

test_case "sessions export: the whole of it as text, table and lines"
pg -c "select id, email from customers where id < 3" -c "select '=1+1' as \"=x\", E'two\nlines', null, 7::numeric" -c 'drop table orders' \
  -c 'copy (select id, status from orders where id <= 2 order by id) to stdout'
exported=$(newest_session)
run hoopctl sessions export "$exported"
status_is 0
out_has "started on $target by demo as developers"
out_has '| 1 | c***@'
out_has '=1+1 | two\u000alines | NULL | 7'
out_has '| 1\u0009shipped'
out_has 'drop deny by rule no-ddl'
out_lacks customer1@
run hoopctl sessions export "$exported" --format csv
status_is 0
printf '%s\n' "$OUT" >"$T/csv"
is "$(python3 - "$T/csv" <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline='')))
for row in rows:
    print(row['action'], row['subject'], row['effect'], row['rule'], row['status'], row['rows'], row['masked_values'], sep=':')
print(rows[1]['statement'].startswith("select '=1+1'"))
PY
)" "1:demo:allow:work:SELECT 2:2:2
2:demo:allow:work:SELECT 1:1:0
3:demo:deny:no-ddl:::
4:demo:allow:work:COPY 2:2:0
True"
run hoopctl sessions export "$exported" --format jsonl
status_is 0
is "$(printf '%s\n' "$OUT" | head -n 1 | jq -r '.type + " " + .record.target')" "session_start $target"
is "$(printf '%s\n' "$OUT" | tail -n 1 | jq -r .type)" seal
run hoopctl sessions export "$exported" --format xml
status_is 64

test_case "how long a statement took"
pg -c 'select count(*) from generate_series(1, 5000000)' -c 'drop table orders'
slow=$(newest_session)
run hoopctl sessions show "$slow"
status_is 0
holds grep -qE '#1 SELECT 1: 1 rows, .*, [0-9.]+ m?s$' "$T/out"
run hoopctl sessions export "$slow" --format csv
holds [ "$(printf '%s\n' "$OUT" | sed -n '2s/.*,//p')" -ge 50 ]
# What was refused took no time at the target.
is "$(printf '%s\n' "$OUT" | sed -n '3s/.*,//p')" ''

test_case "what a spreadsheet would take for a formula is text in the table"
pg -c '=cmd|calc'
run hoopctl sessions export "$(newest_session)" --format csv
out_has ",'=cmd|calc,"

test_case "sessions replay: statement by statement, in the session's own time or faster"
run hoopctl connect $target -- sh -c 'psql -XAtqc "select 1"; sleep 3.5; psql -XAtqc "select 2"'
replayed=$(newest_session)
begun=$(date +%s%N)
run hoopctl sessions replay "$replayed"
out_has 'select 2'
holds [ $(( ($(date +%s%N) - begun) / 1000000 )) -lt 1200 ]
begun=$(date +%s%N)
run hoopctl sessions replay "$replayed" --speed 1
took=$(( ($(date +%s%N) - begun) / 1000000 ))
holds [ "$took" -ge 1900 ]
holds [ "$took" -lt 3400 ]  # no pause is longer than two seconds
begun=$(date +%s%N)
run hoopctl sessions replay "$replayed" --speed 100
holds [ $(( ($(date +%s%N) - begun) / 1000000 )) -lt 1200 ]
run hoopctl sessions replay "$replayed" --step
status_is 64
printf '\n' | script -qec "hoopctl sessions replay $replayed --step" /dev/null >"$T/stepped" 2>&1
holds grep -q 'select 1' "$T/stepped"

test_case "sessions list by target, time, refusals and pages"
run hoopctl --output json sessions list --denied --target $target --since 1h
holds grep -q "$exported" "$T/out"
holds sh -c "! grep -q '$replayed' '$T/out'"
run hoopctl --output json sessions list --until 1h
out_is ''
run hoopctl --output json sessions list --target nothing
out_is ''
run hoopctl --output json sessions list --subject root
out_is ''
all=$(hoopctl --output json sessions list 2>/dev/null | jq -r .session)
before= pages=
while :; do
  page=$(hoopctl --output json sessions list --limit 2 ${before:+--before "$before"} 2>/dev/null | jq -r .session)
  [ -n "$page" ] || break
  pages+=${pages:+$'\n'}$page before=$(tail -n 1 <<<"$page")
done
is "$pages" "$all"
run hoopctl sessions list --limit 1
err_has 'before'
run hoopctl sessions list --since yesterday
status_is 64
run hoopctl sessions list --before s_nothing
status_is 64

test_case "a log that was changed at the gateway does not verify"
file=$(ls "$HOOPCTL_STACK_GATEWAY"/state/logs/*"$session"* | head -n 1)
holds [ -f "$file" ]
cp "$file" "$T/good.hslog"
run hoopctl sessions verify "$T/good.hslog"
status_is 0
key=$(hoopctl --output json sessions show "$session" | head -n 1 | jq -r .seal_key)
run hoopctl sessions verify "$T/good.hslog" --key "$key"
status_is 0
run hoopctl sessions verify "$T/good.hslog" --key "A${key#?}"
holds [ "$STATUS" = 74 ]
run hoopctl sessions export "$T/good.hslog" --format jsonl
status_is 0
sed 's/drop table orders/drop table 0rders/' "$file" >"$T/bad.hslog"
run hoopctl sessions verify "$T/bad.hslog"
holds [ "$STATUS" != 0 ]
err_has chain
run hoopctl sessions export "$T/bad.hslog"
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
