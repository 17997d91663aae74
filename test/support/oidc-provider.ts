/** A real identity provider on loopback: oidc-provider, with open registration and its own forms for signing in. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scopesOf } from '../../src/contract/access.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';

export interface RealProvider {
  readonly issuer: string;
  /** The client as which the resource server asks about tokens. */
  readonly resourceServer: { readonly clientId: string; readonly clientSecret: string };
  /** Of the access tokens that it issues from now on. */
  format: 'jwt' | 'opaque';
  /** Client ID metadata documents, by URL: what the provider finds when it looks for one. */
  readonly documents: Map<string, object>;
  /** Called with each request for a token. */
  onTokenRequest: () => void;
  close(): Promise<void>;
}

/** Opens the provider for one resource. Everybody who signs in belongs to ACME. */
export async function openProvider(resource: string, publicClients: readonly object[] = []): Promise<RealProvider> {
  // @ts-expect-error the package has no types
  const { default: Provider } = await import('oidc-provider');
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const scope = scopesOf(CONTRACT.operations).join(' ');
  const resourceServer = { clientId: 'g3n', clientSecret: 'known-to-both-and-long-enough-for-the-provider' };
  const real: RealProvider = {
    issuer,
    resourceServer,
    format: 'jwt',
    documents: new Map(),
    onTokenRequest: () => {},
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: resourceServer.clientId,
        client_secret: resourceServer.clientSecret,
        grant_types: [],
        redirect_uris: [],
        response_types: [],
      },
      ...publicClients,
    ],
    scopes: ['openid', 'offline_access', ...scope.split(' ')],
    fetch: async (url: string | URL) => found(real.documents.get(String(url))),
    cookies: { keys: ['test'] },
    clientBasedCORS: () => true,
    extraTokenClaims: () => ({ orgcode: 'ACME' }),
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    issueRefreshToken: () => true,
    // A client registers with the scopes of its first request, and may ask for more later: most providers allow that.
    extraClientMetadata: {
      properties: ['any_scope'],
      validator: (_context: unknown, _key: string, _value: unknown, metadata: { scope?: string }) => {
        if (metadata.scope !== undefined) metadata.scope = `openid offline_access ${scope}`;
      },
    },
    features: {
      registration: { enabled: true },
      introspection: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope,
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: real.format,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url === '/token') real.onTokenRequest();
    void answer(request, response);
  });
  return real;
}

/** The answer to a request for a document: they are at https URLs of the Internet, which tests do not reach. */
function found(document: object | undefined): Response {
  return document === undefined ? new Response(null, { status: 404 }) : Response.json(document);
}
