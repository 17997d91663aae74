/** Builds and sends a tool call, directly or through CALL_OPERATION on a lean server. */
import { CALL_OPERATION, CONFIRM_TOKEN, type Entry } from './catalogue.js';
import { type Endpoint, request } from './mcp.js';
import { type Outcome, outcomeOf } from './outcome.js';

export interface Call {
  readonly name: string;
  readonly arguments: object;
}

type Target = Pick<Entry, 'name' | 'through'>;

/** The parameters of `tools/call`. */
export function callOf({ name, through }: Target, args: object): Call {
  return through
    ? { name: CALL_OPERATION, arguments: { operation: name, arguments: args } }
    : { name, arguments: args };
}

/** The arguments with the confirmation token. For CALL_OPERATION, the token goes into the inner arguments. */
export function withToken({ name }: Target, args: object, token: string): object {
  if (name !== CALL_OPERATION) return { ...args, [CONFIRM_TOKEN]: token };
  const { arguments: inner } = args as { readonly arguments?: object };
  return { ...args, arguments: { ...inner, [CONFIRM_TOKEN]: token } };
}

/** Calls a tool and returns the outcome. @throws RequestError when there is no valid response. */
export async function callTool(
  endpoint: Endpoint,
  target: Target,
  args: object,
  signal?: AbortSignal,
): Promise<Outcome> {
  return outcomeOf(await request(endpoint, 'tools/call', { ...callOf(target, args) }, signal));
}
