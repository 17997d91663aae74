/**
 * Calls that somebody has to agree to first: the first one is answered with a preview and a token, the same call with
 * the token is carried out. Not: how a person is asked.
 */
import { randomBytes } from 'node:crypto';
import type { Backend, BackendCall, BackendResult, RelayedEnvelope } from '../contract/backend.js';
import type { SuccessEnvelope } from '../contract/envelope.js';
import { CrmError, invalidState } from '../contract/errors.js';
import { lazy } from '../contract/lazy.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import type { CallRequest, Pipeline } from '../pipeline/call.js';
import { ALL_PINNED_FIELDS, type PinnedFields } from '../pipeline/operating-context.js';
import { deriveKeys, type Keys } from '../secrets/keys.js';
import { type Catalogue, type CatalogueEntry, createCatalogueOf, type Tool } from '../tools/catalogue.js';
import { createConfirmTokens, SPENT, spentAlready } from './confirm-token.js';
import { CALL } from './lean-tools.js';
import { movesAtLeast, type Price } from './moved-value.js';
import { showPreview } from './preview.js';

/** Which calls need it: those that destroy, those that move so much value, or every write. */
export type ConfirmMode = 'off' | 'destructive' | 'all' | { readonly money: number };

/** What somebody said to a preview. */
export interface ConfirmationReply {
  readonly token: unknown;
  readonly agreed: boolean;
}

export interface Confirmation {
  /** Whether calls of a tool may need it. */
  covers(toolName: string): boolean;
  /**
   * The call as it comes, to be carried out only when it is confirmed, if it needs to be. Where the user can be asked
   * (`dialogue`), their reply alone confirms it, and no token that a model gives.
   */
  guard(request: CallRequest, dialogue: { readonly reply: ConfirmationReply | undefined } | undefined): CallRequest;
}

export interface ConfirmOptions {
  readonly mode: ConfirmMode;
  /** Tokens are sealed with them: servers that share them take each other's. Default: good in this process alone. */
  readonly keys?: Keys | undefined;
  /** The whole contract, whatever of it agents have: the read that prices points is looked for here. */
  readonly operations: readonly Operation[];
}

/** What cannot be confirmed as asked; the message tells why. */
export class ConfirmError extends Error {}

interface Confirmable {
  readonly catalogue: Catalogue;
  readonly pipeline: Pipeline;
}

export const CONFIRMATION_REQUIRED = 'crm.confirmation_required';
export const CONFIRM_TOKEN = 'confirm_token';
const TOKEN_PROPERTY: JsonSchema = {
  type: 'string',
  description: 'Of a preview the user agreed to',
};
/** The read that prices points. */
const POLICY = 'loyalty_policy_get';

/** @throws Error when `text` is no mode; the message lists them. */
export function readConfirmMode(text: string): ConfirmMode {
  if (text === 'off' || text === 'destructive' || text === 'all') return text;
  const money = /^money=(\d{1,12}(?:\.\d{1,4})?)$/.exec(text)?.[1];
  if (money === undefined) throw new Error('must be off, destructive, money=AMOUNT or all');
  return { money: Number(money) };
}

/**
 * An application whose calls are confirmed as `mode` says.
 * @throws ConfirmError for an amount where the contract does not tell what moves value, and for a tool that has an
 * argument named `confirm_token` of its own.
 */
export function withConfirmation<Application extends Confirmable>(
  application: Application,
  { mode, keys, operations }: ConfirmOptions,
): Application & { readonly confirmation?: Confirmation } {
  if (mode === 'off') return application;
  const { catalogue, pipeline } = application;
  if (typeof mode === 'object' && !operations.some((operation) => covers(mode, operation))) {
    throw new ConfirmError('--confirm money: no operation of this contract is marked as moving value');
  }
  const covered = catalogue.entries.filter(({ operation }) => covers(mode, operation));
  const entries = catalogue.entries.map((entry) => (covered.includes(entry) ? withToken(entry) : entry));
  const price = operations.find(({ id, effect }) => id === POLICY && effect === 'read');
  const guard = createGuard(mode, keys ?? deriveKeys(randomBytes(32)), pipeline.backend, price);
  const names = new Set([...covered.map(({ tool }) => tool.name), CALL.tool.name]);
  const confirmation = { guard, covers: (toolName: string) => names.has(toolName) };
  return { ...application, catalogue: createCatalogueOf(entries), confirmation };
}

/** Whether calls of an operation may need to be confirmed. */
export function covers(mode: ConfirmMode, { effect, moves }: Operation): boolean {
  if (mode === 'off' || effect === 'read') return false;
  if (mode === 'all') return true;
  return mode === 'destructive' ? effect === 'destroy' : moves !== undefined;
}

function createGuard(
  mode: ConfirmMode,
  keys: Keys,
  backend: Backend,
  price: Operation | undefined,
): Confirmation['guard'] {
  const tokens = createConfirmTokens(keys);

  async function performConfirmed(
    performance: BackendCall,
    reply: ConfirmationReply | undefined,
  ): Promise<BackendResult | RelayedEnvelope> {
    if (!(await isNeeded(performance))) return backend.perform(performance);
    if (reply === undefined) return ask(performance);
    const spent = await spend(performance, reply);
    if (typeof spent !== 'string') return spent;
    if (!reply.agreed) throw declined();
    return performOnce(performance, spent);
  }

  /** Of a call under a key of its own that is repeated whole, because its answer was lost: that answer. */
  async function spend(
    performance: BackendCall,
    { token, agreed }: ConfirmationReply,
  ): Promise<string | BackendResult> {
    try {
      return tokens.spend(token, performance);
    } catch (refusal) {
      if (!agreed || !(refusal instanceof CrmError) || refusal.details?.reason !== SPENT) throw refusal;
      const seen = 'idempotency_key' in performance.input ? await backend.preview?.(performance) : undefined;
      if (seen !== undefined && !('preview' in seen)) return seen;
      throw refusal;
    }
  }

  async function isNeeded({ operation: { moves }, input, ...rest }: BackendCall): Promise<boolean> {
    if (typeof mode === 'string') return true;
    if (moves === undefined) return false;
    return movesAtLeast(mode.money, moves, input, () => pointValue(backend, price, rest));
  }

  /** What would change nothing, a replay or a dry run, is answered at once. */
  async function ask(performance: BackendCall): Promise<BackendResult> {
    const seen = await backend.preview?.(performance);
    if (seen !== undefined && !('preview' in seen)) return seen;
    const { operation, input } = performance;
    throw required({ preview: showPreview(operation, input, seen), ...tokens.mint(performance) });
  }

  /**
   * The token's name is the idempotency key of a call that has none, so that the token is good once even where another
   * process spent it.
   */
  async function performOnce(performance: BackendCall, name: string): Promise<BackendResult | RelayedEnvelope> {
    const { operation, input } = performance;
    const keyless = operation.acceptsIdempotencyKey && !('idempotency_key' in input);
    const once = keyless ? { ...performance, input: { ...input, idempotency_key: `confirm:${name}` } } : performance;
    try {
      const done = await backend.perform(once);
      if (keyless && isReplay(done)) throw spentAlready();
      if ('envelope' in done && !done.envelope.success && done.envelope.error.retryable) tokens.giveBack(name);
      return done;
    } catch (error) {
      if (error instanceof CrmError && error.retryable) tokens.giveBack(name);
      throw error;
    }
  }

  return (request, dialogue) => {
    if (!covers(mode, request.operation)) return request;
    const { [CONFIRM_TOKEN]: token, ...rest } = request.arguments as { [CONFIRM_TOKEN]?: unknown };
    const given = token === undefined || token === null || token === '' ? undefined : { token, agreed: true };
    const reply = dialogue === undefined ? given : dialogue.reply;
    return { ...request, arguments: rest, intercept: (performance) => performConfirmed(performance, reply) };
  };
}

function withToken(entry: CatalogueEntry): CatalogueEntry {
  const variants = ALL_PINNED_FIELDS.map((pins) => lazy(() => takingToken(entry.pinned(pins))));
  const tool = takingToken(entry.tool);
  return Object.freeze({
    operation: entry.operation,
    tool,
    pinned: (pins: PinnedFields) => variants[pins]?.() ?? tool,
    get untrusted() {
      return entry.untrusted; // made when first asked for
    },
  });
}

function takingToken(tool: Tool): Tool {
  const properties = (tool.inputSchema.properties ?? {}) as object;
  if (CONFIRM_TOKEN in properties)
    throw new ConfirmError(`--confirm: ${tool.name} has an argument ${CONFIRM_TOKEN} of its own`);
  const inputSchema = { ...tool.inputSchema, properties: { ...properties, [CONFIRM_TOKEN]: TOKEN_PROPERTY } };
  return Object.freeze({ ...tool, inputSchema });
}

/** What the policy in force says a point is worth, in major units; 1 where it says nothing, `unknown` unread. */
async function pointValue(
  backend: Backend,
  operation: Operation | undefined,
  rest: Omit<BackendCall, 'operation' | 'input'>,
): Promise<Price> {
  if (operation === undefined) return 1;
  try {
    const done = await backend.perform({ ...rest, operation, input: {} });
    if ('envelope' in done && !done.envelope.success) return 'unknown';
    const { policy } = ('envelope' in done ? (done.envelope as SuccessEnvelope).data : done.data) as Priced;
    const value = policy?.redeem?.point_value ?? 1;
    return typeof value === 'number' ? value : 'unknown';
  } catch (error) {
    if (error instanceof CrmError) return 'unknown';
    throw error;
  }
}

interface Priced {
  readonly policy?: { readonly redeem?: { readonly point_value?: unknown } | null } | null;
}

function isReplay(done: BackendResult | RelayedEnvelope): boolean {
  return 'envelope' in done ? done.envelope.stats?.idempotent_replay === true : done.replayed === true;
}

function required(details: Readonly<Record<string, unknown>>): CrmError {
  return invalidState(CONFIRMATION_REQUIRED, 'Nothing was done: this call needs to be confirmed.', details, [
    'Show details.preview to the user, and ask.',
    'If they agree, repeat the very same call with confirm_token from details among its arguments.',
    'If not, leave it.',
  ]);
}

function declined(): CrmError {
  return invalidState('crm.confirmation_declined', 'Nothing was done: the user did not agree.', undefined, [
    'Do not repeat the call. Ask the user what they want instead.',
  ]);
}
