/** `connect` as a process: it asks, keeps the old file, and leaves what it cannot change as it is. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { run, runJson, scratch } from '../support/program.js';

const workspace = scratch();
afterAll(workspace.remove);
const home = workspace.directory;
const env = { HOME: home, USERPROFILE: home, XDG_CONFIG_HOME: join(home, '.config'), G3N_API_KEY: 'sk-secret' };
const file = join(home, '.cursor', 'mcp.json');

test('writes through a link, keeps the mode and a copy of the old file, and never the key', async () => {
  const real = join(home, 'dotfiles.json');
  writeFileSync(real, '// mine\n{ "mcpServers": { "other": { "url": "http://other" } } }\n');
  chmodSync(real, 0o640);
  mkdirSync(join(home, '.cursor'));
  symlinkSync(real, file);
  const written = await runJson(['connect', 'cursor', '--org', 'ACME', '--yes'], env);
  expect(written).toMatchObject({ client: 'cursor', file, result: 'written' });
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(/^\/\/ mine\n\{ "mcpServers": \{ "other": \{ "url": "http:\/\/other" \}/);
  expect(text).toContain('"x-orgcode": "ACME"');
  expect(text).not.toContain('sk-secret');
  expect(statSync(real).mode & 0o777).toBe(0o640);
  expect(readFileSync(written.copy, 'utf8')).toContain('{ "mcpServers": { "other": { "url": "http://other" } } }');
  expect(readdirSync(home).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  const again = await runJson(['connect', 'cursor', '--org', 'ACME', '--yes'], env);
  expect(again).toMatchObject({ result: 'unchanged' });
  const { clients } = await runJson(['connect', 'list'], env);
  const states = clients.map(({ client, installed, entry }: Record<string, unknown>) => [client, installed, entry]);
  expect(states).toContainEqual(['cursor', true, 'yes']);
  expect(states).toContainEqual(['windsurf', false, 'no']);
});

test('only shows the change with --print, and writes nothing where it cannot ask', async () => {
  const shown = await run(['connect', 'codex', '--org', 'ACME', '--stdio', '--db', 'crm.db', '--print'], env);
  expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('+ [mcp_servers.g3n-crm]') });
  const asked = await run(['connect', 'codex', '--org', 'ACME'], env);
  expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes writes the change') });
  expect(readdirSync(home)).not.toContain('.codex');
});

test('writes what the configuration file and the environment say', async () => {
  const config = join(home, 'g3n.yaml');
  writeFileSync(
    config,
    'db: postgres://crm@db/crm\nkey-file: /etc/crm.key\norgcode: ACME\ntoolsets: [loyalty, risk]\n',
  );
  const shown = ['connect', 'gemini', '--stdio', '--print', '--config', config];
  const all = '"--db",\n+         "postgres://crm@db/crm",\n+         "--key-file",\n+         "/etc/crm.key",';
  const { code, stdout } = await run(shown, env);
  expect([code, stdout]).toEqual([0, expect.stringContaining(all)]);
  expect(stdout).toMatch(/"--toolsets",\n.*"loyalty,risk"[\s\S]*"G3N_ORGCODE": "ACME"/);
  const { stderr } = await run(['connect', 'gemini', '--org', 'A', '--stdio', '--print'], {
    ...env,
    G3N_DB: 'postgres://crm:s1@db/crm',
  });
  expect(stderr).toContain('no password belongs');
  expect(stderr).not.toContain('s1');
  for (const flag of ['--db=x.db', '--key-file=k', '--gateway'])
    expect((await run(['connect', 'gemini', '--org', 'A', flag, '--print'], env)).stderr).toContain('add --stdio');
});

test('leaves a link to a file that does not exist as it is', async () => {
  const link = join(home, '.codeium', 'windsurf', 'mcp_config.json');
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(home, 'gone.json'), link);
  const refused = await run(['connect', 'windsurf', '--org', 'ACME', '--yes'], env);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('a link to a file that does not exist') });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

test('leaves a file that is not valid as it is', async () => {
  const zed = join(home, '.config', 'zed');
  mkdirSync(zed, { recursive: true });
  writeFileSync(join(zed, 'settings.json'), '{ "a": \n');
  const refused = await run(['connect', 'zed', '--org', 'ACME', '--yes'], env);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/settings\.json is left as it is: it is not valid JSON \(line 2/);
  expect(readdirSync(zed)).toEqual(['settings.json']);
  expect(readFileSync(join(zed, 'settings.json'), 'utf8')).toBe('{ "a": \n');
});
