/** The settings table: help, variables, the configuration file, and which of them wins. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { createProgram } from '../../src/commands/program.js';
import { addSettings, applySettings, defaultOf, settingsOf } from '../../src/commands/setting-options.js';
import { nearestName } from '../../src/nearest-name.js';
import { CLIENT_VARIABLES } from '../../src/settings/client-variables.js';
import { readConfigFile } from '../../src/settings/config-file.js';
import { variableOf } from '../../src/settings/setting.js';
import { COMMON_SETTINGS, SETTINGS, type SettingName, settingOf } from '../../src/settings/setting-table.js';
import { unknownVariables } from '../../src/settings/unknown-variables.js';
import { ConfigFileError } from '../../src/settings/yaml-file.js';

const directory = mkdtempSync(join(tmpdir(), 'g3n-settings-'));
afterAll(() => rmSync(directory, { recursive: true }));

function commandsOf(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

const program = createProgram('.');
const commands = commandsOf(program).filter((command) => command.commands.length === 0);

describe('help', () => {
  test.each(commands.map((command) => [helpPath(command), command] as const))(
    '%s lists its variables with their defaults',
    (_path, command) => {
      const help = helpOf(command).replace(/\s+/g, ' ');
      for (const name of [...settingsOf(command), ...COMMON_SETTINGS]) {
        const standard = defaultOf(settingOf(name));
        const facts = `(?:default: ${escaped(standard ?? '')}; )?env: ${variableOf(name)}`;
        expect(help).toMatch(settingOf(name).hasFlag === false ? variableOf(name) : new RegExp(facts));
        if (standard !== undefined) expect(help).toContain(`default: ${standard}`);
      }
    },
  );

  test('every setting belongs to a command', () => {
    const used = new Set([...commands.flatMap(settingsOf), ...COMMON_SETTINGS]);
    expect(Object.keys(SETTINGS).filter((name) => !used.has(name as SettingName))).toEqual([]);
  });

  test('no document names a variable that no setting has', () => {
    const documents = ['README.md', 'docs/operations.md', 'docs/postgres.md', 'docs/gateway.md', 'docs/clients.md'];
    const named = documents.flatMap((file) => readFileSync(file, 'utf8').match(/\bG3N_[A-Z_]+\b/g) ?? []);
    expect(unknownVariables(Object.fromEntries(named.map((name) => [name, ''])))).toEqual([]);
  });
});

describe('an unknown variable', () => {
  test.each([
    ['G3N_READONLY', 'G3N_READ_ONLY'],
    ['G3N_LOGLEVEL', 'G3N_LOG_LEVEL'],
    ['G3N_ORG_CODE', 'G3N_ORGCODE'],
    ['G3N_DATABASE', undefined],
    ['g3n_db', 'G3N_DB'],
    ['G3N_PROT', 'G3N_PORT'],
    ['G3N_PROFIL', 'G3N_PROFILE'],
    ['G3N_BASEURL', 'G3N_BASE_URL'],
  ])('%s is named with the nearest that there is', (given, meant) => {
    const [problem = ''] = unknownVariables({ [given]: '1', G3N_DB: 'x', PATH: '' });
    expect(problem).toBe(`there is no variable ${given}${meant === undefined ? '' : `: did you mean ${meant}?`}`);
  });

  test('is none of the client', () => {
    expect(unknownVariables(Object.fromEntries(CLIENT_VARIABLES.map((name) => [name, 'x'])))).toEqual([]);
    expect(CLIENT_VARIABLES).toEqual(expect.arrayContaining(['G3N_PROFILE', 'G3N_BASE_URL', 'G3N_CONFIG_DIR']));
  });

  test('is none of the tests or of Kubernetes', () => {
    const links = { G3N_CRM_SERVICE_HOST: '10.0.0.1', G3N_CRM_PORT: 'tcp://10.0.0.1:80', G3N_CRM_PORT_80_TCP: '' };
    expect(unknownVariables({ G3N_TEST_PATH: 'x', G3N_BENCH_CUSTOMERS: '1', ...links })).toEqual([]);
    expect(unknownVariables({ G3N_CRM_PORT: 'tcp://10.0.0.1:80' })).toHaveLength(1);
  });
});

describe('what wins', () => {
  const file = join(directory, 'g3n.yaml');
  writeFileSync(file, 'port: 1\nhost: file\nallow-host: [a.example, b.example]\nlean: true\ngateway: true\n');

  test('is the flag, then the variable, then the file, then the default', async () => {
    const env = { G3N_PORT: '2', G3N_HOST: 'variable', G3N_CONFIG: file };
    expect(await effective(['--port', '3'], env)).toMatchObject({
      port: 3,
      host: 'variable',
      allowHost: ['a.example', 'b.example'],
      lean: true,
      gateway: settingOf('gateway').preset,
      maxSessions: 1000,
    });
    const off = await effective([], { G3N_CONFIG: file, G3N_GATEWAY: 'false', G3N_LEAN: '0' });
    expect(off).toMatchObject({ lean: false });
    expect(off).not.toHaveProperty('gateway');
  });

  test('is the flag of every command too, over the file', async () => {
    const env: NodeJS.ProcessEnv = { G3N_LOG_LEVEL: 'warn' };
    await effective(['--config', file, '--log-level', 'debug'], env);
    expect(env).toMatchObject({ G3N_LOG_LEVEL: 'debug', G3N_PORT: '1' });
  });

  test('is never an invalid variable, whose value no message shows', async () => {
    const found = effective([], { G3N_PORT: 'S3CRET', G3N_LEAN: 'perhaps' });
    await expect(found).rejects.toThrow(
      'the environment is not valid: G3N_LEAN: must be true or false; G3N_PORT: must be a whole number from 0 to 65535',
    );
  });
});

describe('a configuration file', () => {
  test.each([
    ['a misspelt setting', 'redonly: true', 'there is no setting redonly: did you mean read-only?'],
    ['an invalid value', 'port: S3CRET', 'port: must be a whole number from 0 to 65535'],
    ['a value that is no text', 'db: {url: S3CRET}', 'db: must be a text, a number, true, false or a list'],
    ['a list', '- port', 'the file: must be settings by their names'],
    ['two settings that are wrong', 'port: x\nlean: S3CRET', 'lean: must be true or false; port: must be'],
    ['text that is no YAML', 'db: "S3CRET', 'is not YAML'],
    ['itself', 'config: x.yaml', 'there is no setting config'],
  ])('with %s is refused, without showing what it has', async (_name, text, message) => {
    const path = join(directory, 'wrong.yaml');
    writeFileSync(path, text);
    const error = await readConfigFile(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigFileError);
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('S3CRET');
  });

  test('is read as it is written: what looks like a number keeps its zeros', async () => {
    const path = join(directory, 'numbers.yaml');
    writeFileSync(path, 'orgcode: 0012\napi-key: 1e3\nport: 8080\nlean: true\nallow-host: [10, 0x1]\n');
    const values = { orgcode: '0012', 'api-key': '1e3', port: '8080', lean: 'true', 'allow-host': '10,0x1' };
    expect(await readConfigFile(path)).toEqual(values);
  });

  test('that is not there is refused, and an empty one is not', async () => {
    await expect(readConfigFile(join(directory, 'none'))).rejects.toThrow('there is no configuration file');
    writeFileSync(join(directory, 'empty.yaml'), '# nothing\n');
    expect(await readConfigFile(join(directory, 'empty.yaml'))).toEqual({});
  });
});

test('the nearest name is none when none is near', () => {
  expect(nearestName('sevre', ['stdio', 'http', 'serve'])).toBe('serve');
  expect(nearestName('x', ['stdio', 'http'])).toBeUndefined();
});

/** The flags that an action gets. */
async function effective(args: readonly string[], env: NodeJS.ProcessEnv): Promise<object> {
  const main = addSettings(new Command().exitOverride(), COMMON_SETTINGS);
  let flags: object = {};
  const names = ['lean', 'port', 'host', 'allow-host', 'max-sessions', 'gateway'] as const;
  addSettings(main.command('serve'), names).action((given) => {
    flags = given;
  });
  main.hook('preAction', (_main, command) => applySettings(main, command, env));
  await main.parseAsync(['serve', ...args], { from: 'user' });
  return flags;
}

function helpPath(command: Command): string {
  const above = command.parent;
  return above === null ? command.name() : `${helpPath(above)} ${command.name()}`;
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (written) => (text += written) });
  command.outputHelp();
  return text;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
