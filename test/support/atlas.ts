/** The published error atlas, and a check that an error follows it. */
import type { Envelope, ErrorObject } from '../../src/contract/envelope.js';
import type { Effect } from '../../src/contract/operation.js';
import { DOCUMENT } from './responses.js';

export interface AtlasEntry {
  readonly group: string;
  readonly tag: string;
  readonly http_status: number;
  readonly retryable: 'no' | 'yes' | 'reads' | 'varies';
  readonly when: string;
  readonly what_to_do: string;
  readonly ask?: { readonly who: string; readonly because: string };
}

export const ATLAS = DOCUMENT['x-errors'] as { readonly [errorCode: string]: AtlasEntry };

/** @throws Error when the error of an envelope does not match the atlas. */
export function requireAtlas(envelope: Envelope, effect: Effect): void {
  if (envelope.success) return;
  requireDetails(envelope.error);
  const actual = factsOf(envelope.error);
  const entry = ATLAS[envelope.error.error_code];
  const retryable = mayRepeat(entry?.retryable, envelope.error, effect);
  const expected = entry && `${entry.tag} ${entry.http_status} ${retryable ? 'retryable' : 'final'}`;
  if (actual === expected) return;
  const code = envelope.error.error_code;
  throw new Error(`${code} is ${actual}; openapi/errors.yaml states ${expected ?? 'nothing about it'}`);
}

/** @throws Error when the next steps name a detail that the error does not have. */
function requireDetails({ error_code, next_steps = [], details = {} }: ErrorObject): void {
  const named = next_steps.flatMap((step) => Array.from(step.matchAll(/\bdetails\.(\w+)/g), ([, name = '']) => name));
  const missing = named.filter((name) => !Object.hasOwn(details, name));
  if (missing.length > 0) throw new Error(`${error_code}: no details.${missing.join(', details.')}, as next_steps say`);
}

function factsOf({ major, http_status, retryable }: ErrorObject): string {
  return `${major.tag} ${http_status} ${retryable ? 'retryable' : 'final'}`;
}

function mayRepeat(retryable: AtlasEntry['retryable'] | undefined, error: ErrorObject, effect: Effect): boolean {
  if (retryable === 'varies') return error.retryable;
  return retryable === 'yes' || (retryable === 'reads' && effect === 'read');
}
