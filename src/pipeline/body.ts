/** Step 1 of the contract's checks: the body is a JSON object of bounded size and depth. */
import type { Input } from '../contract/backend.js';
import { badRequest, CrmError } from '../contract/errors.js';

/** Bytes of UTF-8 JSON, as closely as walking the value can measure. */
export const MAX_BODY_BYTES = 256 * 1024;
export const MAX_BODY_DEPTH = 32;

/**
 * Checks that a call's arguments are an object within bounds.
 * @throws CrmError 400 `crm.malformed_body`, 413 `crm.body_too_large`.
 */
export function requireBody(value: unknown): Input {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRequest('crm.malformed_body', 'The body must be a JSON object, no name in it given twice.');
  }
  if (weigh(value, 1) > MAX_BODY_BYTES) throw bodyTooLarge();
  return value as Input;
}

/** 413 `crm.body_too_large`. */
export function bodyTooLarge(): CrmError {
  return new CrmError({
    code: 'crm.body_too_large',
    tag: 'validation-error',
    status: 413,
    message: `The body is larger than ${MAX_BODY_BYTES} bytes.`,
  });
}

function weigh(value: unknown, depth: number): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 2;
  if (typeof value !== 'object' || value === null) return 4;
  if (depth > MAX_BODY_DEPTH) {
    throw badRequest('crm.malformed_body', `The body is nested deeper than ${MAX_BODY_DEPTH} levels.`);
  }
  let weight = 2;
  for (const [name, inner] of Object.entries(value)) weight += Buffer.byteLength(name) + 3 + weigh(inner, depth + 1);
  return weight;
}
