/** A call as the server takes it: of the tool itself, or of the operation that a lean server's tool runs. */
import { CALL_OPERATION, CONFIRM_TOKEN, type Entry } from './catalogue.js';
import { type Endpoint, request } from './mcp.js';
import { type Outcome, outcomeOf } from './outcome.js';

export interface Call {
  readonly name: string;
  readonly arguments: object;
}

type Target = Pick<Entry, 'name' | 'through'>;

/** What `tools/call` is asked. */
export function callOf({ name, through }: Target, args: object): Call {
  return through
    ? { name: CALL_OPERATION, arguments: { operation: name, arguments: args } }
    : { name, arguments: args };
}

/** The arguments with a yes to them. Those of an operation stand inside those of the tool that runs it. */
export function confirmed({ name }: Target, args: object, token: string): object {
  if (name !== CALL_OPERATION) return { ...args, [CONFIRM_TOKEN]: token };
  const { arguments: inner } = args as { readonly arguments?: object };
  return { ...args, arguments: { ...inner, [CONFIRM_TOKEN]: token } };
}

/** Calls, and tells what came of it. @throws Fault when nothing did. */
export async function callTool(
  endpoint: Endpoint,
  target: Target,
  args: object,
  signal?: AbortSignal,
): Promise<Outcome> {
  return outcomeOf(await request(endpoint, 'tools/call', { ...callOf(target, args) }, signal));
}
