/** The address of a client, cut to the part that one party controls. The limits on it: pipeline/call-limits.ts. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

const MAPPED = '::ffff:';
/** A site chooses the last 64 bits of an IPv6 address freely, so only the first four groups identify it. */
const SITE_GROUPS = 4;
const ALL_GROUPS = 8;

/**
 * The address a request came from. Behind `proxies` proxies of the operator it is the entry that the outermost of them
 * added to `x-forwarded-for`; entries further left may be forged. Without such an entry it is the connection's address.
 */
export function clientAddressOf(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  proxies: number,
): string {
  const reported = proxies === 0 ? undefined : forwarded(headers['x-forwarded-for'], proxies);
  return partyOf(reported ?? socket.remoteAddress ?? '');
}

function forwarded(header: string | string[] | undefined, proxies: number): string | undefined {
  const addresses = [header ?? []].flat().join(',').split(',');
  const address = addresses.at(-proxies)?.trim() ?? '';
  return isIP(address) === 0 ? undefined : address;
}

/** An IPv4 address unchanged; of an IPv6 address the site's prefix. */
function partyOf(address: string): string {
  const plain = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
  if (isIP(plain) !== 6) return plain;
  const [left = '', right] = plain.replace(/%.*$/, '').split('::');
  const [head, tail] = [groups(left), groups(right ?? '')];
  const gap = right === undefined ? 0 : ALL_GROUPS - head.length - tail.length;
  const site = [...head, ...Array<string>(gap).fill('0'), ...tail].slice(0, SITE_GROUPS);
  return `${site.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** An embedded IPv4 address counts as two groups. */
function groups(text: string): string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
