/** Opens the resource server of OAuth, as the settings configure it. */
import { ConfigError } from '../config.js';
import { scopesOf } from '../contract/access.js';
import { describe, type Log } from '../log.js';
import type { Application } from '../mcp/server.js';
import type { OAuthOptions } from '../oauth/oauth-options.js';
import type { Bearer, TokenRefusal } from '../transport/bearer.js';
import type { Serving } from './open-serving.js';

export interface BearerParts {
  readonly serving: Serving;
  readonly application: Application;
  readonly log: Log;
}

/**
 * Asks for the issuer's metadata, before anything is opened or made. An identity provider that is down keeps no other
 * caller out: the server starts, and asks again when a token comes.
 * @throws ConfigError when the metadata are those of another issuer.
 */
export async function requireIssuer({ issuer }: OAuthOptions, log: Log): Promise<void> {
  const { createIssuerHttp } = await import('../oauth/issuer-http.js');
  const { createIssuerMetadata, IssuerMismatch } = await import('../oauth/issuer-metadata.js');
  const clock = () => performance.now();
  try {
    await createIssuerMetadata(issuer, createIssuerHttp({ clock }), clock)();
  } catch (error) {
    if (error instanceof IssuerMismatch) throw new ConfigError(`--oauth-issuer: ${error.message}`);
    log.warn({ cause: describe(error as Error) }, 'the identity provider does not answer yet');
  }
}

/** Admits callers with access tokens; undefined without OAuth. @throws ConfigError when tokens could not be served. */
export async function openBearer(
  options: OAuthOptions | undefined,
  { serving, application, log }: BearerParts,
): Promise<Bearer | undefined> {
  if (options === undefined) return undefined;
  if (serving.tokensProblem !== undefined) throw new ConfigError(serving.tokensProblem);
  if (serving.mappedOrg === undefined && options.claims.tenant !== undefined)
    throw new ConfigError('--oauth-tenant-claim needs the embedded database, which has the map of tenants');
  const { createResourceServer } = await import('../oauth/resource-server.js');
  const { createBearer } = await import('../transport/bearer.js');
  const { MCP_PATH } = await import('../transport/http.js');
  const operations = application.catalogue.entries.map(({ operation }) => operation);
  const server = createResourceServer({
    options,
    known: { scopes: scopesOf(operations), roles: [...new Set(Object.values(application.pipeline.roles).flat())] },
    mcpPath: MCP_PATH,
    mappedOrg: serving.mappedOrg ?? NOT_MAPPED,
  });
  const onRefused = ({ isOutage, ...refusal }: TokenRefusal) => {
    if (isOutage) log.warn(refusal, 'an access token cannot be checked');
    else log.debug(refusal, 'an access token was rejected');
  };
  return createBearer({ server, limits: application.pipeline.limits, onRefused });
}

const NOT_MAPPED = async () => undefined;
