/** What became of a tool call, in the terms of the CRM. Not: how it is shown. */
import type { ErrorObject } from '../../src/contract/envelope.js';
import type { Issue } from '../../src/contract/errors.js';
import type { Exchange } from './mcp.js';

export interface Outcome {
  readonly kind: 'success' | 'refusal' | 'fault';
  /** What a person is told: a sentence, or the code of a refusal. */
  readonly headline: string;
  readonly message?: string;
  readonly httpStatus?: number;
  readonly issues: readonly Issue[];
  readonly nextSteps: readonly string[];
  readonly requiredRoles: readonly string[];
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

const NOTHING = { issues: [], nextSteps: [], requiredRoles: [] } as const;

/** The outcome of a `tools/call` that was answered. */
export function outcomeOf({ reply, ms, status, requestId }: Exchange): Outcome {
  if (reply.error !== undefined) {
    const headline = `Refused by the protocol (${reply.error.code})`;
    return { ...NOTHING, kind: 'fault', headline, message: reply.error.message, httpStatus: status, reply, ms };
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
  return { ...NOTHING, kind: 'success', headline: 'Done', value, ...common };
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
  const error = parse(unmarked(modelText)) as Partial<ErrorObject> | undefined;
  if (typeof error !== 'object' || error === null) {
    return { ...NOTHING, kind: 'refusal', headline: 'Refused', message: modelText };
  }
  const details = error.details ?? {};
  return {
    kind: 'refusal',
    headline: error.error_code ?? 'Refused',
    message: error.major?.message.en_US ?? '',
    ...(error.http_status === undefined ? {} : { httpStatus: error.http_status }),
    issues: listOf<Issue>(details.issues),
    nextSteps: listOf<string>(error.next_steps),
    requiredRoles: listOf<string>(details.required_roles),
    value: error,
  };
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
