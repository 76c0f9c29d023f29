// SPDX-License-Identifier: Apache-2.0
// An internal HTTP service for tests, without packages: node http_app.js CERTIFICATE KEY [PORT]
//
// It listens with TLS on 127.0.0.1, prints its port, and ends by SIGTERM. Who does not send the header X-Api-Key with the value of
// HTTP_APP_KEY is told 401. GET /log says what has arrived, refused or not; /log itself does not stand in it.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const zlib = require('zlib');
const { Readable } = require('stream');

const [certificate, privateKey, wantedPort] = process.argv.slice(2);
const apiKey = process.env.HTTP_APP_KEY;
if (!certificate || !privateKey || !apiKey) {
  process.stderr.write('usage: HTTP_APP_KEY=KEY node http_app.js CERTIFICATE KEY [PORT]\n');
  process.exit(64);
}

// As the demo shop's: synthetic, deterministic, and the cards are the networks' published test numbers.
const pick = (all, i) => all[i % all.length];
const customers = new Map();
for (let id = 1; id <= 20; id++) {
  customers.set(id, {
    id,
    name: `${pick(['Ada', 'Grace', 'Alan', 'Edsger', 'Barbara'], id)} ${pick(['Moreau', 'Tanaka', 'Novak', 'Silva'], id)}`,
    email: `customer${id}@example.com`,
    ssn: `${100 + id}-${10 + id}-${1000 + id}`,
    card: pick(['4242424242424242', '5555555555554444', '4111111111111111', '378282246310005'], id),
    city: pick(['Lisbon', 'Oslo', 'Nairobi', 'Osaka'], id),
  });
}
const everybody = () => [...customers.values()];
const columns = ['id', 'name', 'email', 'ssn', 'card', 'city'];
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

// GET with what, if anything, a query may say:
//   /customers  /customers/ID  /customers.csv  /customers.ndjson  /events?n=  /slow?ms=  /stream?n=&chunk=&text=&type=  /bytes?n=
//   /image.png  /page  /redirect  /redirect-relative  /redirect-away  /set-cookie  /cookie  /status/NNN  /head-only  /gzip  /trailers
//   /hang  /reset  /upgrade  /log
// and with any method: POST /customers, PUT, PATCH and DELETE /customers/ID, /echo, /echo-raw, /continue.
const log = [];
let origin = '';
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const count = (query, name, otherwise) => Number(query.get(name) ?? otherwise);

function send(response, status, body, type = 'text/plain; charset=utf-8', headers = {}) {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
const sendJson = (response, status, value, headers) =>
  send(response, status, JSON.stringify(value), 'application/json', headers);

async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

/// The whole of a body is never held: it may be large.
async function digested(request) {
  const hash = crypto.createHash('sha256');
  const start = [];
  let length = 0;
  for await (const piece of request) {
    hash.update(piece);
    length += piece.length;
    if (length <= 4096) start.push(piece);
  }
  const text = length <= 4096 ? { body: Buffer.concat(start).toString() } : {};
  return { body_length: length, body_sha256: hash.digest('hex'), ...text };
}

/// total bytes in pieces of that size, as fast as they are taken.
function* filler(total, size) {
  const piece = Buffer.alloc(size, 'all work and no play makes a dull stream\n');
  for (let sent = 0; sent < total; sent += size) yield piece.subarray(0, Math.min(size, total - sent));
}

function* piecesOf(text, size) {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

async function oneCustomer(request, response, id) {
  const found = customers.get(id);
  if (request.method !== 'PUT' && !found) return sendJson(response, 404, { error: 'no such customer' });
  if (request.method === 'GET' || request.method === 'HEAD') return sendJson(response, 200, found);
  if (request.method === 'DELETE') {
    customers.delete(id);
    return response.writeHead(204).end();
  }
  const given = JSON.parse(await bodyOf(request));
  const changed = request.method === 'PUT' ? { ...given, id } : { ...found, ...given, id };
  customers.set(id, changed);
  return sendJson(response, 200, changed);
}

const routes = {
  async '/customers'(request, response) {
    if (request.method !== 'POST') return sendJson(response, 200, everybody());
    const created = { id: Math.max(0, ...customers.keys()) + 1, ...JSON.parse(await bodyOf(request)) };
    customers.set(created.id, created);
    return sendJson(response, 201, created, { Location: `${origin}/customers/${created.id}` });
  },
  '/customers.csv'(request, response) {
    const lines = everybody().map((one) => columns.map((column) => one[column]).join(','));
    send(response, 200, [columns.join(','), ...lines, ''].join('\r\n'), 'text/csv; charset=utf-8');
  },
  '/customers.ndjson'(request, response) {
    send(response, 200, everybody().map((one) => JSON.stringify(one) + '\n').join(''), 'application/x-ndjson');
  },
  async '/events'(request, response, query) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for (let i = 1; i <= count(query, 'n', 3); i++) {
      response.write(`id: ${i}\nevent: customer\ndata: ${JSON.stringify(pick(everybody(), i - 1))}\n\n`);
      await sleep(200);
    }
    response.end();
  },
  async '/slow'(request, response, query) {
    await sleep(count(query, 'ms', 1000));
    send(response, 200, 'late\n');
  },
  '/stream'(request, response, query) {
    const size = count(query, 'chunk', 1024);
    const text = query.get('text');
    response.writeHead(200, { 'Content-Type': query.get('type') ?? 'text/plain; charset=utf-8' });
    const pieces = text === null ? filler(count(query, 'n', 10) * size, size) : piecesOf(text, size);
    Readable.from(pieces).pipe(response);
  },
  '/bytes'(request, response, query) {
    const total = count(query, 'n', 1024);
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': total });
    if (request.method === 'HEAD') return response.end();
    return Readable.from(filler(total, 65536)).pipe(response);
  },
  '/image.png': (request, response) => send(response, 200, png, 'image/png'),
  '/page'(request, response) {
    const links = ['/customers', '/image.png'].map((path) => `<a href="${origin}${path}">${path}</a>`);
    send(response, 200, `<!doctype html><title>shop</title>${links.join('')}\n`, 'text/html; charset=utf-8');
  },
  '/redirect': (request, response) => send(response, 302, '', undefined, { Location: `${origin}/customers/1` }),
  '/redirect-relative': (request, response) => send(response, 302, '', undefined, { Location: '/customers/1' }),
  '/redirect-away': (request, response) => send(response, 302, '', undefined, { Location: 'https://elsewhere.example/' }),
  '/set-cookie'(request, response) {
    const cookie = 'sid=s3; Domain=127.0.0.1; Path=/; Secure; HttpOnly; SameSite=None';
    send(response, 200, 'kept\n', undefined, { 'Set-Cookie': [cookie, 'theme=dark; Path=/'] });
  },
  '/cookie': (request, response) => sendJson(response, 200, { cookie: request.headers.cookie ?? '' }),
  async '/echo'(request, response) {
    const { method, url, headers } = request;
    sendJson(response, 200, { method, url, headers, ...(await digested(request)) });
  },
  async '/echo-raw'(request, response) {
    await digested(request);
    sendJson(response, 200, request.rawHeaders);
  },
  '/head-only'(request, response) {
    if (request.method !== 'HEAD') return send(response, 405, 'HEAD only\n', undefined, { Allow: 'HEAD' });
    return response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 42 }).end();
  },
  '/gzip'(request, response) {
    const body = zlib.gzipSync(JSON.stringify(everybody()));
    send(response, 200, body, 'application/json', { 'Content-Encoding': 'gzip' });
  },
  '/log': (request, response) => sendJson(response, 200, log),
  '/trailers'(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Sum' });
    response.write('before the trailer\n');
    response.addTrailers({ 'X-Sum': '19' });
    response.end();
  },
  // The library has answered 100 by itself to who expected it.
  async '/continue'(request, response) {
    sendJson(response, 200, await digested(request));
  },
  '/hang'() {},
  '/reset': (request) => request.socket.destroy(),
};

function note(request) {
  if (request.url !== '/log') log.push({ method: request.method, url: request.url });
  return request.headers['x-api-key'] === apiKey;
}

async function answer(request, response) {
  if (!note(request)) return sendJson(response, 401, { error: 'X-Api-Key is missing or wrong' });
  const { pathname, searchParams } = new URL(request.url, 'https://localhost');
  const [, status] = /^\/status\/(\d{3})$/.exec(pathname) ?? [];
  if (status >= 200) {
    if (status === '204' || status === '304') return response.writeHead(Number(status)).end();
    return sendJson(response, Number(status), { status: Number(status) });
  }
  const [, id] = /^\/customers\/(\d+)$/.exec(pathname) ?? [];
  if (id) return oneCustomer(request, response, Number(id));
  const route = Object.hasOwn(routes, pathname) ? routes[pathname] : null;
  if (!route) return sendJson(response, 404, { error: 'nothing is here' });
  return route(request, response, searchParams);
}

const server = https.createServer(
  { cert: fs.readFileSync(certificate), key: fs.readFileSync(privateKey), keepAliveTimeout: 60000 },
  (request, response) => {
    answer(request, response).catch((error) => {
      if (response.headersSent) return response.destroy();
      return sendJson(response, 400, { error: String(error.message) });
    });
  });
// Every request that wants another protocol comes here, whatever its path.
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => {});
  const allowed = note(request);
  if (!allowed || request.url !== '/upgrade' || request.headers.upgrade.toLowerCase() !== 'websocket')
    return socket.end(`HTTP/1.1 ${allowed ? '400 Bad Request' : '401 Unauthorized'}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  const accept = crypto.createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.write(head);
  return socket.pipe(socket);
});
server.on('tlsClientError', () => {});
server.listen(Number(wantedPort ?? 0), '127.0.0.1', () => {
  origin = `https://127.0.0.1:${server.address().port}`;
  process.stdout.write(`${server.address().port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
