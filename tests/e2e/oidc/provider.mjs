// An OpenID provider for the end-to-end tests: oidc-provider with a public client for the device flow, on HTTPS at a loopback port.
//   node provider.mjs CERTIFICATE KEY RESOURCE [PORT]
// Prints "issuer URL" when it listens. Environment: OIDC_ALG (of access tokens), OIDC_TOKEN_SECONDS, OIDC_CLAIMS (JSON, into access tokens),
// OIDC_CLIENT_SECRET (of the services ci-basic, ci-post and ci-stranger), OIDC_CLIENT_KEY (PEM file; public key of the service ci-key, as "key-1"),
// OIDC_DPOP (1: tokens are bound to the keys that clients prove; nonce: a proof must have a nonce).
import { createServer } from 'node:https';
import { appendFileSync, readFileSync } from 'node:fs';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const [certificate, key, resource, wantedPort] = process.argv.slice(2);
const algorithm = process.env.OIDC_ALG ?? 'ES256';
const seconds = Number(process.env.OIDC_TOKEN_SECONDS ?? 300);
const claims = JSON.parse(process.env.OIDC_CLAIMS ?? '{}');

const jwk = (kid, alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig',
});
// New ones at each start: a restart is a rotation.
const stamp = Date.now();
const keys = [
  jwk(`es-${stamp}`, 'ES256', 'ec', { namedCurve: 'P-256' }),
  jwk(`rs-${stamp}`, 'RS256', 'rsa', { modulusLength: 2048 }),
  jwk(`ps-${stamp}`, 'PS256', 'rsa', { modulusLength: 2048 }),
  jwk(`ed-${stamp}`, 'EdDSA', 'ed25519', {}),
  jwk(`p384-${stamp}`, 'ES384', 'ec', { namedCurve: 'P-384' }),
];

// OIDC_FAULTS names a file: a JSON list of what goes wrong, { id, path, times, what, … }; asked at each request. OIDC_REQUESTS is a file that
// each request to the token endpoint is noted in: milliseconds and status.
const used = new Map();
const faults = () => {
  try { return JSON.parse(readFileSync(process.env.OIDC_FAULTS, 'utf8')); } catch { return []; }
};
const withFaults = (next) => (request, response) => {
  if (request.url.startsWith('/token') && process.env.OIDC_REQUESTS) {
    const came = Date.now();
    response.on('close', () => appendFileSync(process.env.OIDC_REQUESTS, `${came} ${response.statusCode}\n`));
  }
  const fault = faults().find((one) => request.url.startsWith(one.path) && (used.get(one.id) ?? 0) < one.times);
  if (!fault) return next(request, response);
  used.set(fault.id, (used.get(fault.id) ?? 0) + 1);
  if (fault.what === 'answer') return response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers }).end(fault.body ?? '');
  if (fault.what === 'drop') return request.socket.destroy();
  if (fault.what === 'hang') return undefined;
  // lose: what is asked for is done, and the answer never comes.
  response.write = () => true;
  response.end = () => request.socket.destroy();
  return next(request, response);
};

let handler = (request, response) => response.writeHead(503).end();
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => handler(request, response));
server.listen(Number(wantedPort ?? 0), '127.0.0.1', () => {
  const issuer = `https://localhost:${server.address().port}`;
  const client = (client_id) => ({
    client_id,
    token_endpoint_auth_method: 'none',
    application_type: 'native',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token', 'authorization_code'],
    redirect_uris: ['http://127.0.0.1/callback'],  // of a native client: any port
    response_types: ['code'],
  });
  const service = (client_id, token_endpoint_auth_method, more) => ({
    client_id,
    token_endpoint_auth_method,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    ...more,
  });
  const services = [];
  if (process.env.OIDC_CLIENT_SECRET) {
    const client_secret = process.env.OIDC_CLIENT_SECRET;
    services.push(
      service('ci-basic', 'client_secret_basic', { client_secret }),
      service('ci-post', 'client_secret_post', { client_secret }),
      service('ci-stranger', 'client_secret_basic', { client_secret }),
    );
  }
  if (process.env.OIDC_CLIENT_KEY) {
    const key = createPublicKey(readFileSync(process.env.OIDC_CLIENT_KEY)).export({ format: 'jwk' });
    services.push(service('ci-key', 'private_key_jwt', { jwks: { keys: [{ ...key, kid: 'key-1', use: 'sig', alg: 'ES256' }] } }));
  }
  const provider = new Provider(issuer, {
    clients: [client('hoop-cli'), client('another'), ...services],
    ...(process.env.OIDC_AUTH_METHODS ? { clientAuthMethods: process.env.OIDC_AUTH_METHODS.split(',') } : {}),
    jwks: { keys },
    scopes: ['openid', 'offline_access', 'approve'],
    enabledJWA: {
      idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    },
    features: {
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      ...(process.env.OIDC_DPOP ? { dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, stamp % 256), requireNonce: () => process.env.OIDC_DPOP === 'nonce' } } : {}),
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid offline_access approve',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: seconds,
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
    // When the person has signed in: of a refreshed token, at the login that it comes from.
    extraTokenClaims: ({ oidc: { entities } }) => ({
      ...claims,
      auth_time: (entities.DeviceCode ?? entities.AuthorizationCode ?? entities.RefreshToken)?.authTime,
    }),
    rotateRefreshToken: true,
  });
  provider.on('server_error', (context, error) => console.error('server_error', error));
  handler = withFaults(provider.callback());
  console.log(`issuer ${issuer}`);
});
process.on('SIGTERM', () => process.exit(0));
