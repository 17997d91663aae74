/** The outcome of a tool call in CRM terms. result-pane.ts renders it. */
import type { ErrorObject } from '../../src/contract/envelope.js';
import type { Issue } from '../../src/contract/errors.js';
import type { Exchange } from './mcp.js';

/** A call that the server has not run because it needs confirmation first. */
export interface Confirmation {
  /** The confirm_token to send with the repeated call. */
  readonly token: string;
  /** When the token expires, ISO 8601. */
  readonly expiresAt?: string;
  readonly preview: Preview;
}

export interface Preview {
  readonly action?: string;
  readonly changes?: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
  /** The result that the call would return. */
  readonly result?: unknown;
  readonly note?: string;
}

/** A field that was shortened because the result was too long. */
export interface Truncation {
  readonly field: string;
  readonly shown: number;
  readonly total: number;
}

export interface Outcome {
  readonly kind: 'success' | 'error' | 'failure' | 'confirmation';
  /** A short sentence or an error code. */
  readonly headline: string;
  readonly message?: string;
  readonly httpStatus?: number;
  readonly issues: readonly Issue[];
  readonly nextSteps: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly truncated: readonly Truncation[];
  readonly confirmation?: Confirmation;
  /** When the call can be retried, in milliseconds since 1970. */
  readonly retryAt?: number;
  /** The structured result of a success, or the error object. */
  readonly value?: unknown;
  /** The text that the model reads. */
  readonly modelText?: string;
  /** The full JSON-RPC response. */
  readonly reply?: unknown;
  readonly ms: number;
  readonly serverMs?: number;
  readonly requestId?: string;
}

interface ToolResult {
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: { readonly stats?: { readonly request_id?: string; readonly latency_ms?: number } };
}

const CONFIRMATION_REQUIRED = 'crm.confirmation_required';
const NOTHING = { issues: [], nextSteps: [], requiredRoles: [], truncated: [] } as const;

/** The outcome of a `tools/call` that got a response. */
export function outcomeOf({ reply, ms, status, requestId, retryAfterMs }: Exchange): Outcome {
  if (reply.error !== undefined) {
    const headline = `Protocol error (${reply.error.code})`;
    const { message } = reply.error;
    return {
      ...NOTHING,
      kind: 'failure',
      headline,
      message,
      httpStatus: status,
      reply,
      ms,
      ...retryTime(retryAfterMs),
    };
  }
  const result = (reply.result ?? {}) as ToolResult;
  const stats = result._meta?.stats;
  const id = stats?.request_id ?? requestId;
  const modelText = result.content?.map((block) => block.text ?? `[${block.type}]`).join('\n') ?? '';
  const common = {
    reply,
    ms,
    modelText,
    ...(stats?.latency_ms === undefined ? {} : { serverMs: stats.latency_ms }),
    ...(id === undefined ? {} : { requestId: id }),
  };
  if (result.isError === true) return { ...errorOutcome(modelText), ...common };
  const value = result.structuredContent ?? parse(modelText) ?? modelText;
  const { truncated, next_steps } = (value ?? {}) as { readonly truncated?: unknown; readonly next_steps?: unknown };
  const notes = { truncated: listOf<Truncation>(truncated), nextSteps: listOf<string>(next_steps) };
  return { ...NOTHING, ...notes, kind: 'success', headline: 'Done', value, ...common };
}

/** The outcome of a call that got no valid response. */
export function failureOutcome(message: string, ms: number, status?: number): Outcome {
  return {
    ...NOTHING,
    kind: 'failure',
    headline: 'No response',
    message,
    ms,
    ...(status === undefined ? {} : { httpStatus: status }),
  };
}

function errorOutcome(modelText: string): Omit<Outcome, 'ms'> {
  const parsed = parse(withoutMarkers(modelText)) as (Partial<ErrorObject> & { readonly notice?: unknown }) | undefined;
  if (typeof parsed !== 'object' || parsed === null) {
    return { ...NOTHING, kind: 'error', headline: 'Error', message: modelText };
  }
  const { notice: _notice, ...error } = parsed;
  const details = error.details ?? {};
  const confirmation = error.error_code === CONFIRMATION_REQUIRED ? confirmationOf(details) : undefined;
  return {
    ...NOTHING,
    ...retryTime(details.retry_after_ms),
    ...(confirmation === undefined ? {} : { confirmation }),
    kind: confirmation === undefined ? 'error' : 'confirmation',
    headline: error.error_code ?? 'Error',
    message: error.major?.message.en_US ?? '',
    ...(error.http_status === undefined ? {} : { httpStatus: error.http_status }),
    issues: listOf<Issue>(details.issues),
    nextSteps: listOf<string>(error.next_steps),
    requiredRoles: listOf<string>(details.required_roles),
    value: error,
  };
}

function confirmationOf({
  confirm_token,
  expires_at,
  preview,
}: Readonly<Record<string, unknown>>): Confirmation | undefined {
  if (typeof confirm_token !== 'string') return undefined;
  const shown = typeof preview === 'object' && preview !== null ? (preview as Preview) : {};
  return {
    token: confirm_token,
    preview: { ...shown, changes: listOf(shown.changes) },
    ...(typeof expires_at === 'string' ? { expiresAt: expires_at } : {}),
  };
}

function retryTime(ms: unknown): Pick<Outcome, 'retryAt'> {
  return typeof ms === 'number' && ms > 0 ? { retryAt: Date.now() + ms } : {};
}

function listOf<Item>(value: unknown): readonly Item[] {
  return Array.isArray(value) ? (value as Item[]) : [];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Removes the boundary markers around untrusted text, which are meant for models. The notice names them. */
function withoutMarkers(text: string): string {
  const [, open, close] = /^\{"notice":"Text between (<\d+>) and (<\/\d+>) /.exec(text) ?? [];
  return open === undefined || close === undefined ? text : text.replaceAll(open, '').replaceAll(close, '');
}

/** An issue as a sentence without its subject, to follow the field name. */
export function sentenceOf({ message, expected = '' }: Issue): string {
  return expected === '' || message.includes(expected) ? `${message}.` : `${message} (${expected}).`;
}
