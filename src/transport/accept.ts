/** The Accept header, read as RFC 9110 says: without regard to case, with wildcards, and with `q=0` for "not this". */
import type { IncomingMessage } from 'node:http';

/** The media types of MCP responses. The SDK looks for these very words in the header. */
const OFFERED = ['application/json', 'text/event-stream'];
const ALL_OFFERED = OFFERED.join(', ');

/** Rewrites the Accept header to those of the offered types that it accepts; leaves a header that accepts neither. */
export function normaliseAccept({ headers }: Pick<IncomingMessage, 'headers'>): void {
  const { accept } = headers;
  if (accept === undefined || accept === ALL_OFFERED) return;
  const accepted = OFFERED.filter((type) => accepts(accept, type));
  if (accepted.length > 0) headers.accept = accepted.join(', ');
}

/** Whether an Accept header accepts a media type. The most specific range that matches decides. */
export function accepts(accept: string, type: string): boolean {
  const ranges = [type, `${type.split('/')[0]}/*`, '*/*'];
  const given = accept.split(',').map((part) => part.split(';').map((piece) => piece.trim().toLowerCase()));
  for (const range of ranges) {
    const found = given.find(([name]) => name === range);
    if (found !== undefined) return !found.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  }
  return false;
}
