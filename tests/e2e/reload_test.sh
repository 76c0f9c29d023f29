# SIGHUP: another policy under a running session.
# both paths
. "$(dirname "$0")/lib.sh"
hup() { kill -HUP "$HOOPCTL_STACK_GATEWAY_PID"; }
lines() { grep -c "$1" "$HOOPCTL_STACK_DIR/gateway.log"; }
has_lines() { [ "$(lines "$1")" = "$2" ]; }

mkfifo "$T/in"
hoopctl connect $target -- psql -X -At -f "$T/in" >"$T/o" 2>"$T/e" & pid=$!
ends_with_test TERM $pid
exec 7>"$T/in"
says() { echo "$1" >&7; eventually 10 grep -q "$2" "$T/o" "$T/e"; }

test_case "a mistake is told by file and line, and the old policy stands"
holds says "select 'mark1';" mark1
printf '[[rule]]\nname = "x"\neffect = "denny"\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/80-more.toml"
hup
holds eventually 5 has_lines policy.not_reloaded 1
holds grep -q 'conf.d/80-more.toml:[0-9]*:[0-9]*: ' "$HOOPCTL_STACK_DIR/gateway.log"
holds says "select 'mark2';" mark2

test_case "a new rule holds for the running session at its next statement"
printf '[[rule]]\nname = "no-orders"\nwhen = { protocol = "postgres", table = "public.orders" }\neffect = "deny"\nmessage = "orders are closed today"\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/80-more.toml"
hup
holds eventually 5 has_lines policy.reloaded 1
# On the local path it is on its way to the client.
closed() { echo 'select count(*) from orders;' >&7; sleep 0.2; grep -q 'orders are closed today' "$T/e"; }
holds eventually 2 closed
holds says "select 'mark3';" mark3

test_case "a new rule in the middle of a transaction: its statement is refused, and the transaction keeps nothing"
rm "$HOOPCTL_STACK_GATEWAY/conf.d/80-more.toml"
hup
holds eventually 5 has_lines policy.reloaded 2
holds says 'begin;' BEGIN
holds says "update orders set status = 'swapped' where id = 1;" 'UPDATE 1'
printf '[[rule]]\nname = "no-lines"\nwhen = { protocol = "postgres", verb = "write", table = "public.orders" }\neffect = "deny"\nmessage = "no more changes today"\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/80-more.toml"
hup
holds eventually 5 has_lines policy.reloaded 3
holds says "update orders set status = 'swapped' where id = 2;" 'no more changes today'
holds says "select 'mark5';" 'current transaction is aborted'
holds says 'commit;' ROLLBACK
is "$(super "select count(*) from orders where status = 'swapped'")" 0
# What was begun under the old rules and meets no new one goes through.
echo 'begin;' >&7
holds says "select 'mark6';" mark6
holds says 'commit;' COMMIT

test_case "a limit that is new holds for the next statement"
printf '[limits]\nstatement_time = "1s"\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/80-more.toml"
hup
holds eventually 5 has_lines policy.reloaded 4
sleep 2   # on the local path it is on its way to the client
holds says 'select count(*) from (select generate_series(1, 9000005004)) s;' 'the statement has run for 1 s, the limit for one'
holds says "select 'mark7';" mark7
session=$(newest_session)

test_case "durability = \"disk\" holds from the next statement on: threads of whoever keeps the record wait for the disk"
case $target in *gateway) recorder=$HOOPCTL_STACK_GATEWAY_PID ;; *) recorder=$pid ;; esac
threads() { ls "/proc/$recorder/task" | wc -l; }
before=$(threads)
printf '[record]\ndurability = "disk"\n' >"$HOOPCTL_STACK_GATEWAY/conf.d/80-more.toml"
hup
holds eventually 5 has_lines policy.reloaded 5
waits_for_disk() { echo 'select 1;' >&7; [ "$(threads)" = $((before + 4)) ]; }
holds eventually 5 waits_for_disk
holds says "select 'mark8';" mark8
run hoopctl connect $target -- sh -c 'for i in 1 2 3 4 5 6 7 8; do psql -X -At -c "select $i" -c "select $i" & done; wait'
status_is 0
is "$(printf '%s\n' "$OUT" | sort | tr '\n' ' ')" "1 1 2 2 3 3 4 4 5 5 6 6 7 7 8 8 "
run hoopctl sessions verify "$(newest_session)"
status_is 0

test_case "whoever may not open the target any more is out within 2 seconds, with status 80"
sed -i 's/^members = .*/members = ["group:nobody"]/' "$HOOPCTL_STACK_GATEWAY/policy.toml"
hup
holds eventually 5 has_lines policy.reloaded 6
echo "select 'mark4';" >&7
exec 7>&-
code=0; wait $pid || code=$?
is $code 80
holds grep -q 'access was revoked' "$T/e"
holds sh -c "! grep -q mark4 '$T/o'"
run hoopctl connect $target -- -c 'select 1'
status_is 77
holds eventually 5 no_roles

test_case "the record says what the limit has ended"
run hoopctl --output json sessions show "$session"
out_has 'stopped by a limit'

test_case "that policy was read anew stands in the audit"
run hoopctl --output json gateway audit "$HOOPCTL_STACK_GATEWAY"
status_is 0
holds jq -es 'map(select(.act == "policy.reload" and .by == "gateway" and (.what | length) > 0)) | length > 0' <<<"$OUT"

finish
