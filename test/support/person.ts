/** Whom the next steps of an error end with, as openapi/errors.yaml states it. */
import type { ErrorObject } from '../../src/contract/envelope.js';
import { ATLAS } from './atlas.js';

/** @throws Error when the atlas names nobody for the error, or its next steps do not name that person. */
export function expectPerson({ error_code, next_steps = [] }: Pick<ErrorObject, 'error_code' | 'next_steps'>): void {
  const ask = ATLAS[error_code]?.ask;
  if (ask === undefined) throw new Error(`${error_code}: openapi/errors.yaml names nobody to ask`);
  if (!next_steps.some((step) => new RegExp(`\\b${ask.who}\\b`).test(step)))
    throw new Error(`${error_code}: the next steps do not name the ${ask.who}: ${next_steps.join(' ')}`);
}
