// What a CI platform is to a gateway: an issuer that publishes its keys and signs a token for each job, with claims as GitHub and
// GitLab write them. Those two cannot be asked for tokens from here.
//   node platform.mjs CERTIFICATE KEY            prints "issuer URL" when it listens
//   GET /token?{claims as URL-encoded JSON}      a token; exp, iat, iss, jti and kid unless the claims say otherwise (null leaves one out)
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { createSign, generateKeyPairSync, randomUUID } from 'node:crypto';

const [certificate, key] = process.argv.slice(2);
const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
let issuer = '';
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  const url = new URL(request.url, issuer);
  const json = (value) => response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
  if (url.pathname === '/.well-known/openid-configuration')
    return json({ issuer, jwks_uri: `${issuer}/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'] });
  if (url.pathname === '/jwks')
    return json({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'job-1', alg: 'RS256', use: 'sig' }] });
  if (url.pathname !== '/token') return response.writeHead(404).end();
  const { header, ...claims } = JSON.parse(decodeURIComponent(url.search.slice(1)));
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: issuer, iat: now, exp: now + 300, jti: randomUUID(), ...claims };
  for (const name of Object.keys(all)) if (all[name] === null) delete all[name];
  const input = `${base64url({ typ: 'JWT', alg: 'RS256', kid: 'job-1', ...header })}.${base64url(all)}`;
  response.end(`${input}.${createSign('RSA-SHA256').update(input).sign(pair.privateKey).toString('base64url')}`);
});
server.listen(0, '127.0.0.1', () => {
  issuer = `https://localhost:${server.address().port}`;
  console.log(`issuer ${issuer}`);
});
process.on('SIGTERM', () => process.exit(0));
