/** ETags of content that is sent as it is. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The ETag of a content. */
export function etagOf(content: Buffer): string {
  return `"${createHash('sha256').update(content).digest('base64url')}"`;
}

/** Whether the client has the content with this ETag already. */
export function isUnchanged({ headers }: Pick<IncomingMessage, 'headers'>, etag: string): boolean {
  return headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) === true;
}
