# Rules that ask for the session and not for the statement, and detectors of the policy's own.
# every path
# stack: --policy rules.toml
. "$(dirname "$0")/lib.sh"
unset HOOPCTL_AGENT CLAUDECODE CURSOR_AGENT VSCODE_AGENT AGENT AI_AGENT

test_case "what a session has read counts for its next statement, not for another session"
pg -c 'select id from orders where id <= 20' -c "update orders set status = 'open' where id = 1" -c 'select 1'
holds [ "$STATUS" != 0 ]
out_has 'UPDATE 1'
err_has 'this session has read enough'
pg -c 'select 1'
status_is 0

test_case "a session that is refused again and again is refused everything"
run hoopctl connect $target -- psql -X -c 'drop table orders' -c 'drop table events' -c 'drop table customers' -c 'select 1'
err_has 'changed by migrations'
err_has 'refused too often'
out_lacks '1 row'

test_case "an agent's client only restricts itself by saying so"
pg -c "update orders set status = 'open' where id = 1"
status_is 0
HOOPCTL_AGENT=helper pg -c "update orders set status = 'open' where id = 1"
holds [ "$STATUS" != 0 ]
err_has 'agents only read'
HOOPCTL_AGENT=helper pg -c 'select 1'
status_is 0

test_case "a rule for a time"
pg -c 'begin' -c 'lock table orders' -c 'rollback'
err_has 'not at this time'

test_case "a detector of the policy's own hides what it finds, and is counted by its name"
run hoopctl connect $target --result-fd 3 -- psql -X -At -c "select 'badge EMP-654321 and TEMP-123456', '{\"id\":\"emp-000001\"}'::jsonb" 3>"$T/result"
status_is 0
out_is 'badge ****4321 and TEMP-123456|{"id": "****0001"}'
run hoopctl --output json sessions show "$(jq -r .session "$T/result")"
out_has employee_id
out_lacks 654321

test_case "a policy whose detector does not do what it says is a mistake"
cat >"$T/bad.toml" <<'TOML'
[[detector]]
name = "employee_id"
pattern = 'EMP-[0-9]{6}'
finds = ["emp-123456"]
TOML
run hoopctl policy check "$T/bad.toml"
status_is 78
err_has "bad.toml:4:10: the detector does not find 'emp-123456'"

test_case "who knows a masked value finds its row, and nobody finds a value by comparing"
ssn=$(super 'select ssn from customers where id = 7')
run hoopctl connect $target --result-fd 3 -- psql -X -At -c "select id, ssn from customers where ssn = '$ssn' and city is not null" 3>"$T/result"
out_is '7|[redacted]'
run hoopctl sessions show "$(jq -r .session "$T/result")"
out_lacks "$ssn"
pg -c "select id from customers where ssn like '${ssn%???}%'"
err_has SQL_MASKED_PREDICATE

test_case "the log shows no literal that was meant for a masked column"
run hoopctl connect $target --result-fd 3 -- psql -X -c "select id from customers where email = 'guess-4711'" -c "update customers set email = 'value-4711', city = 'Lisbon' where id = 42" 3>"$T/result"
run hoopctl --output json sessions show "$(jq -r .session "$T/result")"
out_lacks 4711
out_has Lisbon
out_has 'where id = 42'

finish
