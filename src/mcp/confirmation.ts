/**
 * Calls that need confirmation: the first call returns a preview and a token; the same call with the token is carried
 * out. Does not ask the user; see elicitation.ts.
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
import { alreadySpent, type ConfirmTokens, createConfirmTokens, REASON_SPENT } from './confirm-token.js';
import { CALL } from './lean-tools.js';
import { movesAtLeast, type PointPrice } from './moved-value.js';
import { toShownPreview } from './preview.js';

/** Which calls need confirmation: destructive ones, those that move at least `money`, or every write. */
export type ConfirmMode = 'off' | 'destructive' | 'all' | { readonly money: number };

export type ConfirmDecision = 'asked' | 'given' | 'declined';

/** The user's reply to a preview. */
export interface ConfirmationReply {
  readonly token: unknown;
  readonly agreed: boolean;
}

export interface Confirmation {
  /** Whether calls of a tool may need confirmation. */
  covers(toolName: string): boolean;
  /**
   * Wraps a call so that, if it needs confirmation, it is carried out only once confirmed. Where the client can ask its
   * user (`dialogue`), only the user's reply confirms the call; a token sent by the model does not.
   */
  guard(request: CallRequest, dialogue: { readonly reply: ConfirmationReply | undefined } | undefined): CallRequest;
}

export interface ConfirmOptions {
  readonly mode: ConfirmMode;
  /** Seal the tokens: servers that share keys accept each other's tokens. Default: random keys of this process. */
  readonly keys?: Keys | undefined;
  /** Called for each call that the user is asked about, and with what they decided. */
  readonly onDecision?: ((decision: ConfirmDecision) => void) | undefined;
  /** The whole contract, whatever part of it agents can use: the read that prices points is looked up here. */
  readonly operations: readonly Operation[];
}

/** The requested confirmation mode does not work with this contract; the message gives the reason. */
export class ConfirmError extends Error {}

interface Confirmable {
  readonly catalogue: Catalogue;
  readonly pipeline: Pipeline;
}

export const CONFIRMATION_REQUIRED = 'crm.confirmation_required';
export const CONFIRM_TOKEN = 'confirm_token';
const TOKEN_PROPERTY: JsonSchema = {
  type: 'string',
  description: 'After the user approves',
};
/** The read that prices points. */
const POLICY = 'loyalty_policy_get';

/** @throws Error when `text` is not a confirmation mode; the message lists the modes. */
export function readConfirmMode(text: string): ConfirmMode {
  if (text === 'off' || text === 'destructive' || text === 'all') return text;
  const money = /^money=(\d{1,12}(?:\.\d{1,4})?)$/.exec(text)?.[1];
  if (money === undefined) throw new Error('must be off, destructive, money=AMOUNT or all');
  return { money: Number(money) };
}

/** @throws ConfirmError for a money mode when the contract does not mark what moves value. */
export function requireConfirmable(mode: ConfirmMode, operations: readonly Operation[]): void {
  if (typeof mode === 'object' && !operations.some((operation) => covers(mode, operation)))
    throw new ConfirmError('--confirm money: no operation of this contract is marked as moving value');
}

/**
 * Adds confirmation to an application, as `mode` requires.
 * @throws ConfirmError for a money mode when the contract does not mark what moves value, and for a tool that already
 * has an argument named `confirm_token`.
 */
export function withConfirmation<Application extends Confirmable>(
  application: Application,
  { mode, keys, operations, onDecision = () => {} }: ConfirmOptions,
): Application & { readonly confirmation?: Confirmation } {
  if (mode === 'off') return application;
  const { catalogue, pipeline } = application;
  requireConfirmable(mode, operations);
  const covered = catalogue.entries.filter(({ operation }) => covers(mode, operation));
  const entries = catalogue.entries.map((entry) => (covered.includes(entry) ? withToken(entry) : entry));
  const priceRead = operations.find(({ id, effect }) => id === POLICY && effect === 'read');
  const performConfirmed = createConfirmedPerform(
    mode,
    keys ?? deriveKeys(randomBytes(32)),
    pipeline.backend,
    priceRead,
    onDecision,
  );
  const guard = createGuard(mode, performConfirmed);
  const names = new Set([...covered.map(({ tool }) => tool.name), CALL.tool.name]);
  const confirmation = { guard, covers: (toolName: string) => names.has(toolName) };
  return { ...application, catalogue: createCatalogueOf(entries), confirmation };
}

/** Whether calls of an operation may need confirmation. */
export function covers(mode: ConfirmMode, { effect, moves }: Operation): boolean {
  if (mode === 'off' || effect === 'read') return false;
  if (mode === 'all') return true;
  return mode === 'destructive' ? effect === 'destroy' : moves !== undefined;
}

/** Wraps requests of covered operations, so that they run only when confirmed. */
function createGuard(mode: ConfirmMode, performConfirmed: ConfirmedPerform): Confirmation['guard'] {
  return (request, dialogue) => {
    if (!covers(mode, request.operation)) return request;
    const { [CONFIRM_TOKEN]: token, ...rest } = request.arguments as { [CONFIRM_TOKEN]?: unknown };
    const given = token === undefined || token === null || token === '' ? undefined : { token, agreed: true };
    const reply = dialogue === undefined ? given : dialogue.reply;
    return { ...request, arguments: rest, intercept: (call) => performConfirmed(call, reply) };
  };
}

/** Performs a call that may need confirmation, given the user's reply if there is one yet. */
type ConfirmedPerform = (
  call: BackendCall,
  reply: ConfirmationReply | undefined,
) => Promise<BackendResult | RelayedEnvelope>;

function createConfirmedPerform(
  mode: ConfirmMode,
  keys: Keys,
  backend: Backend,
  priceRead: Operation | undefined,
  onDecision: (decision: ConfirmDecision) => void,
): ConfirmedPerform {
  const tokens = createConfirmTokens(keys);
  return async (call, reply) => {
    if (!(await needsConfirmation(mode, backend, priceRead, call))) return backend.perform(call);
    if (reply === undefined) return requestConfirmation(backend, tokens, call, () => onDecision('asked'));
    const spent = await spendToken(backend, tokens, call, reply);
    if (typeof spent !== 'string') return spent;
    onDecision(reply.agreed ? 'given' : 'declined');
    if (!reply.agreed) throw declined();
    return performOnce(backend, tokens, call, spent);
  };
}

async function needsConfirmation(
  mode: ConfirmMode,
  backend: Backend,
  priceRead: Operation | undefined,
  { operation: { moves }, input, ...rest }: BackendCall,
): Promise<boolean> {
  if (typeof mode === 'string') return true;
  if (moves === undefined) return false;
  return movesAtLeast(mode.money, moves, input, () => pointValue(backend, priceRead, rest));
}

/** A call that would change nothing (a replay or a dry run) returns its result at once. */
async function requestConfirmation(
  backend: Backend,
  tokens: ConfirmTokens,
  call: BackendCall,
  onAsked: () => void,
): Promise<BackendResult> {
  const previewed = await backend.preview?.(call);
  if (previewed !== undefined && !('preview' in previewed)) return previewed;
  const { operation, input } = call;
  onAsked();
  throw confirmationRequired({ preview: toShownPreview(operation, input, previewed), ...tokens.mint(call) });
}

/**
 * Spends the token and returns its name. When the token was spent already and the call carries its own idempotency key,
 * the client is repeating a call whose response was lost: returns that call's stored result instead.
 */
async function spendToken(
  backend: Backend,
  tokens: ConfirmTokens,
  call: BackendCall,
  { token, agreed }: ConfirmationReply,
): Promise<string | BackendResult> {
  try {
    return tokens.spend(token, call);
  } catch (error) {
    if (!agreed || !(error instanceof CrmError) || error.details?.reason !== REASON_SPENT) throw error;
    const previewed = 'idempotency_key' in call.input ? await backend.preview?.(call) : undefined;
    if (previewed !== undefined && !('preview' in previewed)) return previewed;
    throw error;
  }
}

/**
 * A call without an idempotency key gets the token's name as its key, so that the token is valid only once even when
 * another process spent it.
 */
async function performOnce(
  backend: Backend,
  tokens: ConfirmTokens,
  call: BackendCall,
  name: string,
): Promise<BackendResult | RelayedEnvelope> {
  const { operation, input } = call;
  const keyless = operation.acceptsIdempotencyKey && !('idempotency_key' in input);
  const keyed = keyless ? { ...call, input: { ...input, idempotency_key: `confirm:${name}` } } : call;
  try {
    const done = await backend.perform(keyed);
    if (keyless && isReplay(done)) throw alreadySpent();
    if ('envelope' in done && !done.envelope.success && done.envelope.error.retryable) tokens.restore(name);
    return done;
  } catch (error) {
    if (error instanceof CrmError && error.retryable) tokens.restore(name);
    throw error;
  }
}

function withToken(entry: CatalogueEntry): CatalogueEntry {
  const variants = ALL_PINNED_FIELDS.map((pins) => lazy(() => withTokenArgument(entry.pinned(pins))));
  const tool = withTokenArgument(entry.tool);
  return Object.freeze({
    operation: entry.operation,
    tool,
    pinned: (pins: PinnedFields) => variants[pins]?.() ?? tool,
    get untrusted() {
      return entry.untrusted; // built on first use
    },
  });
}

function withTokenArgument(tool: Tool): Tool {
  const properties = (tool.inputSchema.properties ?? {}) as object;
  if (CONFIRM_TOKEN in properties)
    throw new ConfirmError(`--confirm: ${tool.name} has an argument ${CONFIRM_TOKEN} of its own`);
  const inputSchema = { ...tool.inputSchema, properties: { ...properties, [CONFIRM_TOKEN]: TOKEN_PROPERTY } };
  return Object.freeze({ ...tool, inputSchema });
}

/**
 * The value of a point under the policy in force, in major units; 1 when the policy does not state one, `unknown` when
 * the policy cannot be read.
 */
async function pointValue(
  backend: Backend,
  operation: Operation | undefined,
  rest: Omit<BackendCall, 'operation' | 'input'>,
): Promise<PointPrice> {
  if (operation === undefined) return 1;
  try {
    const done = await backend.perform({ ...rest, operation, input: {} });
    if ('envelope' in done && !done.envelope.success) return 'unknown';
    const { policy } = ('envelope' in done ? (done.envelope as SuccessEnvelope).data : done.data) as PricedPolicy;
    const value = policy?.redeem?.point_value ?? 1;
    return typeof value === 'number' ? value : 'unknown';
  } catch (error) {
    if (error instanceof CrmError) return 'unknown';
    throw error;
  }
}

interface PricedPolicy {
  readonly policy?: { readonly redeem?: { readonly point_value?: unknown } | null } | null;
}

function isReplay(done: BackendResult | RelayedEnvelope): boolean {
  return 'envelope' in done ? done.envelope.stats?.idempotent_replay === true : done.replayed === true;
}

function confirmationRequired(details: Readonly<Record<string, unknown>>): CrmError {
  return invalidState(CONFIRMATION_REQUIRED, 'Nothing was done: this call needs to be confirmed.', details, [
    'Show details.preview to the user, and ask.',
    'If they agree, repeat the very same call with confirm_token set to details.confirm_token.',
    'If not, leave it.',
  ]);
}

function declined(): CrmError {
  return invalidState('crm.confirmation_declined', 'Nothing was done: the user did not agree.');
}
