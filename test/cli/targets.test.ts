/** Where a call of g3n goes and with which credential: flags, variables, profiles, and what may not be mixed. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, test } from 'vitest';
import { CliError } from '../../src/cli/cli-error.js';
import { credentialFrom } from '../../src/cli/profiles/credential-command.js';
import { profileDirectory } from '../../src/cli/profiles/profile-files.js';
import { resolveTarget, type TargetFlags } from '../../src/cli/profiles/target.js';
import { LIVE_BASE } from '../../src/contract/base-url.js';

const root = mkdtempSync(join(tmpdir(), 'g3n-targets-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

const SECRET = 'k-7f3c-SECRET';
const CONFIG = `current: shop
profiles:
  shop: {base_url: 'http://127.0.0.1:8787/crm/', orgcode: ACME, logical_guid: 0012, channel_code: store, cccode: A1B2-C3D4-E5F6}
  other: {base_url: https://crm.example.com/crm, orgcode: OTHER}
  local: {db: /data/crm.db, key_file: /data/crm.key, orgcode: ACME}
  live: {orgcode: ACME}
`;
const CREDENTIALS = `profiles:
  shop: {api_key: ${SECRET}}
  local: {session_guid: ${SECRET}}
  live: {api_key: ${SECRET}, for: '${LIVE_BASE}'}
`;

/** The environment of a directory with these files. */
function environment(config: string | undefined, credentials?: string, mode = 0o600): NodeJS.ProcessEnv {
  count += 1;
  const directory = join(root, String(count));
  mkdirSync(directory);
  if (config !== undefined) writeFileSync(join(directory, 'config.yaml'), config, { mode: 0o600 });
  if (credentials !== undefined) {
    writeFileSync(join(directory, 'credentials.yaml'), credentials);
    chmodSync(join(directory, 'credentials.yaml'), mode);
  }
  return { G3N_CONFIG_DIR: directory };
}

const both = environment(CONFIG, CREDENTIALS);
const resolved = (flags: TargetFlags = {}, env: NodeJS.ProcessEnv = {}) => resolveTarget(flags, { ...both, ...env });
const credentialOf = async (flags: TargetFlags = {}, env: NodeJS.ProcessEnv = {}) =>
  (await resolved(flags, env)).credential();

describe('a target', () => {
  test('is the live API when nothing is said', async () => {
    const target = await resolveTarget({}, environment(undefined));
    expect(target).toMatchObject({ baseUrl: LIVE_BASE, profile: undefined, orgcode: undefined, database: undefined });
    expect(await target.credential()).toBeUndefined();
  });

  test('has everything from the current profile, the base URL without a slash at its end', async () => {
    expect(await resolved()).toMatchObject({
      profile: 'shop',
      baseUrl: 'http://127.0.0.1:8787/crm',
      orgcode: 'ACME',
      logicalGuid: '0012',
      channelCode: 'store',
      cccode: 'A1B2-C3D4-E5F6',
    });
    expect(await credentialOf()).toEqual({ kind: 'apiKey', secret: SECRET, source: 'credentials.yaml' });
  });

  test('is chosen by the flag over the variable over the current profile', async () => {
    expect((await resolved({}, { G3N_PROFILE: 'other' })).orgcode).toBe('OTHER');
    expect((await resolved({ profile: 'live' }, { G3N_PROFILE: 'other' })).profile).toBe('live');
  });

  test.each([
    ['orgcode', 'orgcode', 'G3N_ORGCODE'],
    ['facility', 'logicalGuid', 'G3N_LOGICAL_GUID'],
    ['channel', 'channelCode', 'G3N_CHANNEL_CODE'],
    ['cccode', 'cccode', 'G3N_CCCODE'],
  ] as const)('takes %s from the flag, the variable or the profile, in this order', async (flag, field, variable) => {
    expect((await resolved({}, { [variable]: ' variable ' }))[field]).toBe('variable');
    expect((await resolved({ [flag]: 'flag' }, { [variable]: 'variable' }))[field]).toBe('flag');
    expect((await resolved({}, { [variable]: '' }))[field]).toBe((await resolved())[field]);
  });

  test('is a database where the nearest of flag, variable and profile says so', async () => {
    expect(await resolved({ profile: 'local' })).toMatchObject({ database: '/data/crm.db', keyFile: '/data/crm.key' });
    expect(await resolved({ db: 'x.db', keyFile: 'x.key' })).toMatchObject({ database: 'x.db', keyFile: 'x.key' });
    expect(await resolved({}, { G3N_DB: 'v.db', G3N_KEY_FILE: 'v.key' })).toMatchObject({
      database: 'v.db',
      keyFile: 'v.key',
    });
    expect((await resolved({ baseUrl: 'https://a.example' }, { G3N_DB: 'v.db' })).database).toBeUndefined();
    expect(await resolved({ profile: 'local', db: 'x.db' })).toMatchObject({ database: 'x.db', keyFile: undefined });
  });

  test.each<[string, TargetFlags, NodeJS.ProcessEnv, string]>([
    ['plain http', { baseUrl: 'http://crm.example.com' }, {}, '--base-url must be https: credentials would travel'],
    ['a password in the URL', { baseUrl: `https://u:${SECRET}@a.example` }, {}, '--base-url must hold no credentials'],
    ['a query', {}, { G3N_BASE_URL: 'https://a.example?x=1' }, 'G3N_BASE_URL must have no query'],
    ['no URL', { baseUrl: 'a.example' }, {}, '--base-url is not a URL'],
    ['two places', { baseUrl: 'https://a.example', db: 'x' }, {}, '--base-url and --db exclude each other'],
    ['two places in variables', {}, { G3N_BASE_URL: 'https://a.example', G3N_DB: 'x' }, 'are both set'],
    ['a key file without a database', { keyFile: 'x' }, {}, '--key-file needs --db'],
    ['a profile that there is not', { profile: 'othr' }, {}, 'there is no profile othr'],
    ['a misspelt variable', {}, { G3N_PROFIL: 'x' }, 'there is no variable G3N_PROFIL: did you mean G3N_PROFILE?'],
  ])('is refused with %s', async (_what, flags, env, message) => {
    const error = await resolved(flags, env).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CliError);
    expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining(message) });
    expect((error as Error).message).not.toContain(SECRET);
  });

  test('ignores the variables of a server', async () => {
    expect((await resolved({}, { G3N_PORT: '1', G3N_LOG_LEVEL: 'warn' })).profile).toBe('shop');
  });
});

describe('a credential', () => {
  test('of the environment wins, a session over a key', async () => {
    expect(await credentialOf({}, { G3N_API_KEY: 'k' })).toEqual({
      kind: 'apiKey',
      secret: 'k',
      source: 'G3N_API_KEY',
    });
    expect(await credentialOf({}, { G3N_API_KEY: 'k', G3N_SESSION_GUID: 's' })).toMatchObject({
      kind: 'session',
      secret: 's',
    });
  });

  test.each<[string, TargetFlags, NodeJS.ProcessEnv]>([
    ['--base-url', { baseUrl: 'https://evil.example' }, {}],
    ['--base-url on another port', { baseUrl: 'http://127.0.0.1:8788/crm' }, {}],
    ['--base-url with another path', { baseUrl: 'http://127.0.0.1:8787/crm2' }, {}],
    ['G3N_BASE_URL', {}, { G3N_BASE_URL: 'https://evil.example' }],
    ['--db', { db: 'x.db' }, {}],
    ['--base-url, for a profile of the live API', { profile: 'live', baseUrl: 'https://evil.example' }, {}],
    ['--base-url, for a profile of a database', { profile: 'local', baseUrl: 'https://evil.example' }, {}],
  ])('of a profile is not sent elsewhere: %s', async (_what, flags, env) => {
    await expect(credentialOf(flags, env)).rejects.toThrow(/^the credential of profile \w+ is only sent to /);
    expect(await credentialOf(flags, { ...env, G3N_API_KEY: 'k' })).toMatchObject({ secret: 'k' });
  });

  test('of a profile is sent to its base URL, in whatever form that is given', async () => {
    for (const baseUrl of ['http://127.0.0.1:8787/crm', 'HTTP://127.0.0.1:8787/crm//'])
      expect(await credentialOf({ baseUrl })).toMatchObject({ secret: SECRET });
  });

  test('is not sent where the profile was pointed after it was stored', async () => {
    const moved = environment(
      '{current: a, profiles: {a: {base_url: https://evil.example}}}',
      stored('https://a.example'),
    );
    await expect((await resolveTarget({}, moved)).credential()).rejects.toThrow(
      'the credential of profile a is only sent to https://a.example, and the profile is now for https://evil.example',
    );
    const same = environment(
      '{current: a, profiles: {a: {base_url: https://a.example/}}}',
      stored('https://a.example'),
    );
    expect(await (await resolveTarget({}, same)).credential()).toMatchObject({ secret: SECRET });
  });

  const stored = (place: string) => `{profiles: {a: {api_key: ${SECRET}, for: '${place}'}}}`;

  test('of the environment is not sent elsewhere than the place of the environment', async () => {
    const env = { G3N_API_KEY: SECRET, G3N_BASE_URL: 'https://a.example' };
    expect(await credentialOf({}, env)).toMatchObject({ secret: SECRET });
    expect(await credentialOf({ baseUrl: 'https://a.example/' }, env)).toMatchObject({ secret: SECRET });
    await expect(credentialOf({ baseUrl: 'https://evil.example' }, env)).rejects.toThrow(
      'G3N_API_KEY is only sent to G3N_BASE_URL, and this call goes to https://evil.example',
    );
    await expect(
      credentialOf({ baseUrl: 'https://evil.example' }, { G3N_SESSION_GUID: SECRET, G3N_DB: 'x.db' }),
    ).rejects.toThrow('G3N_SESSION_GUID is only sent to G3N_DB');
  });

  test.each([0o640, 0o604, 0o620])('is not taken from a file that others may use (mode %o)', async (mode) => {
    const env = environment('{current: a, profiles: {a: {}}}', stored(LIVE_BASE), mode);
    await expect((await resolveTarget({}, env)).credential()).rejects.toThrow(/other users .* chmod 600/);
  });

  test('with a sign that no header can have is refused, not shown', async () => {
    for (const secret of ['a b', 'a\nx-orgcode: EVIL', 'schlüssel']) {
      const error = await credentialOf({}, { G3N_API_KEY: secret }).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ message: expect.stringContaining('the credential from G3N_API_KEY has a space') });
      expect((error as Error).message).not.toContain(secret);
    }
  });
});

describe('a credential_command', () => {
  const node = (script: string) => [process.execPath, '-e', script];

  test('prints the credential in its first line, once', async () => {
    const script = `require('fs').appendFileSync('${root}/runs', 'x'); console.log('${SECRET}\\nsecond')`;
    const config = {
      current: 'a',
      profiles: { a: { credential_command: node(script), credential_kind: 'session_guid' } },
    };
    const target = await resolveTarget({}, environment(JSON.stringify(config)));
    const found = await Promise.all([target.credential(), target.credential()]);
    expect(found[0]).toEqual({ kind: 'session', secret: SECRET, source: 'credential_command' });
    expect(found[1]).toBe(found[0]);
    expect(readFileSync(join(root, 'runs'), 'utf8')).toBe('x');
  });

  test('is run without a shell', async () => {
    expect(await credentialFrom([process.execPath, '-p', 'process.argv[1]', '$(id);`id`|cat'])).toBe('$(id);`id`|cat');
  });

  test('need not wait for what it started', async () => {
    const script = `require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 5000)'],
      {stdio: ['ignore', 'inherit', 'ignore']}).unref(); console.log('${SECRET}')`;
    expect(await credentialFrom(node(script), 4000)).toBe(SECRET);
  });

  test.each<[string, readonly string[], string, number?]>([
    ['that does not exist', ['/nonexistent/g3n'], '(/nonexistent/g3n) was not found'],
    ['that fails', node(`console.log('${SECRET}'); process.exit(3)`), 'failed with exit code 3'],
    ['that prints nothing', node(''), 'printed nothing'],
    ['that prints too much', node(`process.stdout.write('${SECRET}'.repeat(1e4))`), 'printed more than 65536 bytes'],
    ['that takes too long', node(`console.log('${SECRET}'); setInterval(() => {}, 1e3)`), 'took more than 0.5 s', 500],
  ])('%s is an error, which does not show what it printed', async (_what, command, message, deadlineMs) => {
    const error = await credentialFrom(command, deadlineMs).catch((thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(CliError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain(SECRET);
  });
});

describe('the files', () => {
  test('are where the system keeps configuration', () => {
    expect(profileDirectory({ G3N_CONFIG_DIR: '/a' })).toBe('/a');
    if (process.platform === 'win32') return;
    expect(profileDirectory({ XDG_CONFIG_HOME: '/x', HOME: '/h' })).toBe('/x/g3n');
    expect(profileDirectory({ HOME: '/h' })).toBe('/h/.config/g3n');
    expect(profileDirectory({})).toBe(join(homedir(), '.config/g3n'));
  });

  test.each([
    [
      'a misspelt field',
      'profiles: {a: {baseurl: https://a.example}}',
      'no field profiles.a.baseurl: did you mean base_url?',
    ],
    ['a misspelt part', 'profile: {}', 'there is no field profile: did you mean profiles?'],
    ['yes or no', 'profiles: {a: {orgcode: true}}', 'profiles.a.orgcode: must be a text: put it in quotes'],
    ['plain http', 'profiles: {a: {base_url: http://a.example}}', 'profiles.a.base_url: must be https'],
    ['a password', `profiles: {a: {db: 'postgres://u:${SECRET}@h/d'}}`, 'profiles.a.db: has a password'],
    ['a password in the query', `profiles: {a: {db: 'postgres://h/d?password=${SECRET}'}}`, 'has a password'],
    ['two places', 'profiles: {a: {db: x, base_url: https://a.example}}', 'profiles.a: has base_url and db'],
    ['a command in one text', `profiles: {a: {credential_command: pass ${SECRET}}}`, 'must be a list'],
    ['a name that no shell takes', 'profiles: {"a b": {}}', 'the name of a profile must be'],
    ['a control character', 'profiles: {a: {orgcode: "A\\nB"}}', 'profiles.a.orgcode: has a control character'],
    ['a list', '- a', 'the file: must be current and profiles'],
    ['no YAML', `profiles: {a: {orgcode: *${SECRET}}}`, 'is not YAML'],
  ])('refuse %s', async (_what, text, message) => {
    const error = await resolveTarget({}, environment(text)).catch((thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(CliError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain(SECRET);
  });

  test.each([
    ['a credential without its kind', `profiles: {a: ${SECRET}}`],
    ['a credential for a field', `profiles: {a: {${SECRET}: x}}`],
    ['a credential for a profile', `{${SECRET}: x}`],
    ['both kinds', `profiles: {a: {api_key: ${SECRET}, session_guid: ${SECRET}}}`],
    ['no YAML', `profiles: {a: {api_key: *${SECRET}}}`],
    ['a broken line', `profiles:\n  a: {api_key: ${SECRET}\n b`],
  ])('show no part of credentials.yaml: %s', async (_what, text) => {
    const env = environment('{current: a, profiles: {a: {}}}', text);
    const error = await (await resolveTarget({}, env)).credential().catch((thrown: unknown) => thrown as Error);
    expect(error).toBeInstanceOf(CliError);
    expect((error as Error).message).toContain('credentials.yaml is not ');
    expect((error as Error).message).not.toContain(SECRET);
  });

  test('are not used if others may change config.yaml', async () => {
    const env = environment('current: a');
    chmodSync(join(env.G3N_CONFIG_DIR ?? '', 'config.yaml'), 0o622);
    await expect(resolveTarget({}, env)).rejects.toThrow('run chmod go-w on it');
  });
});
