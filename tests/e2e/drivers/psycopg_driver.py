# psycopg 3 through hoopctl: server-side parameters, binary results, pipelines, COPY in binary, 1,000 prepared statements, async.
import asyncio
from datetime import datetime, timezone

import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

with psycopg.connect("", autocommit=True) as connection:
    row = connection.execute("select id, email, ssn from customers where id = %s", (7,)).fetchone()
    assert row[0] == 7 and "customer7@" not in row[1] and row[2] == "[redacted]", row

    with connection.cursor(binary=True) as cursor:
        cursor.execute("select id, email, created_at from customers where id = %s", (9,))
        row = cursor.fetchone()
        assert row[0] == 9 and "customer9@" not in row[1] and row[2].year == 2026, row

    # Executed often enough the driver prepares by itself.
    for number in range(1, 30):
        row = connection.execute("select id, email from customers where id = %s", (number,)).fetchone()
        assert row[0] == number and "customer%d@" % number not in row[1], row
    connection.prepared_max = 1100
    for number in range(1000):
        sql = "select %%s::int + %d" % number
        assert connection.execute(sql, (1,), prepare=True).fetchone()[0] == number + 1
    for number in range(0, 1000, 37):
        assert connection.execute("select %%s::int + %d" % number, (2,)).fetchone()[0] == number + 2

    for sql in ("drop table orders", "select id from customers where ssn = %s"):
        try:
            connection.execute(sql, ("x",) if "%s" in sql else None)
            raise AssertionError("passed: " + sql)
        except errors.InsufficientPrivilege:
            pass

    # What is refused in a pipeline takes what came before in it along.
    try:
        with connection.pipeline(), connection.transaction():
            connection.execute("update orders set status = 'open' where id = 1")
            connection.execute("drop table orders")
            connection.execute("select 1")
        raise AssertionError("the pipeline passed")
    except errors.InsufficientPrivilege:
        pass
    assert connection.execute("select status from orders where id = 1").fetchone()[0] == "shipped"

    with connection.cursor() as cursor:
        with cursor.copy("copy events (id, at, kind, payload) from stdin with (format binary)") as copy:
            copy.set_types(["int8", "timestamptz", "text", "jsonb"])
            for number in range(710000, 711000):
                copy.write_row((number, datetime(2026, 11, 1, tzinfo=timezone.utc), "bulk", Jsonb({})))
        with cursor.copy("copy (select id, kind from events where id between 710000 and 710999 order by id) to stdout") as copy:
            copy.set_types(["int8", "text"])
            rows = list(copy.rows())
    assert rows[0] == (710000, "bulk") and len(rows) == 1000, rows[:2]
    connection.execute("delete from events where id between 710000 and 710999")


async def many():
    async def one(number):
        async with await psycopg.AsyncConnection.connect("", autocommit=True) as own:
            row = await (await own.execute("select %s::int, email from customers where id = %s", (number, number))).fetchone()
            assert row[0] == number and "customer%d@" % number not in row[1], row

    await asyncio.gather(*(one(number) for number in range(1, 21)))


asyncio.run(many())
print("psycopg: all well")
