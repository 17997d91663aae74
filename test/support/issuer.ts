/** An identity provider on loopback that issues any token a test asks for, also such as no honest one would. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWTHeaderParameters, SignJWT } from 'jose';

export interface TestIssuer {
  readonly url: string;
  /** How often each path was asked for. */
  readonly asked: Map<string, number>;
  /** What the provider says of opaque tokens, by token. */
  readonly opaque: Map<string, object>;
  /** The published keys; a test may add to them, or replace them. */
  keys: object[];
  /** Breaks or delays answers of a path; absent: it answers. */
  readonly trouble: Map<string, 'down' | 'slow' | 'huge' | 'elsewhere' | 'not json'>;
  /** The issuer that the metadata name; default: its own. */
  named: string;
  readonly publicPem: string;
  /** The key of an attacker, who publishes it at `/keys-of-another`. */
  readonly attacker: KeyObject;
  /** Signs claims as the provider would; `undefined` leaves a claim out. */
  sign(claims?: object, header?: Partial<JWTHeaderParameters>, key?: KeyObject | Uint8Array): Promise<string>;
  /** Replaces the key of the provider. */
  rotate(): Promise<void>;
  close(): Promise<void>;
}

export const AUDIENCE = 'http://127.0.0.1:8787/mcp';
export const CLIENT = { id: 'g3n-introspection', secret: 'very secret: + %' };

/** Opens the provider. */
export async function openIssuer(): Promise<TestIssuer> {
  const asked = new Map<string, number>();
  const opaque = new Map<string, object>();
  const trouble: TestIssuer['trouble'] = new Map();
  let pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const attackers = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let kid = 'first';
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://issuer').pathname;
    asked.set(path, (asked.get(path) ?? 0) + 1);
    const how = trouble.get(path);
    if (how === 'slow') return;
    if (how === 'down') return void request.socket.destroy();
    if (how === 'elsewhere') return void response.writeHead(302, { location: '/keys-of-another' }).end();
    if (how === 'not json') return void response.end('<html>');
    if (how === 'huge') return void response.end(JSON.stringify({ keys: issuer.keys, fill: 'x'.repeat(1_000_000) }));
    const answer = await answerTo(path, request);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  const answerTo = async (path: string, request: IncomingMessage): Promise<object | undefined> => {
    if (path === '/.well-known/openid-configuration') return { issuer: issuer.named, ...endpoints(issuer.url) };
    if (path === '/keys') return { keys: issuer.keys };
    if (path === '/keys-of-another') return { keys: [await exportJWK(attackers.publicKey)] };
    if (path !== '/introspect') return undefined;
    const pair = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64')
      .toString()
      .split(':');
    if (pair.map(decodeURIComponent).join('|') !== `${CLIENT.id}|${CLIENT.secret}`) return undefined;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const token = new URLSearchParams(Buffer.concat(chunks).toString()).get('token') ?? '';
    return opaque.get(token) ?? { active: false };
  };
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const jwk = async () => ({ ...(await exportJWK(pair.publicKey)), kid, use: 'sig' }); // no `alg`, as at Entra

  const issuer: TestIssuer = {
    url,
    asked,
    opaque,
    trouble,
    keys: [await jwk()],
    named: url,
    attacker: attackers.privateKey,
    publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (claims = {}, header = {}, key = pair.privateKey) =>
      new SignJWT(
        JSON.parse(JSON.stringify({ ...usualClaims(url), ...claims })) as ConstructorParameters<typeof SignJWT>[0],
      )
        .setProtectedHeader({ alg: 'RS256', kid, typ: 'at+jwt', ...header })
        .sign(key),
    async rotate() {
      pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      kid = randomUUID();
      issuer.keys = [await jwk()];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return issuer;
}

function endpoints(url: string): object {
  return { jwks_uri: `${url}/keys`, introspection_endpoint: `${url}/introspect` };
}

/** Of ada, who is a member of ACME in these tests. */
function usualClaims(iss: string): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss,
    aud: AUDIENCE,
    sub: 'ada',
    client_id: 'claude',
    orgcode: 'ACME',
    scope: 'openid crm:read',
    iat: now,
    exp: now + 300,
  };
}
