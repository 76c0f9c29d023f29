// The node-postgres driver through hoopctl: named prepared statements, parameters, cursors of types, errors that keep the session.
'use strict';
const assert = require('assert');
const fs = require('fs');
const { Client } = require('pg');

// The driver reads PGHOST, PGPORT, PGUSER and PGDATABASE itself; of PGPASSFILE it reads the first line's last field here.
const password = fs.readFileSync(process.env.PGPASSFILE, 'utf8').split('\n')[0].split(':').pop();

async function main() {
  const client = new Client({ password });
  const notices = [];
  client.on('notice', (n) => notices.push(n.message));
  await client.connect();

  const simple = await client.query('select id, email, ssn from customers where id = 7');
  assert.strictEqual(simple.rows[0].id, 7);
  assert.ok(!simple.rows[0].email.startsWith('customer7'), simple.rows[0].email);
  assert.ok(simple.rows[0].email.endsWith('example.org'), simple.rows[0].email);
  assert.strictEqual(simple.rows[0].ssn, '[redacted]');

  // Named: the second and later runs send Bind and Execute without a Parse.
  for (let i = 1; i <= 20; i++) {
    const named = await client.query({ name: 'by-id', text: 'select id, email from customers where id = $1', values: [i] });
    assert.strictEqual(named.rows[0].id, i);
    assert.ok(!named.rows[0].email.includes('customer' + i + '@'), named.rows[0].email);
  }
  // Array mode and binary results keep their masks.
  const binary = await client.query({ text: 'select email, id from customers where id = $1', values: [9], rowMode: 'array', binary: true });
  assert.ok(!binary.rows[0][0].toString().includes('customer9@'), String(binary.rows[0][0]));

  // A refusal is an error of the statement, not the end of the session.
  await assert.rejects(client.query('drop table orders'), (e) => e.code === '42501' && /migrations/.test(e.message));
  await assert.rejects(client.query('select upper(email) from customers where id = $1', [1]), (e) => e.code === '42501');
  await assert.rejects(client.query('select 1/0'), (e) => e.code === '22012');
  assert.strictEqual((await client.query('select count(*)::int as n from orders')).rows[0].n, 5000);

  // In a transaction a refusal aborts it, as an error of the server would.
  await client.query('begin');
  await client.query("update orders set status = 'open' where id = 1");
  await assert.rejects(client.query('truncate orders'), (e) => e.code === '42501');
  await assert.rejects(client.query('select 1'), (e) => e.code === '25P02');
  await client.query('rollback');
  assert.strictEqual((await client.query('select status from orders where id = 1')).rows[0].status, 'shipped');

  // Detectors act where no column is named.
  const keys = await client.query('select secret from api_keys order by id');
  assert.strictEqual(keys.rows.length, 12);
  for (const row of keys.rows) assert.ok(!/^(sk_live|ghp_|AKIA)/.test(row.secret), row.secret);

  await client.end();
  console.log('node-postgres: all well');
}

main().catch((error) => { console.error(error); process.exit(1); });
