/** Step 1 of the contract's checks: the body is a JSON object of bounded size and depth, and its text is Unicode. */
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
  if (weigh(value, []) > MAX_BODY_BYTES) throw bodyTooLarge();
  return value as Input;
}

/** 413 `crm.body_too_large`. */
export function bodyTooLarge(most = MAX_BODY_BYTES): CrmError {
  return new CrmError({
    code: 'crm.body_too_large',
    tag: 'validation-error',
    status: 413,
    message: `The body is larger than ${most} bytes.`,
  });
}

/** `path` leads to the value; it changes while the value is walked, because a copy for each name takes longer. */
function weigh(value: unknown, path: string[]): number {
  if (typeof value === 'string') return weighText(value, path) + 2;
  if (typeof value !== 'object' || value === null) return 4;
  if (path.length >= MAX_BODY_DEPTH) {
    throw badRequest('crm.malformed_body', `The body is nested deeper than ${MAX_BODY_DEPTH} levels.`);
  }
  let weight = 2;
  for (const name of Object.keys(value)) {
    path.push(name);
    weight += weighText(name, path) + 3 + weigh((value as Record<string, unknown>)[name], path);
    path.pop();
  }
  return weight;
}

/** Texts of these characters alone have a byte for each, and nothing to reject. */
const PRINTABLE_ASCII = /^[ -~]*$/;
/** With the `u` flag, the property matches a surrogate only where its other half is missing. */
const UNSTORABLE = /\p{Surrogate}|\0/u;
const MAX_PATH_LENGTH = 200;
const REMEDIES = { nul: 'Leave it out.', half: 'Send whole characters.' } as const;

/**
 * The bytes of a text in UTF-8. A lone surrogate has none: it would be stored as another text than was validated.
 * U+0000 has, but PostgreSQL stores no text with it, and a text must be the same on every engine.
 * @throws CrmError 400 `crm.malformed_body` naming the path of a text with one.
 */
function weighText(text: string, path: readonly string[]): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  const [found] = UNSTORABLE.exec(text) ?? [];
  if (found !== undefined) {
    const named = path
      .join('.')
      .replace(/[\p{Surrogate}\0]/gu, '\uFFFD')
      .slice(0, MAX_PATH_LENGTH);
    const message =
      found === '\0' ? 'contains the character U+0000' : 'is not Unicode: half of a surrogate pair stands alone';
    throw badRequest(
      'crm.malformed_body',
      `The text at ${named} ${message}. ${REMEDIES[found === '\0' ? 'nul' : 'half']}`,
      {
        issues: [{ path: named, message }],
      },
    );
  }
  return Buffer.byteLength(text);
}
