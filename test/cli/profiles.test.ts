/** login, logout, whoami and profile: what is asked, stored and shown, and that no secret is shown. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CliError } from '../../src/cli/cli-error.js';
import { addProfileCommands, type Standing } from '../../src/cli/profiles/profile-commands.js';
import type { CallTarget, SourcedCredential } from '../../src/cli/profiles/target.js';
import { LIVE_BASE } from '../../src/contract/base-url.js';

const root = mkdtempSync(join(tmpdir(), 'g3n-profiles-'));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
let directory = '';
beforeEach(() => {
  count += 1;
  directory = join(root, String(count), 'g3n');
});

const SECRET = 'k-7f3c-SECRET';
const BASE = 'http://127.0.0.1:8787/crm';
const STANDING = {
  version: '1',
  backend: 'store',
  caller: { actor: 'key:till', owner: false, roles: ['crm_view'] },
  org: { orgcode: 'ACME', status: 'verified' },
};

/** A terminal that gets the keys for a question when it is asked. It shows what is typed unless it is raw. */
function terminal(...answers: readonly (readonly [question: string, keys: string])[]) {
  let isRaw = false;
  const state = { shown: '', wasRaw: false };
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode(raw: boolean) {
      isRaw = raw;
      state.wasRaw ||= raw;
    },
  });
  const stderr = {
    isTTY: true,
    write(text: string) {
      state.shown += text;
      const keys = answers.find(([question]) => text.includes(question))?.[1];
      if (keys === undefined) return;
      if (!isRaw) state.shown += keys;
      for (const key of keys) setImmediate(() => stdin.write(key));
    },
  };
  return { stdin, stderr, state, isRaw: () => isRaw };
}

/** An input that is no terminal. */
function piped(text: string) {
  const stdin = new PassThrough();
  stdin.end(text);
  return stdin;
}

interface Surroundings {
  readonly at?: ReturnType<typeof terminal>;
  readonly stdin?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stat?: (target: CallTarget, credential: SourcedCredential | undefined) => Promise<Standing>;
}

/** Runs a command; returns what it printed and what it tried. */
async function g3n(args: readonly string[], { at, stdin = '', env = {}, stat }: Surroundings = {}) {
  const printed: object[] = [];
  const tried: { readonly target: CallTarget; readonly credential: SourcedCredential | undefined }[] = [];
  let shown = '';
  const stderr = { write: (text: string) => (shown += text) };
  const program = new Command('g3n').exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  addProfileCommands(program, {
    io: {
      stdin: at?.stdin ?? piped(stdin),
      stdout: stderr,
      stderr: at?.stderr ?? stderr,
      env: { G3N_CONFIG_DIR: directory, ...env },
    },
    print: async (data) => void printed.push(data),
    stat: async (target, credential) => {
      tried.push({ target, credential });
      return stat === undefined ? STANDING : stat(target, credential);
    },
  });
  await program.parseAsync(args, { from: 'user' });
  return { printed: printed[0], tried: tried[0], stderr: at?.state.shown ?? shown };
}

const text = (file: 'config.yaml' | 'credentials.yaml') => readFileSync(join(directory, file), 'utf8');
function given(file: 'config.yaml' | 'credentials.yaml', content: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, file), content, { mode: 0o600 });
}
const AT_ACME = ['--base-url', BASE, '--orgcode', 'acme', '--with-credential'];

describe('login', () => {
  test('asks for what is missing, tries it, and stores it', async () => {
    const at = terminal(
      ['Base URL', `${BASE}/\n`],
      ['Org code', 'acme\n'],
      ['API key or session', '\n'],
      ['API key (not shown)', `${SECRET}\r`],
    );
    const { printed, tried, stderr } = await g3n(['login'], { at });
    expect(tried).toMatchObject({
      target: { baseUrl: BASE, orgcode: 'acme' },
      credential: { kind: 'apiKey', secret: SECRET },
    });
    expect(printed).toMatchObject({
      profile: 'default',
      base_url: BASE,
      orgcode: 'ACME',
      actor: 'key:till',
      roles: ['crm_view'],
    });
    expect(text('config.yaml')).toBe(
      `profiles:\n  default:\n    base_url: ${BASE}\n    orgcode: ACME\ncurrent: default\n`,
    );
    expect(text('credentials.yaml')).toBe(`profiles:\n  default:\n    api_key: ${SECRET}\n    for: ${BASE}\n`);
    expect(stderr).toContain('Org code: acme');
    expect(at.state.wasRaw).toBe(true);
    expect(at.isRaw()).toBe(false);
    expect(JSON.stringify(printed) + stderr + text('config.yaml')).not.toContain(SECRET);
  });

  test('makes files that only their owner may read', async () => {
    const before = process.umask(0);
    try {
      await g3n(['login', ...AT_ACME], { stdin: SECRET });
    } finally {
      process.umask(before);
    }
    const modes = ['.', 'config.yaml', 'credentials.yaml'].map((name) => statSync(join(directory, name)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o600]);
  });

  test('understands the keys of a terminal', async () => {
    const keys = `wrong\u0015${SECRET.slice(0, 4)}x\u007f\u001b[D\u001b[C\u001b[200~${SECRET.slice(4)}\u001b[201~\r`;
    const at = terminal(['Session (not shown)', keys]);
    const { tried } = await g3n(['login', '--base-url', BASE, '--orgcode', 'ACME', '--session'], { at });
    expect(tried?.credential).toMatchObject({ kind: 'session', secret: SECRET });
    expect(text('credentials.yaml')).toContain(`session_guid: ${SECRET}`);
    expect(at.state.shown).not.toContain(SECRET.slice(4));
  });

  test.each([
    ['Ctrl+C', 'abc\u0003', 'nothing was typed'],
    ['Ctrl+D', '\u0004', 'nothing was typed'],
    ['nothing', '\r', 'nothing was typed'],
    ['a space within', 'a b\r', 'the credential from the terminal has a space'],
  ])('stores nothing after %s', async (_what, keys, message) => {
    const at = terminal(['API key (not shown)', keys], ['API key or session', 'key\n']);
    await expect(g3n(['login', '--orgcode', 'ACME', '--base-url', BASE], { at })).rejects.toThrow(message);
    expect(at.isRaw()).toBe(false);
    expect(existsSync(directory)).toBe(false);
  });

  test('reads the credential from stdin, its first line', async () => {
    const { tried } = await g3n(['login', '--orgcode', 'ACME', '--with-credential'], { stdin: ` ${SECRET}\r\nmore` });
    expect(tried).toMatchObject({ target: { baseUrl: LIVE_BASE }, credential: { kind: 'apiKey', secret: SECRET } });
    await expect(g3n(['login', '--profile', 'b', ...AT_ACME])).rejects.toThrow('there is no credential on stdin');
  });

  test.each([
    ['no terminal', ['--orgcode', 'ACME'], 'add --with-credential'],
    ['no org code', ['--with-credential'], 'the org code is missing: give --orgcode'],
    ['plain http', [...AT_ACME, '--base-url', 'http://crm.example.com'], '--base-url must be https'],
  ])('says what is missing with %s', async (_what, flags, message) => {
    await expect(g3n(['login', ...flags], { stdin: SECRET })).rejects.toThrow(message);
    expect(existsSync(directory)).toBe(false);
  });

  test('has no option that takes a credential', async () => {
    for (const flag of ['--api-key', '--key', '--credential', '--session-guid', '--password', '--token'])
      await expect(g3n(['login', ...AT_ACME, flag, SECRET], { stdin: SECRET })).rejects.toThrow('unknown option');
    await expect(g3n(['login', ...AT_ACME, SECRET], { stdin: SECRET })).rejects.toThrow('too many arguments');
    expect(existsSync(directory)).toBe(false);
  });

  test('stores nothing that does not work, and tries nothing that cannot be stored', async () => {
    const refused = new CliError('the credential is not valid', 5);
    await expect(g3n(['login', ...AT_ACME], { stdin: SECRET, stat: () => Promise.reject(refused) })).rejects.toBe(
      refused,
    );
    expect(existsSync(directory)).toBe(false);
  });

  test('does not point a profile at another server that was not named', async () => {
    given('config.yaml', 'current: live\nprofiles: {live: {orgcode: ACME}}\n');
    await expect(g3n(['login', ...AT_ACME], { stdin: SECRET })).rejects.toThrow(`profile live is for ${LIVE_BASE}`);
    expect(existsSync(join(directory, 'credentials.yaml'))).toBe(false);
    const { stderr } = await g3n(['login', ...AT_ACME, '--profile', 'shop'], { stdin: SECRET });
    expect(stderr).toBe('the current profile is still live: g3n profile use shop changes that\n');
    await g3n(['login', ...AT_ACME, '--profile', 'live'], { stdin: SECRET });
    expect(text('config.yaml')).toContain(`live: { orgcode: ACME, base_url: ${BASE} }`);
  });

  test('keeps comments, and what the profile says besides', async () => {
    given(
      'config.yaml',
      '# ours\ncurrent: a # the till\nprofiles:\n  # north\n  a:\n    channel_code: 0012 # or web\n',
    );
    await g3n(['login', '--profile', 'a', ...AT_ACME], { stdin: SECRET });
    expect(text('config.yaml')).toBe(
      `# ours\ncurrent: a # the till\nprofiles:\n  # north\n  a:\n    channel_code: 0012 # or web\n    base_url: ${BASE}\n    orgcode: ACME\n`,
    );
  });

  test('says when a variable will win', async () => {
    const { tried, stderr } = await g3n(['login', ...AT_ACME], { stdin: SECRET, env: { G3N_API_KEY: 'other' } });
    expect(tried?.credential?.secret).toBe(SECRET);
    expect(stderr).toBe('G3N_API_KEY is set, and wins over the stored credential\n');
  });

  test('tries the credential_command of a profile and stores no credential', async () => {
    const command = JSON.stringify([process.execPath, '-p', `'${SECRET}'`]);
    given('config.yaml', `profiles: {a: {base_url: '${BASE}', orgcode: ACME, credential_command: ${command}}}\n`);
    const { tried, printed } = await g3n(['login', '--profile', 'a']);
    expect(tried?.credential?.secret).toBe(SECRET);
    expect(printed).toMatchObject({ credential: 'credential_command' });
    expect(existsSync(join(directory, 'credentials.yaml'))).toBe(false);
    await expect(g3n(['login', '--profile', 'a', '--with-credential'], { stdin: SECRET })).rejects.toThrow(
      'stores no credential',
    );
  });

  test('writes no secret to a file that others may read, and leaves a link a link', async () => {
    given('credentials.yaml', '{}\n');
    chmodSync(join(directory, 'credentials.yaml'), 0o644);
    await expect(g3n(['login', ...AT_ACME], { stdin: SECRET })).rejects.toThrow(/other users .* chmod 600/);
    expect(text('credentials.yaml')).toBe('{}\n');
  });

  test('remembers a database by its path from everywhere, and no password', async () => {
    await g3n(['login', '--db', 'crm.db', '--orgcode', 'ACME', '--with-credential'], { stdin: SECRET });
    expect(text('config.yaml')).toContain(`db: ${join(process.cwd(), 'crm.db')}\n`);
    const url = `postgres://u:${SECRET}@127.0.0.1/crm`;
    const found = g3n(['login', '--profile', 'p', '--orgcode', 'ACME', '--with-credential'], {
      stdin: 'k',
      env: { G3N_DB: url },
    });
    const error = await found.catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ message: expect.stringContaining('profiles.p.db: has a password: use PGPASSWORD') });
    expect(String(error) + text('config.yaml') + text('credentials.yaml').replace(SECRET, '')).not.toContain(SECRET);
  });
});

describe('whoami', () => {
  test('shows the profile, the server, and where the credential is from', async () => {
    await g3n(['login', ...AT_ACME], { stdin: SECRET });
    const { printed, tried } = await g3n(['whoami', '--channel-code', 'web']);
    expect(tried?.credential?.secret).toBe(SECRET);
    expect(printed).toEqual({
      profile: 'default',
      base_url: BASE,
      credential: 'credentials.yaml',
      orgcode: 'ACME',
      org_status: 'verified',
      actor: 'key:till',
      owner: false,
      roles: ['crm_view'],
      channel_code: 'web',
      backend: 'store',
      version: '1',
    });
  });

  test('shows no password of a database', async () => {
    const env = { G3N_DB: `postgres://u:${SECRET}@h/d`, G3N_API_KEY: 'k', G3N_ORGCODE: 'ACME' };
    const { printed, tried } = await g3n(['whoami'], { env });
    expect(tried?.target.database).toContain(SECRET);
    expect(printed).toMatchObject({ database: 'a PostgreSQL database', credential: 'G3N_API_KEY' });
  });

  test('fails as every call does', async () => {
    const refused = new CliError('the credential is missing', 5);
    const stat = (_target: CallTarget, credential: SourcedCredential | undefined) =>
      credential === undefined ? Promise.reject(refused) : Promise.resolve(STANDING);
    await expect(g3n(['whoami'], { stat })).rejects.toBe(refused);
  });
});

describe('logout', () => {
  test('removes the credential of the profile only', async () => {
    await g3n(['login', ...AT_ACME], { stdin: SECRET });
    await g3n(['login', '--profile', 'b', ...AT_ACME], { stdin: 'other' });
    expect((await g3n(['logout'])).printed).toEqual({ profile: 'default', removed: true });
    expect(text('credentials.yaml')).not.toContain(SECRET);
    expect(text('credentials.yaml')).toContain('other');
    expect(text('config.yaml')).toContain('default:');
    expect((await g3n(['logout'])).printed).toEqual({ profile: 'default', removed: false });
    expect((await g3n(['logout', '--profile', 'b'])).printed).toEqual({ profile: 'b', removed: true });
  });

  test('needs a profile', async () => {
    await expect(g3n(['logout'])).rejects.toThrow('there is no current profile');
  });
});

describe('profile', () => {
  beforeEach(async () => {
    given(
      'config.yaml',
      `# ours\ncurrent: shop\nprofiles:\n  shop: { base_url: ${BASE}, orgcode: ACME } # the shop\n  live: {}\n`,
    );
    given('credentials.yaml', `profiles: { shop: { session_guid: ${SECRET} } }\n`);
  });

  test('list and show say whether there is a credential, and not which', async () => {
    const { printed } = await g3n(['profile', 'list']);
    expect(printed).toEqual({
      items: [
        { name: 'shop', current: true, target: BASE, orgcode: 'ACME', credential: 'session_guid' },
        { name: 'live', current: false, target: LIVE_BASE, orgcode: null, credential: null },
      ],
    });
    const shown = await g3n(['profile', 'show']);
    expect(shown.printed).toEqual({ name: 'shop', base_url: BASE, orgcode: 'ACME', credential: 'session_guid' });
    await expect(g3n(['profile', 'show', 'shpo'])).rejects.toThrow('did you mean shop?');
  });

  test('use chooses the current one', async () => {
    await g3n(['profile', 'use', 'live']);
    expect(text('config.yaml')).toMatch(/^# ours\ncurrent: live\n/);
    await expect(g3n(['profile', 'use', 'nowhere'])).rejects.toThrow('there is no profile nowhere');
  });

  test('set changes a field, makes a profile, and removes a field', async () => {
    await g3n(['profile', 'set', 'shop', 'channel_code', 'web']);
    expect(text('config.yaml')).toContain(`shop: { base_url: ${BASE}, orgcode: ACME, channel_code: web } # the shop`);
    await g3n(['profile', 'set', 'shop', 'channel_code']);
    expect(text('config.yaml')).not.toContain('channel_code');
    await g3n(['profile', 'set', 'new', 'credential_command', '--', 'op', 'read', '--no-newline', 'a b: #']);
    expect((await g3n(['profile', 'show', 'new'])).printed).toMatchObject({
      credential_command: ['op', 'read', '--no-newline', 'a b: #'],
    });
    await g3n(['profile', 'set', 'none', 'orgcode']);
    expect(text('config.yaml')).not.toContain('none');
    await g3n(['profile', 'set', 'shop', 'orgcode', '007']);
    expect((await g3n(['profile', 'show'])).printed).toMatchObject({ orgcode: '007' });
  });

  test.each([
    ['a secret', ['shop', 'api_key', SECRET], 'a credential is not given on the command line'],
    ['a misspelt field', ['shop', 'org_code', 'X'], 'there is no field org_code: did you mean orgcode?'],
    ['plain http', ['shop', 'base_url', 'http://a.example'], 'profiles.shop.base_url: must be https'],
    ['two values', ['shop', 'orgcode', 'A', 'B'], 'orgcode has one value'],
    ['two places', ['shop', 'db', 'x.db'], 'has base_url and db: choose one'],
    ['a password', ['live', 'db', `postgres://u:${SECRET}@h/d`], 'has a password'],
    ['a bad name', ['__proto__', 'orgcode', 'A'], 'the name of a profile must be'],
  ])('set refuses %s, and changes nothing', async (_what, args, message) => {
    const before = text('config.yaml');
    const error = await g3n(['profile', 'set', ...args]).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect((error as Error).message).not.toContain(SECRET);
    expect(text('config.yaml')).toBe(before);
  });

  test('remove removes its credential too, and it is no longer the current one', async () => {
    await g3n(['profile', 'remove', 'shop']);
    expect(text('credentials.yaml')).not.toContain(SECRET);
    expect((await g3n(['profile', 'list'])).printed).toMatchObject({ items: [{ name: 'live', current: false }] });
    expect(text('config.yaml')).not.toContain('current');
  });
});
