/**
 * Which scopes an access token lacks for what a client asks, before it is carried out: HTTP must answer with 403, so
 * that the client can get a token for more (step-up). The pipeline checks the scope of every call all the same.
 */
import { hasScope, scopeOf } from '../contract/access.js';
import type { Operation } from '../contract/operation.js';
import { mayCall } from '../pipeline/authorise.js';
import { callerOf } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import type { Catalogue } from '../tools/catalogue.js';
import { leanTargetOf } from './lean-calls.js';
import { CALL } from './lean-tools.js';
import { readRequestOf, recordsOf } from './record-resources.js';
import { uriSegments } from './resource-uri.js';
import type { Application } from './server.js';

/**
 * The scopes that would be needed besides those of the token; empty when none is, when there is no token, or when the
 * caller may not call the operation with any scope.
 */
export type FindMissingScopes = (headers: CallHeaders, messages: readonly unknown[]) => Promise<readonly string[]>;

/** Looks at calls of tools, also in lean mode, and at resources that are records. */
export function createFindMissingScopes({ catalogue, pipeline, lean }: Application): FindMissingScopes {
  const records = recordsOf({ catalogue });
  return async (headers, messages) => {
    const { token } = headers;
    if (token === undefined) return [];
    const operations = messages
      .map((message) => operationIn(message, catalogue, lean, records))
      .filter((operation) => operation !== undefined)
      .filter((operation) => !hasScope(operation, token.scopes));
    if (operations.length === 0) return [];
    const caller = await callerOf(pipeline, headers);
    if (caller === undefined) return [];
    const passing = operations.filter((operation) => mayCall(pipeline.roles, operation, caller));
    return [...new Set(passing.map(scopeOf).filter((scope) => scope !== undefined))];
  };
}

function operationIn(
  message: unknown,
  catalogue: Catalogue,
  lean: boolean,
  records: ReturnType<typeof recordsOf>,
): Operation | undefined {
  const { method, params = {} } = message as {
    readonly method?: unknown;
    readonly params?: { readonly name?: unknown; readonly arguments?: unknown; readonly uri?: unknown };
  };
  if (method === 'tools/call') {
    if (!lean) return catalogue.find(String(params.name))?.operation;
    return params.name === CALL.tool.name ? leanTargetOf(catalogue, params.arguments)?.entry.operation : undefined;
  }
  if (method !== 'resources/read') return undefined;
  const segments = uriSegments(String(params.uri));
  const read = segments === undefined ? undefined : readRequestOf(records, segments);
  return read === undefined ? undefined : catalogue.find(read.tool)?.operation;
}
