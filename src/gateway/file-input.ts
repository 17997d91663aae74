/** Reads a file from the input of a call: its content as text or as base64, its name and media type. */
import type { Issue } from '../contract/errors.js';
import { scalarText } from './parameter-text.js';

export interface FileContent {
  readonly content: Buffer;
  readonly contentType: string;
  readonly filename: string;
}

const MEDIA_TYPE = /^[\w.+-]{1,60}\/[\w.+-]{1,60}$/;

/**
 * `allowed`: the media types that the document lists for it. Undefined, with an issue at `path`, for a file that cannot
 * be sent.
 */
export function readFile(
  value: unknown,
  allowed: string | undefined,
  path: string,
  issues: Issue[],
): FileContent | undefined {
  const { text, base64, filename = 'file', content_type } = value as { readonly [field: string]: unknown };
  if ((text === undefined) === (base64 === undefined)) {
    issues.push({ path, message: 'must have either text or base64' });
    return undefined;
  }
  const content = text === undefined ? fromBase64(scalarText(base64)) : Buffer.from(scalarText(text));
  if (content === undefined) {
    issues.push({ path: `${path}.base64`, message: 'is not base64' });
    return undefined;
  }
  if (/[\p{Cc}/\\]/u.test(scalarText(filename))) {
    issues.push({ path: `${path}.filename`, message: 'must be a name on one line, without slashes' });
  }
  const listed = (allowed ?? '*/*').split(',').map((type) => type.split(';')[0]?.trim().toLowerCase() ?? '');
  const given = content_type === undefined ? undefined : scalarText(content_type).toLowerCase();
  if (given !== undefined && !(MEDIA_TYPE.test(given) && listed.some((type) => admits(type, given)))) {
    issues.push({
      path: `${path}.content_type`,
      message: 'is not a media type of this file',
      expected: listed.join(', '),
    });
  }
  const fallback = text === undefined ? 'application/octet-stream' : 'text/plain; charset=utf-8';
  const contentType = given ?? listed.find((type) => MEDIA_TYPE.test(type)) ?? fallback;
  return { content, contentType, filename: scalarText(filename) };
}

/** Whether a media type of the document, which may be `image/*`, admits a concrete one. */
function admits(type: string, given: string): boolean {
  return type === '*/*' || type === given || (type.endsWith('/*') && given.startsWith(type.slice(0, -1)));
}

/** Decodes base64, also its form for URLs; undefined for any other text. */
function fromBase64(text: string): Buffer | undefined {
  const plain = text.replace(/\s/g, '').replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/_-]*$/.test(plain) || plain.length % 4 === 1) return undefined;
  return Buffer.from(plain, 'base64');
}
