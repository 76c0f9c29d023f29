// postgres.js through hoopctl: everything prepared and pipelined, cursors, COPY streams, a pool.
'use strict';
const assert = require('assert');
const fs = require('fs');
const postgres = require('postgres');

const password = fs.readFileSync(process.env.PGPASSFILE, 'utf8').split('\n')[0].split(':').pop();

async function main() {
  const sql = postgres({ path: process.env.PGHOST + '/.s.PGSQL.' + process.env.PGPORT, database: process.env.PGDATABASE,
    username: process.env.PGUSER, password, max: 4, onnotice: () => {} });

  const [row] = await sql`select id, email, ssn from customers where id = ${7}`;
  assert.strictEqual(row.id, 7);
  assert.ok(!row.email.includes('customer7@'), row.email);
  assert.strictEqual(row.ssn, '[redacted]');

  const many = await Promise.all(Array.from({ length: 200 }, (_, i) => sql`select ${i}::int as n, email from customers where id = ${i + 1}`));
  many.forEach(([one], i) => { assert.strictEqual(one.n, i); assert.ok(!one.email.includes('customer' + (i + 1) + '@')); });

  await assert.rejects(sql`drop table orders`, (e) => e.code === '42501');
  await assert.rejects(sql`select upper(email) from customers where id = ${1}`, (e) => e.code === '42501');
  await assert.rejects(sql.begin(async (own) => {
    await own`update orders set status = 'open' where id = 1`;
    await own`truncate orders`;
  }), (e) => e.code === '42501');
  assert.strictEqual((await sql`select status from orders where id = 1`)[0].status, 'shipped');

  let seen = 0;
  for await (const rows of sql`select id, email from customers where id > 0 order by id`.cursor(90)) {
    for (const one of rows) { seen++; assert.strictEqual(one.id, seen); assert.ok(!one.email.includes('customer' + seen + '@')); }
  }
  assert.strictEqual(seen, 1000);

  const text = [];
  for await (const chunk of await sql`copy (select id from orders order by id) to stdout`.readable()) text.push(chunk);
  assert.strictEqual(Buffer.concat(text).toString().trim().split('\n').length, 5000);

  await sql.end();
  console.log('postgres.js: all well');
}

main().catch((error) => { console.error(error); process.exit(1); });
