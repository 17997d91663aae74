/** The demo keys in the URL fragment, which are removed at once. Browsers never send a fragment to a server. */

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

const MAX_KEYS = 50;

/** Reads the keys of `#demo=role:key,role:key&orgcode=…`, as printed in the terminal, and removes them from the URL. */
export function takeDemoAccess(): DemoAccess | undefined {
  if (!location.hash.startsWith('#demo=')) return undefined;
  const parameters = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, '', location.pathname + location.search);
  const keys = (parameters.get('demo') ?? '')
    .split(',')
    .slice(0, MAX_KEYS)
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
