/** The variables of the client `g3n`. The settings table, which takes long to load, is not needed for them. */
import { variableOf } from './setting.js';

/** What only the client has. A server ignores these variables: both can have the same environment. */
export const CLIENT_SETTINGS = ['profile', 'base-url', 'config-dir'] as const;

/** What the client and the server have. */
const COMMON = [
  'orgcode',
  'api-key',
  'session-guid',
  'logical-guid',
  'channel-code',
  'cccode',
  'db',
  'key-file',
] as const;

export type ClientSetting = (typeof CLIENT_SETTINGS)[number] | (typeof COMMON)[number];

/** Every variable that the client reads. */
export const CLIENT_VARIABLES: readonly string[] = [...CLIENT_SETTINGS, ...COMMON].map(variableOf);

/** The text of a variable without the spaces around it; undefined if there is none. */
export function clientVariable(env: NodeJS.ProcessEnv, name: ClientSetting): string | undefined {
  const text = env[variableOf(name)]?.trim();
  return text === '' ? undefined : text;
}
