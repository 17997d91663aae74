/** The error atlas as published, and what it says of an error that was answered. */
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
}

export const ATLAS = DOCUMENT['x-errors'] as { readonly [errorCode: string]: AtlasEntry };

/** @throws Error when an error is not as the atlas says. */
export function requireAtlas(envelope: Envelope, effect: Effect): void {
  if (envelope.success) return;
  const told = factsOf(envelope.error);
  const entry = ATLAS[envelope.error.error_code];
  const retryable = mayRepeat(entry?.retryable, envelope.error, effect);
  const expected = entry && `${entry.tag} ${entry.http_status} ${retryable ? 'retryable' : 'final'}`;
  if (told === expected) return;
  const code = envelope.error.error_code;
  throw new Error(`${code} was told as ${told}; openapi/errors.yaml says ${expected ?? 'nothing of it'}`);
}

function factsOf({ major, http_status, retryable }: ErrorObject): string {
  return `${major.tag} ${http_status} ${retryable ? 'retryable' : 'final'}`;
}

function mayRepeat(told: AtlasEntry['retryable'] | undefined, error: ErrorObject, effect: Effect): boolean {
  if (told === 'varies') return error.retryable;
  return told === 'yes' || (told === 'reads' && effect === 'read');
}
