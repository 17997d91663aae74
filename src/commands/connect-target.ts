/** The server and the caller that `connect` writes, from its flags and the settings in force. */
import { resolve } from 'node:path';
import { ConfigError, readVariables } from '../config.js';
import { type ClientCaller, type ClientName, npxTarget, type Target } from '../connect/client-entries.js';
import { IN_MEMORY } from '../database-file/file-identity.js';
import { NO_KEY_FILE } from '../open-backend.js';
import type { SettingName } from '../settings/setting-table.js';
import { isPostgresUrl, showsPassword } from '../store/postgres/connection-url.js';
import { NOT_IN_MEMORY, resolvedPath } from './shared-options.js';

/** The flags that name the caller, for settings that have no flags of their own. */
export const CALLER_FLAGS = {
  org: { takes: '<code>', setting: 'orgcode' },
  facility: { takes: '<id>', setting: 'logical-guid' },
  channel: { takes: '<code>', setting: 'channel-code' },
} as const;

/** The settings that an entry can have. */
export const CONNECT_SETTINGS = [
  ...(['db', 'key-file', 'gateway', 'read-only', 'toolsets'] as const),
  ...Object.values(CALLER_FLAGS).map(({ setting }) => setting),
] as const satisfies readonly SettingName[];

export interface ConnectFlags {
  readonly url: string;
  readonly stdio: boolean;
  readonly db?: string;
  readonly keyFile?: string;
  readonly gateway?: string;
  readonly org?: string;
  readonly facility?: string;
  readonly channel?: string;
  readonly readOnly: boolean;
  readonly toolsets?: readonly string[];
  readonly name: string;
  readonly project?: string | true;
  readonly print: boolean;
  readonly yes: boolean;
}

/** Of org codes, facilities and channels: nothing that a client's file or a shell would interpret. */
const CODE = /^[\w.:@-]{1,128}$/;
const NAMES = /^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*$/;
const MOST_URL = 2048;

/** @throws ConfigError when the org is missing or a value is not valid */
export function targetOf(
  client: ClientName,
  flags: ConnectFlags,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): Target {
  const caller = callerOf(flags, env);
  if (!flags.stdio) return { ...caller, url: checkedUrl('--url', flags.url) };
  const { args, ...target } = npxTarget(caller, servedBy(flags, env));
  // On Windows npx is a script, which Claude Code does not start by itself.
  const isScript = platform === 'win32' && client === 'claude-code';
  return isScript ? { ...target, command: 'cmd', args: ['/c', target.command, ...args] } : { ...target, args };
}

function callerOf(flags: ConnectFlags, env: NodeJS.ProcessEnv): ClientCaller {
  const said = readVariables(
    env,
    Object.values(CALLER_FLAGS).map(({ setting }) => setting),
  );
  const checked = (flag: keyof typeof CALLER_FLAGS) => {
    const value = flags[flag] ?? said[CALLER_FLAGS[flag].setting] ?? '';
    if (value !== '' && !CODE.test(value))
      throw new ConfigError(`--${flag}: only letters, digits and . : @ _ - are allowed, at most 128`);
    return value;
  };
  const caller = { orgcode: checked('org'), logicalGuid: checked('facility'), channelCode: checked('channel') };
  if (caller.orgcode === '') throw new ConfigError('whose data? Name the org with --org or in G3N_ORGCODE');
  const toolsets = flags.toolsets?.join(',') || undefined;
  if (toolsets !== undefined && !NAMES.test(toolsets))
    throw new ConfigError('--toolsets: names of families, separated by commas');
  return { ...caller, readOnly: flags.readOnly, ...(toolsets === undefined ? {} : { toolsets }) };
}

/** What the program serves. A client starts it in a directory of its own, so paths are absolute. */
function servedBy(flags: ConnectFlags, env: NodeJS.ProcessEnv): readonly string[] {
  const said = readVariables(env, ['db', 'key-file']);
  const keyFile = flags.keyFile ?? said['key-file'];
  const key = keyFile === undefined ? [] : ['--key-file', resolve(keyFile)];
  if (flags.gateway !== undefined) {
    if (flags.db !== undefined) throw new ConfigError('a gateway has no database of records: leave out --db');
    return ['--gateway', checkedUrl('--gateway', flags.gateway), ...key];
  }
  const db = flags.db ?? said.db;
  if (db === IN_MEMORY) throw new ConfigError(NOT_IN_MEMORY);
  if (db !== undefined && isPostgresUrl(db)) checkPostgres(db, keyFile);
  return ['--db', resolvedPath(db), ...key];
}

function checkPostgres(url: string, keyFile: string | undefined): void {
  if (showsPassword(url))
    throw new ConfigError(
      'no password belongs into a client configuration: give --db the URL without it, and put it in ~/.pgpass, or in ' +
        'PGPASSWORD where the client starts',
    );
  if (keyFile === undefined) throw new ConfigError(NO_KEY_FILE);
}

function checkedUrl(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || text.length > MOST_URL)
    throw new ConfigError(`${flag}: not a http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(`${flag}: a URL must have no credentials: the client sends them as headers`);
  return url.href;
}
