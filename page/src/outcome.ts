/** What became of a tool call, in the terms of the CRM. Not: how it is shown. */
import type { ErrorObject } from '../../src/contract/envelope.js';
import type { Issue } from '../../src/contract/errors.js';
import type { Exchange } from './mcp.js';

/** A call that nothing was done of: somebody has to agree to it first. */
export interface Question {
  /** What stands for their yes. */
  readonly token: string;
  /** Until when it is good, ISO-8601. */
  readonly expiresAt?: string;
  readonly preview: Preview;
}

export interface Preview {
  readonly action?: string;
  readonly changes?: readonly { readonly field: string; readonly before: unknown; readonly after: unknown }[];
  /** What the call would answer. */
  readonly result?: unknown;
  readonly note?: string;
}

/** What is missing of an answer that was too long. */
export interface Cut {
  readonly field: string;
  readonly shown: number;
  readonly total: number;
}

export interface Outcome {
  readonly kind: 'success' | 'refusal' | 'fault' | 'question';
  /** What a person is told: a sentence, or the code of a refusal. */
  readonly headline: string;
  readonly message?: string;
  readonly httpStatus?: number;
  readonly issues: readonly Issue[];
  readonly nextSteps: readonly string[];
  readonly requiredRoles: readonly string[];
  readonly truncated: readonly Cut[];
  readonly question?: Question;
  /** When the server will have it again, in milliseconds since 1970. */
  readonly retryAt?: number;
  /** The answer as a value: the data of a success, the error object of a refusal. */
  readonly value?: unknown;
  /** The text a model reads. */
  readonly modelText?: string;
  /** The whole reply. */
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

/** The outcome of a `tools/call` that was answered. */
export function outcomeOf({ reply, ms, status, requestId, retryAfterMs }: Exchange): Outcome {
  if (reply.error !== undefined) {
    const headline = `Refused by the protocol (${reply.error.code})`;
    const { message } = reply.error;
    return { ...NOTHING, kind: 'fault', headline, message, httpStatus: status, reply, ms, ...waiting(retryAfterMs) };
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
  if (result.isError === true) return { ...refusal(modelText), ...common };
  const value = result.structuredContent ?? parse(modelText) ?? modelText;
  const { truncated, next_steps } = (value ?? {}) as { readonly truncated?: unknown; readonly next_steps?: unknown };
  const told = { truncated: listOf<Cut>(truncated), nextSteps: listOf<string>(next_steps) };
  return { ...NOTHING, ...told, kind: 'success', headline: 'Done', value, ...common };
}

/** The outcome of a call that was not answered. */
export function faultOutcome(message: string, ms: number, status?: number): Outcome {
  return {
    ...NOTHING,
    kind: 'fault',
    headline: 'No answer',
    message,
    ms,
    ...(status === undefined ? {} : { httpStatus: status }),
  };
}

function refusal(modelText: string): Omit<Outcome, 'ms'> {
  const parsed = parse(unmarked(modelText)) as (Partial<ErrorObject> & { readonly notice?: unknown }) | undefined;
  if (typeof parsed !== 'object' || parsed === null) {
    return { ...NOTHING, kind: 'refusal', headline: 'Refused', message: modelText };
  }
  const { notice: _ofMarks, ...error } = parsed;
  const details = error.details ?? {};
  const question = error.error_code === CONFIRMATION_REQUIRED ? questionOf(details) : undefined;
  return {
    ...NOTHING,
    ...waiting(details.retry_after_ms),
    ...(question === undefined ? {} : { question }),
    kind: question === undefined ? 'refusal' : 'question',
    headline: error.error_code ?? 'Refused',
    message: error.major?.message.en_US ?? '',
    ...(error.http_status === undefined ? {} : { httpStatus: error.http_status }),
    issues: listOf<Issue>(details.issues),
    nextSteps: listOf<string>(error.next_steps),
    requiredRoles: listOf<string>(details.required_roles),
    value: error,
  };
}

function questionOf({ confirm_token, expires_at, preview }: Readonly<Record<string, unknown>>): Question | undefined {
  if (typeof confirm_token !== 'string') return undefined;
  const shown = typeof preview === 'object' && preview !== null ? (preview as Preview) : {};
  return {
    token: confirm_token,
    preview: { ...shown, changes: listOf(shown.changes) },
    ...(typeof expires_at === 'string' ? { expiresAt: expires_at } : {}),
  };
}

function waiting(ms: unknown): Pick<Outcome, 'retryAt'> {
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

/** The text without the marks around strangers' text, which its notice names: they are for models. */
function unmarked(text: string): string {
  const [, open, close] = /^\{"notice":"Text between (<\d+>) and (<\/\d+>) /.exec(text) ?? [];
  return open === undefined || close === undefined ? text : text.replaceAll(open, '').replaceAll(close, '');
}

/** An issue as a sentence without its subject. */
export function sentenceOf({ message, expected = '' }: Issue): string {
  return expected === '' || message.includes(expected) ? `${message}.` : `${message} (${expected}).`;
}
