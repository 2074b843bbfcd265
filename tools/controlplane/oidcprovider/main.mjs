// An authorization server of panva's oidc-provider on loopback, for tests: in memory, without users.
//
//   node main.mjs PEM
//
// Each line of standard input is a configuration in JSON, {"issuer": ..., "jwks": ...,
// "clients": [...]}, that counts from then on: other keys are a rotation. Each is answered by a line
// of standard output, the host and port where it listens; the issuer is where others reach it. It
// ends with its standard input. PEM is a file with the server's key and certificate.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { createInterface } from 'node:readline';

import Provider, { errors } from 'oidc-provider';

console.info = console.warn; // standard output is ours

const SCOPES = ['payments:read', 'payments:write'];
const SIGNING = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];

// What a token is to be stands in the resource that it is asked for (RFC 8707): with an algorithm,
// https://payments.example.com/?alg=ES256&ttl=60, a JWT (RFC 9068); without one, an opaque text.
function getResourceServerInfo(_, resource) {
  const asked = new URL(resource).searchParams;
  const alg = asked.get('alg');
  return {
    audience: 'payments-api',
    scope: SCOPES.join(' '),
    accessTokenTTL: Number(asked.get('ttl')),
    accessTokenFormat: alg ? 'jwt' : 'opaque',
    ...(alg && { jwt: { sign: { alg } } }),
  };
}

// The issuer, alone, is the audience of a client's assertion, and of a client that says so in its
// name also the type. Any other has the type of old. Source: draft-ietf-oauth-rfc7523bis section 4.
function assertJwtClientAuthClaimsAndHeader(ctx, { aud }, { typ }, { clientId }) {
  if (aud !== ctx.oidc.issuer) throw new errors.InvalidClientAuth('aud is not the issuer');
  const expected = clientId === 'typed' ? 'client-authentication+jwt' : 'JWT';
  if (typ !== expected) throw new errors.InvalidClientAuth('typ is not what it should be');
}

function made({ issuer, jwks, clients }) {
  const provider = new Provider(issuer, {
    jwks,
    clients,
    scopes: SCOPES,
    assertJwtClientAuthClaimsAndHeader,
    enabledJWA: { clientAuthSigningAlgValues: [...SIGNING, 'ES384', 'ES512'] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      resourceIndicators: { enabled: true, getResourceServerInfo },
      revocation: { enabled: true },
    },
  });
  provider.on('server_error', (_, error) => console.warn(error));
  return provider.callback();
}

const pem = readFileSync(process.argv[2]);
let answer;
const server = createServer({ key: pem, cert: pem }, (request, response) => answer(request, response));
await new Promise((listens) => server.listen(0, '127.0.0.1', listens));
for await (const line of createInterface({ input: process.stdin })) {
  answer = made(JSON.parse(line));
  console.log(`127.0.0.1:${server.address().port}`);
}
process.exit();
