# psycopg 2 through hoopctl: client-side parameters, server-side cursors in pieces, COPY both ways, 10,000 statements in one session.
import io

import psycopg2
import psycopg2.errors
import psycopg2.extras

connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()

cursor.execute("select id, email, ssn from customers where id = %s", (7,))
row = cursor.fetchone()
assert row[0] == 7 and "customer7@" not in row[1] and row[1].endswith("example.org"), row
assert row[2] == "[redacted]", row

for sql in ("drop table orders", "select upper(email) from customers where id = 1"):
    try:
        cursor.execute(sql)
        raise AssertionError("passed: " + sql)
    except psycopg2.errors.InsufficientPrivilege:
        pass

# A refusal aborts the transaction that it stands in.
connection.autocommit = False
cursor.execute("update orders set status = 'open' where id = 1")
try:
    cursor.execute("truncate orders")
    raise AssertionError("passed: truncate")
except psycopg2.errors.InsufficientPrivilege:
    pass
try:
    cursor.execute("select 1")
    raise AssertionError("the transaction goes on")
except psycopg2.errors.InFailedSqlTransaction:
    pass
connection.rollback()

# A named cursor is DECLARE and FETCH of 2,000 rows each.
with connection.cursor("pieces") as pieces:
    pieces.itersize = 700
    pieces.execute("select id, email from customers where id > 0 order by id")
    seen = list(pieces)
assert len(seen) == 1000, len(seen)
assert not any("customer%d@" % key in email for key, email in seen)
connection.rollback()

connection.autocommit = True
lines = "".join("%d\t2026-11-01\tnote %d\t{}\n" % (number, number) for number in range(700000, 702000))
cursor.copy_expert("copy events from stdin", io.StringIO(lines))
out = io.StringIO()
cursor.copy_expert("copy (select id from events where id between 700000 and 701999 order by id) to stdout", out)
assert out.getvalue().split() == [str(number) for number in range(700000, 702000)]
psycopg2.extras.execute_batch(cursor, "delete from events where id = %s", [(n,) for n in range(700000, 702000)], page_size=500)

for number in range(10000):
    cursor.execute("select %s + 1", (number,))
    assert cursor.fetchone()[0] == number + 1
connection.close()
print("psycopg2: all well")
