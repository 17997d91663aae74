/** Whose request it is, by address: as much of it as one party holds. Not: what follows from it. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

const MAPPED = '::ffff:';
/** Of an IPv6 address a site holds the last 64 bits as it likes. */
const SITE_GROUPS = 4;
const ALL_GROUPS = 8;

/**
 * The address a request came from. Behind `proxies` proxies of the operator's own it is what the outermost of them
 * wrote into `x-forwarded-for`; what stands further left anyone may have written. Without such an entry: the
 * connection's.
 */
export function clientAddressOf(
  { headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>,
  proxies: number,
): string {
  const told = proxies === 0 ? undefined : forwarded(headers['x-forwarded-for'], proxies);
  return party(told ?? socket.remoteAddress ?? '');
}

function forwarded(header: string | string[] | undefined, proxies: number): string | undefined {
  const addresses = [header ?? []].flat().join(',').split(',');
  const told = addresses.at(-proxies)?.trim() ?? '';
  return isIP(told) === 0 ? undefined : told;
}

/** An IPv4 address as it is, of IPv6 the site. */
function party(address: string): string {
  const plain = address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
  if (isIP(plain) !== 6) return plain;
  const [left = '', right] = plain.replace(/%.*$/, '').split('::');
  const [head, tail] = [groups(left), groups(right ?? '')];
  const gap = right === undefined ? 0 : ALL_GROUPS - head.length - tail.length;
  const site = [...head, ...Array<string>(gap).fill('0'), ...tail].slice(0, SITE_GROUPS);
  return `${site.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}

/** An IPv4 tail stands for two groups. */
function groups(text: string): string[] {
  return text === '' ? [] : text.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]));
}
