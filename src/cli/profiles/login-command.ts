/** `g3n login`, `logout` and `whoami`. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { LIVE_BASE } from '../../contract/base-url.js';
import { clientVariable } from '../../settings/client-variables.js';
import { variableOf } from '../../settings/setting.js';
import { askSecret } from '../ask-secret.js';
import { flagsOf, targetOptions } from '../call-options.js';
import { CliError } from '../cli-error.js';
import type { Io } from '../io.js';
import { askText, hasTerminal, readSecret } from './ask-text.js';
import type { ProfileDependencies, Standing } from './profile-commands.js';
import type { Profile } from './profile-files.js';
import { configPath, PROFILE_FIELDS, readProfiles, readStoredCredentials } from './profile-files.js';
import {
  type CallTarget,
  destinationKey,
  destinationOfProfile,
  readBaseUrl,
  requireHeaderText,
  resolveTarget,
  type SourcedCredential,
  shownDestination,
  type TargetFlags,
  targetWith,
} from './target.js';

const FIRST_PROFILE = 'default';
const editing = () => import('./profile-edit.js');

interface LoginFlags extends TargetFlags {
  readonly withCredential?: true;
  readonly session?: true;
}

export function addLogin(program: Command, dependencies: ProfileDependencies): void {
  const login = program.command('login').description('try a credential, and store it with a profile');
  addTargetOptions(login)
    .option('--session', 'the credential is the session of a user, not an API key')
    .option('--with-credential', 'read the credential from stdin, not from the terminal')
    .addHelpText('after', LOGIN_HELP)
    .action(async (_flags: object, command: Command) => {
      const flags: LoginFlags = { ...command.opts<LoginFlags>(), ...flagsOf(command) };
      await dependencies.print(await logIn(flags, dependencies));
    });
}

const LOGIN_HELP = `
The credential is typed without being shown, or comes from another program:
  $ op read op://retail/g3n/key | g3n login --orgcode ACME --with-credential
It is stored in credentials.yaml, which only you may read, and is sent only to
the base URL that it was tried with. To store none, let a command print it:
  $ g3n profile set shop credential_command -- op read op://retail/g3n/key`;

async function logIn(flags: LoginFlags, { stat, io }: ProfileDependencies): Promise<object> {
  const { env } = io;
  const { current, profiles = {} } = await readProfiles(env);
  const named = flags.profile ?? clientVariable(env, 'profile');
  const name = named ?? current ?? FIRST_PROFILE;
  const old = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  const profile = await completed(withFlags(old ?? {}, flags, env), io);
  await (await editing()).requireProfile(name, profile);
  if (old !== undefined && named === undefined) requireSameDestination(name, old, profile);
  // The profile alone says where to: what a flag or variable says is in it now.
  const target = targetWith(name, profile, {}, {});
  const credential = requireHeaderText(await credentialToTry(target, profile, flags, io));
  const standing = await stat(target, credential);
  const orgcode = standing.org?.orgcode;
  const stored: Profile = typeof orgcode === 'string' ? { ...profile, orgcode } : profile;
  if (profile.credential_command === undefined) await storeCredential(name, credential, profile, env);
  await storeProfile(name, old ?? {}, stored, current === undefined, env);
  for (const note of notes(name, current ?? name, env)) io.stderr.write(`${note}\n`);
  const source = profile.credential_command === undefined ? 'credentials.yaml' : credential.source;
  return whoIs(target, { ...credential, source }, standing);
}

/** What keeps the next call from using what was stored. */
function notes(name: string, current: string, env: NodeJS.ProcessEnv): readonly string[] {
  const variable = (['session-guid', 'api-key'] as const).find((one) => clientVariable(env, one) !== undefined);
  return [
    ...(name === current ? [] : [`the current profile is still ${current}: g3n profile use ${name} changes that`]),
    ...(variable === undefined ? [] : [`${variableOf(variable)} is set, and wins over the stored credential`]),
  ];
}

/** The profile as the flags and variables change it. A base URL that nobody gave is undefined. */
function withFlags(old: Profile, flags: LoginFlags, env: NodeJS.ProcessEnv): Profile {
  const target = targetWith(undefined, old, flags, env);
  const { database, keyFile, orgcode, logicalGuid, channelCode, cccode } = target;
  const isGiven = [flags.baseUrl, clientVariable(env, 'base-url'), old.base_url].some((text) => text !== undefined);
  const destination =
    database === undefined
      ? { base_url: isGiven ? target.baseUrl : undefined }
      : { db: pathOf(database), key_file: keyFile === undefined ? undefined : resolve(keyFile) };
  const { credential_command, credential_kind } = old;
  const said = { ...destination, orgcode, logical_guid: logicalGuid, channel_code: channelCode, cccode };
  return { ...said, credential_command, credential_kind };
}

/** Asks for what is missing, where there is somebody to ask. */
async function completed(profile: Profile, io: Io): Promise<Profile> {
  const { base_url, db, orgcode } = profile;
  const asked = base_url === undefined && db === undefined && hasTerminal(io);
  const baseUrl = asked ? await askText('Base URL', LIVE_BASE, io) : (base_url ?? LIVE_BASE);
  const org = orgcode ?? (hasTerminal(io) ? await askText('Org code', '', io) : '');
  if (org === '') throw new CliError('the org code is missing: give --orgcode');
  return { ...profile, ...(db === undefined && { base_url: readBaseUrl(baseUrl, 'the base URL') }), orgcode: org };
}

/** A profile that was not named is not pointed at another server by the way. */
function requireSameDestination(name: string, old: Profile, profile: Profile): void {
  const [before, now] = [destinationKey(destinationOfProfile(old)), destinationKey(destinationOfProfile(profile))];
  if (before === now) return;
  throw new CliError(
    `profile ${name} is for ${before}: add --profile with another name, or with this one to change it`,
  );
}

async function credentialToTry(
  target: CallTarget,
  { credential_command }: Profile,
  { session, withCredential }: LoginFlags,
  io: Io,
): Promise<SourcedCredential> {
  if (credential_command !== undefined) {
    if (withCredential) throw new CliError('the profile has a credential_command, and stores no credential');
    const printed = await target.credential();
    if (printed !== undefined) return printed;
  }
  if (!withCredential && !hasTerminal(io)) throw new CliError('there is no terminal to ask on: add --with-credential');
  if (io.stdin.isTTY !== true)
    return { kind: session ? 'session' : 'apiKey', secret: await readSecret(io), source: 'stdin' };
  const isSession = session ?? /^s/i.test(await askText('API key or session? (key, session)', 'key', io));
  const secret = await askSecret(isSession ? 'Session (not shown):' : 'API key (not shown):', io);
  return { kind: isSession ? 'session' : 'apiKey', secret, source: 'the terminal' };
}

async function storeCredential(
  name: string,
  { kind, secret }: SourcedCredential,
  profile: Profile,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  await readStoredCredentials(env); // others may not read the file that gets it
  const field = kind === 'session' ? 'session_guid' : 'api_key';
  const { editCredentials } = await editing();
  await editCredentials(env, (document) =>
    document.setIn(
      ['profiles', name],
      document.createNode({ [field]: secret, for: destinationKey(destinationOfProfile(profile)) }),
    ),
  );
}

/** Writes the fields that differ, so that the others stay as they are written. */
async function storeProfile(
  name: string,
  old: Profile,
  profile: Profile,
  becomesCurrent: boolean,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const { editConfig, removeAt } = await editing();
  await editConfig(env, (document) => {
    for (const field of PROFILE_FIELDS) {
      const [before, now] = [old[field], profile[field]];
      if (now === undefined) removeAt(document, ['profiles', name, field]);
      else if (now !== before) document.setIn(['profiles', name, field], now);
    }
    if (becomesCurrent) document.set('current', name);
  });
}

/** The path of a file from everywhere; the URL of a database as it is. */
function pathOf(database: string): string {
  return destinationKey({ database });
}

export function addLogout(program: Command, { io, print }: ProfileDependencies): void {
  program
    .command('logout')
    .description('remove the stored credential of a profile; a session stays valid on the server until it expires')
    .option('--profile <name>', 'profile of config.yaml (env: G3N_PROFILE)')
    .action(async (_flags: object, command: Command) => {
      const { env } = io;
      const { current } = await readProfiles(env);
      const name = command.opts<TargetFlags>().profile ?? clientVariable(env, 'profile') ?? current;
      if (name === undefined) throw new CliError(`there is no current profile in ${configPath(env)}: give --profile`);
      const removed = await removeCredential(name, env);
      await print({ profile: name, removed });
    });
}

/** Whether there was one. */
export async function removeCredential(name: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { profiles = {} } = await readStoredCredentials(env);
  if (!Object.hasOwn(profiles, name)) return false;
  const { editCredentials, removeAt } = await editing();
  await editCredentials(env, (document) => removeAt(document, ['profiles', name]));
  return true;
}

export function addWhoami(program: Command, { stat, print, io }: ProfileDependencies): void {
  addTargetOptions(program.command('whoami').description('the caller, the org and the profile of a call')).action(
    async (_flags: object, command: Command) => {
      const target = await resolveTarget(flagsOf(command), io.env);
      const credential = await target.credential();
      const standing = await stat(target, credential);
      await print(whoIs(target, credential, standing));
    },
  );
}

function addTargetOptions(command: Command): Command {
  for (const option of targetOptions()) command.addOption(option);
  return command;
}

function whoIs(
  target: CallTarget,
  credential: SourcedCredential | undefined,
  { caller, org, backend, version }: Standing,
) {
  const { profile, baseUrl, database, logicalGuid, channelCode, cccode } = target;
  const facts = {
    profile,
    ...(database === undefined ? { base_url: baseUrl } : { database: shownDestination({ database }) }),
    credential: credential?.source,
    orgcode: org?.orgcode,
    org_status: org?.status,
    actor: caller?.actor,
    owner: caller?.owner,
    roles: caller?.roles,
    logical_guid: logicalGuid,
    channel_code: channelCode,
    cccode,
    backend,
    version,
  };
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
}
