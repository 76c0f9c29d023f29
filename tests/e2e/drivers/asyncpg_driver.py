# asyncpg through hoopctl: everything binary, introspection of types, cursors by portal in pieces, records by COPY, a pool.
import asyncio
from datetime import datetime, timezone

import asyncpg


async def main():
    connection = await asyncpg.connect()
    row = await connection.fetchrow("select id, email, ssn, created_at from customers where id = $1", 7)
    assert row["id"] == 7 and "customer7@" not in row["email"] and row["ssn"] == "[redacted]", row

    statement = await connection.prepare("select id, email from customers where id = $1")
    for number in range(1, 200):
        row = await statement.fetchrow(number)
        assert row["id"] == number and "customer%d@" % number not in row["email"], row

    for sql in ("drop table orders", "select upper(email) from customers where id = 1"):
        try:
            await connection.execute(sql)
            raise AssertionError("passed: " + sql)
        except asyncpg.InsufficientPrivilegeError:
            pass
    try:
        async with connection.transaction():
            await connection.execute("update orders set status = 'open' where id = 1")
            await connection.execute("truncate orders")
        raise AssertionError("the transaction passed")
    except asyncpg.InsufficientPrivilegeError:
        pass
    assert await connection.fetchval("select status from orders where id = 1") == "shipped"

    async with connection.transaction():
        seen = 0
        async for row in connection.cursor("select id, email from customers where id > 0 order by id", prefetch=90):
            seen += 1
            assert row["id"] == seen and "customer%d@" % seen not in row["email"], row
    assert seen == 1000, seen

    at = datetime(2026, 11, 1, tzinfo=timezone.utc)
    await connection.copy_records_to_table("events", records=[(n, at, "bulk", "{}") for n in range(720000, 722000)])
    assert await connection.fetchval("select count(*) from events where id between 720000 and 721999") == 2000
    await connection.executemany("delete from events where id = $1", [(n,) for n in range(720000, 722000)])
    await connection.close()

    async with asyncpg.create_pool(min_size=5, max_size=10) as pool:
        async def one(number):
            return await pool.fetchval("select $1::int * 2", number)
        assert await asyncio.gather(*(one(n) for n in range(200))) == [2 * n for n in range(200)]


asyncio.run(asyncio.wait_for(main(), 50))
print("asyncpg: all well")
