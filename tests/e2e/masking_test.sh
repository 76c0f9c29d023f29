# What policy refuses and what masks hide, with real clients.
# every path
. "$(dirname "$0")/lib.sh"

test_case "masked columns come masked"
pg -c 'select id, email, ssn, credit_card, city from customers where id = 42'
status_is 0
out_lacks customer42@
out_has example.com
out_lacks 4111
out_has '[redacted]'
out_has Lisbon

test_case "a star, an alias, a join, RETURNING and a cursor do not help"
for sql in 'select * from customers where id = 42' 'select email as x, ssn as y from customers c where id = 42' \
  'select c.email, c.ssn from orders o join customers c on c.id = o.customer_id where c.id = 42 limit 1' \
  "update customers set notes = null where id = 42 returning email, ssn, credit_card" \
  "begin; declare k cursor for select email, ssn from customers where id = 42; fetch k; commit" \
  'prepare q as select email, ssn from customers where id = 42; execute q'; do
  pg -c "$sql"
  status_is 0
  out_lacks customer42@
  holds sh -c '! grep -Eq "[0-9]{3}-[0-9]{2}-[0-9]{4}" "$1"' sh "$T/out"
done

test_case "what would derive from a masked column is refused, with the reason"
for sql in 'select upper(email) from customers where id = 1' "select id from customers where email like 'customer1@%'" \
  'select id from customers where id < 9 order by ssn' 'select count(distinct ssn) from customers where id < 9' \
  'select to_jsonb(c) from customers c where id = 1' 'select c from customers c where id = 1' \
  'select email from (select email from customers where id = 1) s' 'select email from customers where id = 1 union select city from customers where id = 1' \
  'with x as (select ssn from customers where id = 1) select * from x' 'create temp table t as select ssn from customers where id = 1' \
  'update customers set notes = ssn where id = 1' "insert into events select 99, now(), ssn, '{}' from customers where id = 1" \
  'explain select ssn from customers where ssn > $$5$$' 'select query_to_xml($$select ssn from customers$$, true, true, $$$$)' \
  'copy customers to stdout' 'copy (select ssn from customers where id = 1) to stdout' 'do $$ begin raise notice $q$%$q$, (select ssn from customers limit 1); end $$' \
  'select * from pg_stats where tablename = $$customers$$'; do
  pg -c "$sql"
  holds [ "$STATUS" != 0 ]
  err_has ERROR
  holds sh -c '! grep -Eq "[0-9]{3}-[0-9]{2}-[0-9]{4}|customer1@" "$1" "$2"' sh "$T/out" "$T/err"
done

test_case "an error of the server quotes no row"
pg -c "update customers set id = 2 where id = 3"
holds [ "$STATUS" != 0 ]
pg -c "insert into customers select 1, 'n', 'e', 'p', 'c', 's', 'c', null, now()"
holds [ "$STATUS" != 0 ]
err_lacks customer
err_lacks 'DETAIL:  Key (id)'

test_case "refusals say what rule and what would pass"
pg -c 'drop table orders'
holds [ "$STATUS" != 0 ]
err_has 'changed by migrations'
err_has HINT
is "$(super 'select count(*) from orders')" 5000
pg -c 'select id from customers'
err_has 'whole customers table'
pg -c 'select id from customers where 1 = 1'
err_has 'whole customers table'
pg -c 'select id from customers limit 3'
status_is 0

test_case "every statement of a string is judged before one is sent"
pg -c "update orders set status = 'gone' where id = 4; drop table orders"
holds [ "$STATUS" != 0 ]
holds [ "$(super 'select status from orders where id = 4')" != gone ]

test_case "a refusal in a transaction cannot leave half the work"
input <<'SQL'
begin;
update orders set status = 'half' where id = 5;
drop table orders;
commit;
SQL
pg
holds [ "$(super 'select status from orders where id = 5')" != half ]

test_case "detectors hide what no column mask names"
pg -c 'select secret from api_keys order by id'
status_is 0
out_lacks sk_live
out_lacks ghp_
out_lacks AKIA
pg -c 'select notes from customers where id = 25'
out_lacks private25@
pg -c "select payload from events where id = 10"
out_lacks customer10@
out_has '"contact"'
pg -c "copy api_keys to stdout"
status_is 0
out_lacks ghp_
# Options that would put something between the characters of what is looked for.
for options in "(delimiter '@')" "(format csv, quote '@')" "(format csv, escape '@', force_quote *)" "(format csv, quote '.', escape 'm')"; do
  pg -c "copy (select 'private77@example.com' as a, 'x' as b) to stdout $options"
  status_is 0
  out_has redacted
  out_lacks private77
  out_lacks 'xample'
done
pg -c "copy api_keys to stdout (encoding 'latin1')"
holds [ "$STATUS" != 0 ]
pg -c "select '4242 4242 4242 4242'"
out_lacks 4242

test_case "a dump of the masked table is refused"
run hoopctl connect $target -- pg_dump -t customers
holds [ "$STATUS" != 0 ]
out_lacks customer1@
run hoopctl connect $target -- pg_dump -t orders
if clients_fit; then
  status_is 0
  out_has 'COPY public.orders'
fi

test_case "what a mask shows is not written back, by literal, parameter or COPY"
before=$(super 'select md5(string_agg(c::text, chr(10) order by id)) from customers c')
for sql in "update customers set email = 'c***@example.org' where id = 7" "update customers set notes = 'call [redacted]' where id = 7" \
  "insert into customers select 2001, 'n', 'x***@example.com', 'p', 'c', 's', 'c', null, now()"; do
  pg -c "$sql"
  holds [ "$STATUS" != 0 ]
  err_has 'SQL_WRITE_BACK'
  err_has 'write real values'
done
# A program that reads rows, changes something else, and writes them whole.
run hoopctl connect $target -- psql -X -At -c "select id, name, email, phone, city, ssn, credit_card, notes, created_at from customers where id = 7" -F $'\t' -o "$T/row.tsv"
status_is 0
sed -i 's/^7\t/2007\t/; s/\t\t/\t\\N\t/' "$T/row.tsv"
run hoopctl connect $target -- psql -X -At -c "\\copy customers from '$T/row.tsv'" -c 'select 1 as after'
err_has 'a value that masks have hidden'
out_is 1
run hoopctl connect $target -- pgbench -n -M extended -t 1 -f <(printf '\\set x 1\nupdate customers set notes = :v where id = 7;\n') -D 'v=[redacted]'
holds [ "$STATUS" != 0 ]
err_has 'a value that masks have hidden'
run hoopctl --output json sessions show "$(newest_session)"
out_has '"rule":"builtin/SQL_WRITE_BACK"'
is "$(super 'select md5(string_agg(c::text, chr(10) order by id)) from customers c')" "$before"

test_case "no session can leave a working login behind"
for sql in "create role x login password 'p'" "alter role demo_app login" "set session authorization postgres" "set role postgres" \
  "select set_config('role', 'postgres', false)" "prepare transaction 'x'" "set standard_conforming_strings = off" "copy orders to program 'cat'"; do
  pg -c "$sql"
  holds [ "$STATUS" != 0 ]
  err_has ERROR
done

test_case "a mask that names no column lets nobody in, and says which"
cat >"$HOOPCTL_STACK_GATEWAY/conf.d/80-typo.toml" <<CONF
[[mask]]
name = "typo"
columns = ["public.customers.emial"]
with = "redact"
CONF
reloads() { grep -c event=policy.reloaded "$HOOPCTL_STACK_DIR/gateway.log"; }
reloaded() { [ "$(reloads)" -gt "$1" ]; }
before=$(reloads); kill -HUP $gateway_pid
holds eventually 10 reloaded "$before"
pg -c 'select email from customers limit 1'
holds [ "$STATUS" != 0 ]
out_is ''
err_has "mask 'typo' names no column"
rm "$HOOPCTL_STACK_GATEWAY/conf.d/80-typo.toml"
before=$(reloads); kill -HUP $gateway_pid
holds eventually 10 reloaded "$before"
pg -c 'select 1'
status_is 0

finish
