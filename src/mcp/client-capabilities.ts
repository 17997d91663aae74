/** What the client of a request declared that it can do. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type ServerContext,
} from '@modelcontextprotocol/server';

/**
 * The capabilities of the client of a request. A stateless request carries them; for older protocol versions the
 * connection knows them (`declared`), if it has a session.
 */
export function capabilitiesOf(
  { mcpReq }: Pick<ServerContext, 'mcpReq'>,
  declared: ClientCapabilities | undefined,
): ClientCapabilities | undefined {
  const claims = mcpReq.envelope as { readonly [key: string]: ClientCapabilities } | undefined;
  return claims?.[CLIENT_CAPABILITIES_META_KEY] ?? declared;
}
