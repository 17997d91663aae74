/**
 * Where a call goes, and as whom: a flag wins over a variable, that over the profile, and that over the default.
 *
 * A credential goes only where it is meant to go. That of a profile goes to the base URL or database of the profile;
 * that of the environment goes to the one in the environment, if there is one.
 */
import { resolve } from 'node:path';
import { baseUrlProblem, LIVE_BASE } from '../../contract/base-url.js';
import { nearestName } from '../../nearest-name.js';
import { CLIENT_VARIABLES, type ClientSetting, clientVariable } from '../../settings/client-variables.js';
import { isPostgresUrl } from '../../store/postgres/connection-url.js';
import { CliError } from '../cli-error.js';
import {
  configPath,
  type Profile,
  readProfiles,
  readStoredCredentials,
  type StoredCredential,
} from './profile-files.js';

export interface Credential {
  readonly kind: 'session' | 'apiKey';
  readonly secret: string;
}

export interface SourcedCredential extends Credential {
  /** Where it is from, in words. */
  readonly source: string;
}

/** Options of the command line. */
export interface TargetFlags {
  profile?: string;
  baseUrl?: string;
  orgcode?: string;
  facility?: string;
  channel?: string;
  cccode?: string;
  db?: string;
  keyFile?: string;
}

export interface CallTarget {
  readonly profile: string | undefined;
  /** https, or http on loopback; no slash at its end. Not used if there is a database. */
  readonly baseUrl: string;
  readonly orgcode: string | undefined;
  readonly logicalGuid: string | undefined;
  readonly channelCode: string | undefined;
  readonly cccode: string | undefined;
  /** The database to call directly. Secret: the URL of a PostgreSQL database can hold a password. */
  readonly database: string | undefined;
  readonly keyFile: string | undefined;
  /**
   * The credential of the environment, else that which the profile's command prints, else that in credentials.yaml.
   * @throws CliError when there is one that is not meant for this target, or it cannot be read.
   */
  credential(): Promise<SourcedCredential | undefined>;
  /** The same, but runs no command, which may ask the user: undefined then. */
  credentialWithoutCommand(): Promise<SourcedCredential | undefined>;
}
export type { CallTarget as Target };

/** A base URL or a database. */
type Destination = { readonly baseUrl: string } | { readonly database: string };

/** @throws CliError when a flag, a variable or the profile is wrong. */
export async function resolveTarget(flags: TargetFlags, env: NodeJS.ProcessEnv = process.env): Promise<CallTarget> {
  await refuseUnknownVariables(env);
  const { current, profiles = {} } = await readProfiles(env);
  const name = flags.profile ?? clientVariable(env, 'profile') ?? current;
  if (name === undefined) return targetWith(undefined, {}, flags, env);
  if (Object.hasOwn(profiles, name)) return targetWith(name, profiles[name] ?? {}, flags, env);
  const near = nearestName(name, Object.keys(profiles));
  const advice = near === undefined ? `g3n login --profile ${name} makes it` : `did you mean ${near}?`;
  throw new CliError(`there is no profile ${name} in ${configPath(env)}: ${advice}`);
}

/** A variable that only a server has is no mistake, but its table takes long to load. */
async function refuseUnknownVariables(env: NodeJS.ProcessEnv): Promise<void> {
  if (Object.keys(env).every((name) => !/^G3N_/i.test(name) || CLIENT_VARIABLES.includes(name))) return;
  const { unknownVariables } = await import('../../settings/unknown-variables.js');
  const unknown = unknownVariables(env);
  if (unknown.length > 0) throw new CliError(unknown.join('; '));
}

/** The target with a profile that may have no name yet. */
export function targetWith(
  name: string | undefined,
  profile: Profile,
  flags: TargetFlags,
  env: NodeJS.ProcessEnv,
): CallTarget {
  const given = (flag: string | undefined, variable: ClientSetting, field: string | undefined) =>
    flag ?? clientVariable(env, variable) ?? field;
  const home = destinationOfProfile(profile);
  const destination = destinationOfFlags(flags) ?? destinationOfEnvironment(env) ?? home;
  const database = 'database' in destination ? destination.database : undefined;
  if (database === undefined && flags.keyFile !== undefined) throw new CliError('--key-file needs --db');
  const keyFile = given(flags.keyFile, 'key-file', isSame(destination, home) ? profile.key_file : undefined);
  let credential: Promise<SourcedCredential | undefined> | undefined;
  return {
    profile: name,
    baseUrl: 'baseUrl' in destination ? destination.baseUrl : LIVE_BASE,
    orgcode: given(flags.orgcode, 'orgcode', profile.orgcode),
    logicalGuid: given(flags.facility, 'logical-guid', profile.logical_guid),
    channelCode: given(flags.channel, 'channel-code', profile.channel_code),
    cccode: given(flags.cccode, 'cccode', profile.cccode),
    database,
    keyFile: database === undefined ? undefined : keyFile,
    credential: () => {
      credential ??= credentialFor(destination, name, profile, env).then(requireHeaderText);
      return credential;
    },
    credentialWithoutCommand: async () => {
      const fromCommand =
        profile.credential_command !== undefined && credentialOfEnvironment(destination, env) === undefined;
      return fromCommand ? undefined : credentialFor(destination, name, profile, env).then(requireHeaderText);
    },
  };
}

function destinationOfFlags({ baseUrl, db }: TargetFlags): Destination | undefined {
  if (baseUrl !== undefined && db !== undefined) throw new CliError('--base-url and --db exclude each other');
  if (db !== undefined) return { database: db };
  return baseUrl === undefined ? undefined : { baseUrl: readBaseUrl(baseUrl, '--base-url') };
}

function destinationOfEnvironment(env: NodeJS.ProcessEnv): Destination | undefined {
  const destinations = destinationsInEnvironment(env);
  if (destinations.length > 1) {
    throw new CliError('G3N_BASE_URL and G3N_DB are both set: unset one, or give --base-url or --db');
  }
  return destinations[0];
}

function destinationsInEnvironment(env: NodeJS.ProcessEnv): readonly Destination[] {
  const [baseUrl, database] = [clientVariable(env, 'base-url'), clientVariable(env, 'db')];
  return [
    ...(baseUrl === undefined ? [] : [{ baseUrl: readBaseUrl(baseUrl, 'G3N_BASE_URL') }]),
    ...(database === undefined ? [] : [{ database }]),
  ];
}

/** Where a profile's calls go unless a flag or a variable says otherwise. */
export function destinationOfProfile({ base_url, db }: Profile): Destination {
  return db === undefined ? { baseUrl: readBaseUrl(base_url ?? LIVE_BASE, 'base_url') } : { database: db };
}

/** A base URL in its one form. @throws CliError when credentials may not be sent to it */
export function readBaseUrl(text: string, from: string): string {
  const problem = URL.canParse(text) ? baseUrlProblem(new URL(text)) : 'is not a URL';
  if (problem !== undefined) throw new CliError(`${from} ${problem}`);
  return new URL(text).href.replace(/\/+$/, '');
}

function isSame(one: Destination, other: Destination): boolean {
  if ('baseUrl' in one) return 'baseUrl' in other && one.baseUrl === other.baseUrl;
  return 'database' in other && databasePath(one.database) === databasePath(other.database);
}

/** The destination in words. A database URL in a variable can hold a password. */
export function shownDestination(destination: Destination): string {
  if ('baseUrl' in destination) return destination.baseUrl;
  return isPostgresUrl(destination.database) ? 'a PostgreSQL database' : destination.database;
}

async function credentialFor(
  destination: Destination,
  name: string | undefined,
  profile: Profile,
  env: NodeJS.ProcessEnv,
): Promise<SourcedCredential | undefined> {
  const inEnvironment = credentialOfEnvironment(destination, env);
  if (inEnvironment !== undefined || name === undefined) return inEnvironment;
  const { credential_command: command, credential_kind } = profile;
  const stored = command === undefined ? (await readStoredCredentials(env)).profiles?.[name] : undefined;
  if (command === undefined && stored === undefined) return undefined;
  const home = destinationOfProfile(profile);
  if (!isSame(destination, home)) {
    throw new CliError(
      `the credential of profile ${name} is only sent to ${shownDestination(home)}, and this call goes to ` +
        `${shownDestination(destination)}: give G3N_API_KEY or G3N_SESSION_GUID, or make a profile for it with g3n login`,
    );
  }
  if (command === undefined) return storedCredential(name, stored ?? {}, home);
  const { credentialFrom } = await import('./credential-command.js');
  const kind = credential_kind === 'session_guid' ? 'session' : 'apiKey';
  return { kind, secret: await credentialFrom(command), source: 'credential_command' };
}

/** A session takes precedence over a key, as in a server. */
function credentialOfEnvironment(destination: Destination, env: NodeJS.ProcessEnv): SourcedCredential | undefined {
  const [session, key] = [clientVariable(env, 'session-guid'), clientVariable(env, 'api-key')];
  const secret = session ?? key;
  if (secret === undefined) return undefined;
  const source = session === undefined ? 'G3N_API_KEY' : 'G3N_SESSION_GUID';
  const meant = destinationsInEnvironment(env);
  if (meant.length > 0 && !meant.some((one) => isSame(one, destination))) {
    const variables = meant.map((one) => ('baseUrl' in one ? 'G3N_BASE_URL' : 'G3N_DB')).join(' or ');
    throw new CliError(
      `${source} is only sent to ${variables}, and this call goes to ${shownDestination(destination)}: ` +
        `unset ${source}, or set ${variables} to that`,
    );
  }
  return { kind: session === undefined ? 'apiKey' : 'session', secret, source };
}

/** What was stored before the profile got another base URL is not sent there. */
function storedCredential(name: string, { api_key, session_guid, for: meant }: StoredCredential, home: Destination) {
  if (meant !== undefined && meant !== destinationKey(home)) {
    throw new CliError(
      `the credential of profile ${name} is only sent to ${meant}, and the profile is now for ${destinationKey(home)}: ` +
        `log in again with g3n login --profile ${name}`,
    );
  }
  const kind = session_guid === undefined ? ('apiKey' as const) : ('session' as const);
  return { kind, secret: session_guid ?? api_key ?? '', source: 'credentials.yaml' };
}

/** The destination that a credential is for, in credentials.yaml. The database of a profile has no password. */
export function destinationKey(destination: Destination): string {
  return 'baseUrl' in destination ? destination.baseUrl : databasePath(destination.database);
}

function databasePath(database: string): string {
  return isPostgresUrl(database) ? database : resolve(database);
}

/** A credential is sent in a header. @throws CliError that does not show it */
export function requireHeaderText<Found extends { readonly secret: string; readonly source: string } | undefined>(
  credential: Found,
): Found {
  if (credential === undefined || /^[!-~]+$/.test(credential.secret)) return credential;
  throw new CliError(`the credential from ${credential.source} has a space or another sign that no credential has`);
}
