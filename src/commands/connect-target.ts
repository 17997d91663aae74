/** The server and the caller that `connect` writes, from its flags and the environment. */
import { resolve } from 'node:path';
import { ConfigError } from '../config.js';
import { type ClientCaller, type ClientName, npxTarget, type Target } from '../connect/client-entries.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';

export interface ConnectFlags {
  readonly url: string;
  readonly stdio: boolean;
  readonly db?: string;
  readonly gateway?: string | true;
  readonly org?: string;
  readonly facility?: string;
  readonly channel?: string;
  readonly readOnly: boolean;
  readonly toolsets?: string;
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
  if (!flags.stdio) {
    if (flags.db !== undefined || flags.gateway !== undefined)
      throw new ConfigError('--db and --gateway are for a program that the client starts: add --stdio');
    return { ...caller, url: checkedUrl('--url', flags.url) };
  }
  const { args, ...target } = npxTarget(caller, databaseOf(flags.db));
  const all = flags.gateway === undefined ? args : [...args.slice(0, -2), ...gatewayArguments(flags)];
  // On Windows npx is a script, which Claude Code does not start by itself.
  const isScript = platform === 'win32' && client === 'claude-code';
  return isScript ? { ...target, command: 'cmd', args: ['/c', target.command, ...all] } : { ...target, args: all };
}

function callerOf(flags: ConnectFlags, env: NodeJS.ProcessEnv): ClientCaller {
  const orgcode = flags.org ?? env.G3N_ORGCODE ?? '';
  if (orgcode === '') throw new ConfigError('whose data? Name the org with --org or in G3N_ORGCODE');
  const logicalGuid = flags.facility ?? env.G3N_LOGICAL_GUID ?? '';
  const channelCode = flags.channel ?? env.G3N_CHANNEL_CODE ?? '';
  for (const [flag, value] of Object.entries({ org: orgcode, facility: logicalGuid, channel: channelCode })) {
    if (value !== '' && !CODE.test(value))
      throw new ConfigError(`--${flag}: only letters, digits and . : @ _ - are allowed, at most 128`);
  }
  if (flags.toolsets !== undefined && !NAMES.test(flags.toolsets))
    throw new ConfigError('--toolsets: names of families, separated by commas');
  const toolsets = flags.toolsets === undefined ? {} : { toolsets: flags.toolsets };
  return { orgcode, logicalGuid, channelCode, readOnly: flags.readOnly, ...toolsets };
}

function gatewayArguments({ db, gateway }: ConnectFlags): readonly string[] {
  if (db !== undefined) throw new ConfigError('a gateway has no database of records: leave out --db');
  return ['--gateway', ...(typeof gateway === 'string' ? [checkedUrl('--gateway', gateway)] : [])];
}

/** A client starts programs in a directory of its own, so the path is absolute. */
function databaseOf(db = '.data/crm.db'): string {
  if (!isPostgresUrl(db)) return resolve(db);
  if (/^[^@/]+:\/\/[^@/]*:[^@]*@/.test(db) || /[?&]password=/.test(db))
    throw new ConfigError('--db: no password belongs into a client configuration: use ~/.pgpass');
  return db;
}

function checkedUrl(flag: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || text.length > MOST_URL)
    throw new ConfigError(`${flag}: not a http or https URL`);
  if (url.username !== '' || url.password !== '')
    throw new ConfigError(`${flag}: a URL must have no credentials: the client sends them as headers`);
  return url.href;
}
