/**
 * What the page's address says after `#`: demo keys, taken out at once, or the name of a tool. A fragment never reaches
 * a server, a log or a referrer.
 */

export interface DemoKey {
  readonly role: string;
  readonly secret: string;
}

export interface DemoAccess {
  readonly orgcode: string;
  readonly logicalGuid: string;
  readonly channelCode: string;
  readonly keys: readonly DemoKey[];
}

const MOST_KEYS = 50;

/** The keys of `#demo=role:key,role:key&orgcode=…`, as the terminal prints it; the address is without them then. */
export function takeDemoAccess(): DemoAccess | undefined {
  if (!location.hash.startsWith('#demo=')) return undefined;
  const parameters = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, '', location.pathname + location.search);
  const keys = (parameters.get('demo') ?? '')
    .split(',')
    .slice(0, MOST_KEYS)
    .map((pair) => ({ role: pair.slice(0, pair.indexOf(':')), secret: pair.slice(pair.indexOf(':') + 1) }))
    .filter(({ role, secret }) => role !== '' && secret !== '');
  if (keys.length === 0) return undefined;
  return {
    orgcode: parameters.get('orgcode') ?? '',
    logicalGuid: parameters.get('logical_guid') ?? '',
    channelCode: parameters.get('channel_code') ?? '',
    keys,
  };
}

/** The tool that the address names. */
export function toolInAddress(): string {
  return decodeURIComponent(location.hash.slice(1));
}

/** Makes the address name a tool, without a new step back. */
export function nameToolInAddress(name: string): void {
  history.replaceState(null, '', `#${encodeURIComponent(name)}`);
}
