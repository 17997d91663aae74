/** `g3n profile`: lists, shows, changes and removes profiles, and chooses the current one. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { nearestName } from '../../nearest-name.js';
import { CliError } from '../cli-error.js';
import { removeCredential } from './login-command.js';
import type { ProfileDependencies } from './profile-commands.js';
import { configPath, PROFILE_FIELDS, type Profile, readProfiles, readStoredCredentials } from './profile-files.js';
import { destinationKey, destinationOfProfile } from './target.js';

const editing = () => import('./profile-edit.js');

export function addProfile(program: Command, { io, print }: ProfileDependencies): void {
  const { env } = io;
  const group = program.command('profile').description('named targets: a server or database, an org and a context');
  group
    .command('list')
    .description('list the profiles')
    .action(async () => print({ items: await listed(env) }));
  group
    .command('show')
    .description('show a profile; a stored credential is not shown')
    .argument('[name]', 'the profile; default: the current one')
    .action(async (name: string | undefined) => {
      const { current, profiles = {} } = await readProfiles(env);
      const wanted = name ?? current;
      if (wanted === undefined) throw new CliError('there is no current profile: name one');
      const profile = existing(wanted, profiles, env);
      await print({ name: wanted, ...profile, credential: await credentialKindOf(wanted, profile, env) });
    });
  group
    .command('use')
    .description('make a profile the current one')
    .argument('<name>', 'the profile')
    .action(async (name: string) => {
      existing(name, (await readProfiles(env)).profiles ?? {}, env);
      const { editConfig } = await editing();
      await editConfig(env, (document) => document.set('current', name));
    });
  group
    .command('set')
    .description('set a field of a profile, or remove it when there is no value; makes the profile if need be')
    .argument('<name>', 'the profile')
    .argument('<field>', `one of ${PROFILE_FIELDS.join(', ')}`)
    .argument('[value...]', 'the value; of credential_command, after --, the program and its arguments')
    .action((name: string, field: string, value: readonly string[]) => setField(name, field, value, env));
  group
    .command('remove')
    .description('remove a profile and its stored credential')
    .argument('<name>', 'the profile')
    .action((name: string) => remove(name, env));
}

async function listed(env: NodeJS.ProcessEnv): Promise<readonly object[]> {
  const { current, profiles = {} } = await readProfiles(env);
  const rows = Object.entries(profiles).map(async ([name, profile]) => ({
    name,
    current: name === current,
    target: destinationKey(destinationOfProfile(profile)),
    orgcode: profile.orgcode ?? null,
    credential: await credentialKindOf(name, profile, env),
  }));
  return Promise.all(rows);
}

async function credentialKindOf(name: string, profile: Profile, env: NodeJS.ProcessEnv): Promise<string | null> {
  if (profile.credential_command !== undefined) return 'credential_command';
  const stored = (await readStoredCredentials(env)).profiles?.[name];
  if (stored === undefined) return null;
  return stored.session_guid === undefined ? 'api_key' : 'session_guid';
}

async function setField(name: string, field: string, value: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  requireField(field);
  const { editConfig, removeAt, requireProfile } = await editing();
  await requireProfile(name, {});
  await readProfiles(env); // says what is wrong with the file as it is
  if (field !== 'credential_command' && value.length > 1) throw new CliError(`${field} has one value`);
  await editConfig(env, (document) => {
    const path = ['profiles', name, field];
    const [text = ''] = value;
    if (value.length === 0) removeAt(document, path);
    else if (field === 'credential_command') document.setIn(path, document.createNode(value, { flow: true }));
    else if (field === 'db') document.setIn(path, destinationKey({ database: text }));
    else document.setIn(path, field === 'key_file' ? resolve(text) : text);
  });
}

function requireField(field: string): void {
  if ((PROFILE_FIELDS as readonly string[]).includes(field)) return;
  if (['api_key', 'session_guid'].includes(field)) {
    throw new CliError('a credential is not given on the command line, where others can see it: use g3n login');
  }
  const near = nearestName(field, PROFILE_FIELDS);
  throw new CliError(`there is no field ${field}${near === undefined ? '' : `: did you mean ${near}?`}`);
}

async function remove(name: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { current, profiles = {} } = await readProfiles(env);
  existing(name, profiles, env);
  await removeCredential(name, env);
  const { editConfig, removeAt } = await editing();
  await editConfig(env, (document) => {
    removeAt(document, ['profiles', name]);
    if (current === name) document.delete('current');
  });
}

/** @throws CliError when there is no profile of that name. */
function existing(name: string, profiles: { readonly [name: string]: Profile }, env: NodeJS.ProcessEnv): Profile {
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (found !== undefined) return found;
  const near = nearestName(name, Object.keys(profiles));
  throw new CliError(
    `there is no profile ${name} in ${configPath(env)}${near === undefined ? '' : `: did you mean ${near}?`}`,
  );
}
