/** The two files of profiles: config.yaml, and credentials.yaml, which only its owner may read. */
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exposureOf } from '../../database-file/key-permissions.js';
import { clientVariable } from '../../settings/client-variables.js';
import { ConfigFileError, readYamlFile } from '../../settings/yaml-file.js';
import { CliError } from '../cli-error.js';

/** What a profile says, as it stands in config.yaml. */
export interface Profile {
  readonly base_url?: string | undefined;
  readonly orgcode?: string | undefined;
  readonly logical_guid?: string | undefined;
  readonly channel_code?: string | undefined;
  readonly cccode?: string | undefined;
  readonly db?: string | undefined;
  readonly key_file?: string | undefined;
  /** The program that prints the credential, and its arguments. */
  readonly credential_command?: readonly string[] | undefined;
  /** What it prints: an API key if nothing else is said. */
  readonly credential_kind?: 'api_key' | 'session_guid' | undefined;
}

export const PROFILE_FIELDS = [
  'base_url',
  'orgcode',
  'logical_guid',
  'channel_code',
  'cccode',
  'db',
  'key_file',
  'credential_command',
  'credential_kind',
] as const satisfies readonly (keyof Profile)[];

export interface ConfigText {
  readonly current?: string | undefined;
  readonly profiles?: { readonly [name: string]: Profile } | undefined;
}

/** A key or a session. */
export interface StoredCredential {
  /** The base URL or database that it was tried with, and that alone gets it. */
  readonly for?: string | undefined;
  readonly api_key?: string | undefined;
  readonly session_guid?: string | undefined;
}

export interface CredentialsText {
  readonly profiles?: { readonly [name: string]: StoredCredential } | undefined;
}

export const MAX_DEPTH = 6;
/** Mode bits: others may change the file. */
const OTHERS_WRITE = 0o022;

/** Where the files are. */
export function profileDirectory(env: NodeJS.ProcessEnv): string {
  const named = clientVariable(env, 'config-dir');
  if (named !== undefined) return named;
  if (process.platform === 'win32') return join(env.APPDATA || join(homedir(), 'AppData', 'Roaming'), 'g3n');
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'g3n');
}

export function configPath(env: NodeJS.ProcessEnv): string {
  return join(profileDirectory(env), 'config.yaml');
}

export function credentialsPath(env: NodeJS.ProcessEnv): string {
  return join(profileDirectory(env), 'credentials.yaml');
}

/** @throws CliError when the file cannot be read, is not valid, or others may make g3n run a command by changing it. */
export async function readProfiles(env: NodeJS.ProcessEnv): Promise<ConfigText> {
  const path = configPath(env);
  const mode = process.platform === 'win32' ? 0 : (statSync(path, { throwIfNoEntry: false })?.mode ?? 0);
  if ((mode & OTHERS_WRITE) !== 0)
    throw new CliError(`others may change ${path}, which names a server and a command to run: run chmod go-w on it`);
  const found = await valueIn(path);
  return found === undefined ? {} : checkedBy(path, async () => (await schemas()).checkedConfig(found));
}

/** @throws CliError when the file cannot be read, is not valid, or others may read it. */
export async function readStoredCredentials(env: NodeJS.ProcessEnv): Promise<CredentialsText> {
  const path = credentialsPath(env);
  const exposure = exposureOf(path);
  if (exposure !== undefined) {
    throw new CliError(`other users of this machine may read ${path} (mode ${exposure.mode}): ${exposure.remedy}`);
  }
  const found = await valueIn(path);
  return found === undefined ? {} : checkedBy(path, async () => (await schemas()).checkedCredentials(found));
}

const schemas = () => import('./profile-schema.js');

async function valueIn(path: string): Promise<unknown> {
  try {
    return await readYamlFile(path, MAX_DEPTH);
  } catch (error) {
    throw error instanceof ConfigFileError ? new CliError(error.message) : error;
  }
}

async function checkedBy<Value>(path: string, check: () => Promise<Value>): Promise<Value> {
  try {
    return await check();
  } catch (error) {
    throw new CliError(`${path} is not valid: ${(error as Error).message}`);
  }
}
