# hoopctl policy explain: what would become of a statement, and nothing that is run.
# every path
. "$(dirname "$0")/lib.sh"

explain() { run hoopctl --output json policy explain --target $target "$@"; }
# field NAME: of the last explanation, lists with commas.
field() { tail -n 1 "$T/out" | jq -r ".$1 | if type == \"array\" then join(\",\") else . end"; }

test_case "what would run"
explain 'select id, email from customers where id = 7 limit 3'
status_is 0
is "$(field statement)" 'select id, email from customers where id = 7 limit 3'
is "$(field verb)" select
is "$(field reads)" public.customers
is "$(field writes)" ''
is "$(field facts)" 'limit=3,statement_count=1,where=present'
is "$(field masked)" 'public.customers.email: partial (customer-contact),public.customers.ssn: redact (customer-numbers),public.customers.credit_card: redact (customer-numbers)'
is "$(field effect)" allow
is "$(field rule)" work

test_case "what a rule refuses, with its words"
explain 'select * from customers'
status_is 77
is "$(field effect)" deny
is "$(field rule)" bulk-read
is "$(field message)" 'reading the whole customers table is not allowed'
is "$(field hint)" 'add a WHERE on id or city, or a LIMIT'

test_case "what masks refuse, whatever the rules say"
explain 'select id from customers where ssn > $$5$$'
status_is 77
is "$(field rule)" builtin/SQL_MASKED_PREDICATE

test_case "nothing is run"
before=$(super 'select count(*), max(id) from orders')
explain "delete from orders where id = 1; insert into events values (999999, now(), 'x', '{}')"
status_is 0
is "$(wc -l <"$T/out")" 2
is "$(field verb)" insert
is "$(field writes)" public.events
is "$(super 'select count(*), max(id) from orders')" "$before"
is "$(super 'select count(*) from events where id = 999999')" 0

test_case "one of several that would be refused is told apart"
input <<'SQL'
-- a migration
update orders set status = 'gone' where id = 4;
alter table orders add column x int;
SQL
explain --file -
status_is 77
is "$(head -n 1 "$T/out" | jq -r .effect)" allow
is "$(field effect)" deny
is "$(field rule)" no-ddl

test_case "text that does not parse is refused, and says so"
explain 'selekt 1'
status_is 77
is "$(field verb)" unknown
is "$(field effect)" deny

test_case "what detectors find in a statement is not repeated"
explain "select id from orders where status = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc'"
status_is 0
out_lacks sk_live

test_case "for people"
run hoopctl policy explain --target $target 'select * from customers'
status_is 77
out_has 'verb:       select'
out_has 'rule:       bulk-read'
out_lacks 'functions:'
run hoopctl policy explain --target $target ' -- nothing'
status_is 0
is "$OUT" ''
err_has 'no statement'

test_case "the session that asked has ended and its log tells what was asked"
explain 'select 1'
status_is 0
session=$(newest_session)
run hoopctl --output json sessions show "$session"
status_is 0
out_has '"explained"'
out_has 'select 1'
out_lacks '"type":"action"'
run hoopctl sessions show "$session"
out_has 'explained: allow by rule work: select 1'
run hoopctl sessions verify "$session"
status_is 0
holds eventually 10 no_roles

test_case "what is wrong is said"
explain
status_is 64
err_has 'hoopctl policy explain'
explain --file "$T/none"
status_is 64
explain --file "$T/none" 'select 1'
status_is 64
explain --database nowhere 'select 1'
status_is 69
err_has 'database \"nowhere\" does not exist'
run hoopctl policy explain --target pg-nowhere 'select 1'
status_is 77
is "$(spooled)" 0

finish
