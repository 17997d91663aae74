/** Entries in the configuration files of clients: what is added, replaced and kept, and what is refused. */
import { parse } from 'jsonc-parser';
import { describe, expect, test } from 'vitest';
import {
  CLIENT_NAMES,
  type ClientName,
  clientKind,
  ENTRY_NAME,
  installLink,
  KEY_INPUT,
  npxTarget,
  type Served,
} from '../../src/connect/client-entries.js';
import { shownChange, withEntry } from '../../src/connect/client-text.js';
import { projectFile, traceOf, userFile } from '../../src/connect/config-paths.js';
import { setField } from '../../src/connect/json-edit.js';
import { diffOf } from '../../src/connect/text-diff.js';

const CALLER = { orgcode: 'ACME', logicalGuid: 'store-7', channelCode: 'pos' };
const SERVED: Served = { ...CALLER, url: 'http://127.0.0.1:8787/mcp' };
const STARTED = npxTarget({ ...CALLER, readOnly: true, toolsets: 'loyalty,giftcard' }, ['--db', '/data/crm.db']);
const REFERENCES: { readonly [name in ClientName]: string } = {
  'claude-code': `\${G3N_API_KEY}`,
  'claude-desktop': 'YOUR_KEY',
  cursor: `\${env:G3N_API_KEY}`,
  vscode: `\${input:g3n-api-key}`,
  windsurf: `\${env:G3N_API_KEY}`,
  codex: 'G3N_API_KEY',
  gemini: `\${G3N_API_KEY}`,
  zed: `\${G3N_API_KEY}`,
  jetbrains: 'YOUR_KEY',
};
const inJson = CLIENT_NAMES.filter((name) => clientKind(name).format === 'json');

function merged(
  name: ClientName,
  text: string,
  target: Parameters<ReturnType<typeof clientKind>['entry']>[0] = SERVED,
) {
  const kind = clientKind(name);
  return withEntry(text, kind, ENTRY_NAME, kind.entry(target));
}

describe.each(inJson)('the file of %s', (name) => {
  const { list, entry } = clientKind(name);

  test('is made where there is none, and has the entry and a reference to the key', () => {
    for (const target of [SERVED, STARTED]) {
      const text = merged(name, '', target);
      expect(JSON.parse(text)[list]).toEqual({ [ENTRY_NAME]: entry(target) });
      if (name !== 'zed' || target === SERVED) expect(text).toContain(REFERENCES[name]);
      expect(JSON.parse(text).inputs).toEqual(name === 'vscode' ? [KEY_INPUT] : undefined);
    }
  });

  test('keeps other servers, comments, indentation and line ends', () => {
    const other = '{ "command": "other", "env": { "TOKEN": "t" } }';
    const before = `\uFEFF{\r\n\t// mine\r\n\t"theme": "dark", /* why */\r\n\t"${list}": {\r\n\t\t"other": ${other}, // last\r\n\t},\r\n}\r\n`;
    const after = merged(name, before);
    const lines = after.split('\r\n');
    expect(before.split('\r\n').filter((line) => !lines.includes(line) && !lines.includes(`${line},`))).toEqual([]);
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(parse(after.slice(1))).toMatchObject({
      theme: 'dark',
      [list]: { other: { command: 'other' }, [ENTRY_NAME]: entry(SERVED) },
    });
    expect(merged(name, after), 'again').toBe(after);
  });

  test('gets the entry instead of an older one', () => {
    const before = merged(
      name,
      `{ "${list}": { "a": {}, "${ENTRY_NAME}": { "url": "http://old", "x": [1] }, "z": {} } }`,
    );
    expect(parse(before)[list]).toEqual({ a: {}, [ENTRY_NAME]: entry(SERVED), z: {} });
    expect(parse(merged(name, merged(name, '', STARTED), SERVED))[list]).toEqual({ [ENTRY_NAME]: entry(SERVED) });
  });

  test.each([
    ['text', 'not JSON', /not valid JSON \(line 1/],
    ['an open object', '{\n"a": {', /not valid JSON \(line 2/],
    ['a list', '[]', /not a JSON object/],
    ['a list of servers', `{ "${list}": [] }`, new RegExp(`${list} is not an object`)],
    ['servers twice', `{ "${list}": {}, "${list}": {} }`, new RegExp(`not valid JSON: it has ${list} twice`)],
    ['the entry twice', `{ "${list}": { "g3n-crm": {}, "g3n-crm": {} } }`, new RegExp(`${list}.g3n-crm twice`)],
  ])('is refused with %s', (_what, text, message) => {
    expect(() => merged(name, text)).toThrow(message);
  });
});

describe('the file of codex', () => {
  const TABLE = [
    '[mcp_servers.g3n-crm]',
    'url = "http://127.0.0.1:8787/mcp"',
    'http_headers = { x-orgcode = "ACME", x-logical-guid = "store-7", x-channel-code = "pos" }',
    'env_http_headers = { x-api-key = "G3N_API_KEY" }',
  ].join('\n');
  const OTHERS = [
    '# mine',
    'model = "o" # why',
    'notes = """\n[mcp_servers.g3n-crm]\nnot a "table"\n"""',
    'paths = [\n  [\'a\'],\n  ["b]"], # ]\n]',
    '',
    '[mcp_servers."other server".env]',
    'TOKEN = "t"',
    '',
  ].join('\n');

  test('is made where there is none', () => {
    expect(merged('codex', '')).toBe(`${TABLE}\n`);
    expect(merged('codex', '', STARTED)).toContain('env_vars = ["G3N_API_KEY"]');
  });

  test('keeps every other line', () => {
    const after = merged('codex', OTHERS);
    expect(after).toBe(`${OTHERS}\n${TABLE}\n`);
    expect(merged('codex', after), 'again').toBe(after);
    const windows = OTHERS.replaceAll('\n', '\r\n');
    expect(merged('codex', windows)).toBe(`${windows}\r\n${TABLE.replaceAll('\n', '\r\n')}\r\n`);
  });

  test('gets the table instead of an older one and of tables below it', () => {
    const older =
      '[ mcp_servers . "g3n-crm" ]\nurl = "http://old"\n\n[mcp_servers.g3n-crm.env]\nA = """\n[b]\n"""\n\n# next\n[tui]\nx = 1\n';
    expect(merged('codex', `${OTHERS}\n${older}`)).toBe(`${OTHERS}\n${TABLE}\n\n\n# next\n[tui]\nx = 1\n`);
  });

  test.each([
    ['text', 'not TOML', /not valid TOML \(line 1\)/],
    ['an open string', 'a = 1\nb = "x\n', /line 2/],
    ['an open list', 'a = [1,\n', /line 1/],
    ['an inline table of servers', 'mcp_servers = { a = {} }', /make it a table/],
    ['a dotted key', 'mcp_servers.g3n-crm.url = "u"', /make it a table/],
    ['an inline entry', '[mcp_servers]\ng3n-crm = { url = "u" }', /line 2 .*make it a table/],
  ])('is refused with %s', (_what, text, message) => {
    expect(() => merged('codex', text)).toThrow(message);
  });
});

test('a key that a user put into a file stays, and VS Code has one input', () => {
  const text = merged('claude-desktop', '', STARTED).replace('YOUR_KEY', 'sk-1');
  expect(parse(merged('claude-desktop', text)).mcpServers[ENTRY_NAME].env).toEqual({ G3N_API_KEY: 'sk-1' });
  const other = { id: 'other', type: 'promptString' };
  const inputs = parse(merged('vscode', merged('vscode', JSON.stringify({ inputs: [other] })))).inputs;
  expect(inputs).toEqual([other, KEY_INPUT]);
});

test('flags of the caller are headers of a server, and arguments of a program', () => {
  const { readOnly, toolsets } = STARTED;
  const { headers } = clientKind('cursor').entry({ ...SERVED, readOnly: true, toolsets: 'loyalty' });
  expect([readOnly, toolsets, headers]).toMatchObject([
    true,
    'loyalty,giftcard',
    { 'x-mcp-readonly': 'true', 'x-mcp-toolsets': 'loyalty' },
  ]);
  const { args } = clientKind('cursor').entry(STARTED);
  expect(args).toEqual([
    '-y',
    'g3n-crm-mcp',
    'stdio',
    '--db',
    '/data/crm.db',
    '--read-only',
    '--toolsets',
    'loyalty,giftcard',
  ]);
  const zed = clientKind('zed').entry({ ...SERVED, url: 'http://crm.example/mcp' });
  expect(zed.args).toContain('--allow-http');
});

test('links for Cursor and VS Code have the entry', () => {
  const cursor = new URL(installLink('cursor', SERVED) ?? '');
  expect(`${cursor.protocol}//${cursor.host}${cursor.pathname}`).toBe('cursor://anysphere.cursor-deeplink/mcp/install');
  expect(cursor.searchParams.get('name')).toBe(ENTRY_NAME);
  const config = Buffer.from(cursor.searchParams.get('config') ?? '', 'base64').toString();
  expect(JSON.parse(config)).toEqual(clientKind('cursor').entry(SERVED));
  const [start, data = ''] = (installLink('vscode', SERVED) ?? '').split('?');
  expect(start).toBe('vscode:mcp/install');
  const { name, inputs, ...entry } = JSON.parse(decodeURIComponent(data));
  expect([name, inputs, entry]).toEqual([ENTRY_NAME, [KEY_INPUT], clientKind('vscode').entry(SERVED)]);
  expect(installLink('zed', SERVED)).toBeUndefined();
});

test('paths on macOS, Windows and Linux', () => {
  const windows = { platform: 'win32', home: 'C:\\Users\\a', env: { APPDATA: 'D:\\R' } } as const;
  const mac = { platform: 'darwin', home: '/Users/a', env: { XDG_CONFIG_HOME: '/x' } } as const;
  const linux = { platform: 'linux', home: '/home/a', env: {} } as const;
  const paths = Object.fromEntries(
    CLIENT_NAMES.map((name) => [name, [mac, windows, linux].map((on) => userFile(name, on))]),
  );
  expect(paths).toEqual({
    'claude-code': ['/Users/a/.claude.json', 'C:\\Users\\a\\.claude.json', '/home/a/.claude.json'],
    'claude-desktop': [
      '/Users/a/Library/Application Support/Claude/claude_desktop_config.json',
      'D:\\R\\Claude\\claude_desktop_config.json',
      '/home/a/.config/Claude/claude_desktop_config.json',
    ],
    cursor: ['/Users/a/.cursor/mcp.json', 'C:\\Users\\a\\.cursor\\mcp.json', '/home/a/.cursor/mcp.json'],
    vscode: [
      '/Users/a/Library/Application Support/Code/User/mcp.json',
      'D:\\R\\Code\\User\\mcp.json',
      '/home/a/.config/Code/User/mcp.json',
    ],
    windsurf: ['/Users/a', 'C:\\Users\\a', '/home/a'].map((home) =>
      home.startsWith('C')
        ? `${home}\\.codeium\\windsurf\\mcp_config.json`
        : `${home}/.codeium/windsurf/mcp_config.json`,
    ),
    codex: ['/Users/a/.codex/config.toml', 'C:\\Users\\a\\.codex\\config.toml', '/home/a/.codex/config.toml'],
    gemini: ['/Users/a/.gemini/settings.json', 'C:\\Users\\a\\.gemini\\settings.json', '/home/a/.gemini/settings.json'],
    zed: ['/Users/a/.config/zed/settings.json', 'D:\\R\\Zed\\settings.json', '/home/a/.config/zed/settings.json'],
    jetbrains: ['/Users/a/.junie/mcp/mcp.json', 'C:\\Users\\a\\.junie\\mcp\\mcp.json', '/home/a/.junie/mcp/mcp.json'],
  });
  expect(userFile('codex', { ...linux, env: { CODEX_HOME: '/c' } })).toBe('/c/config.toml');
  expect(userFile('vscode', { ...linux, env: { XDG_CONFIG_HOME: '/x' } })).toBe('/x/Code/User/mcp.json');
  expect(traceOf('vscode', linux)).toBe('/home/a/.config/Code');
  expect(projectFile('vscode', 'win32', 'C:\\p')).toBe('C:\\p\\.vscode\\mcp.json');
  expect(projectFile('windsurf', 'linux', '/p')).toBeUndefined();
});

test('a difference shows what changes with some lines around, and no secrets', () => {
  const before = [
    '{',
    '"a": 1,',
    '"b": 2,',
    '"OTHER_TOKEN": "s1 \\" \'s1",',
    '"args": ["Authorization: Bearer s2", "--db", "postgresql://u:s3@s3@h/db?password=s4", "--api-key",',
    '"s5", "--key-file", "/shown"],',
    'token = """',
    's6"""',
    '}',
  ];
  const after = before.toSpliced(6, 0, `"API_KEY": "\${X}",`, '"key": "YOUR_KEY",');
  expect(diffOf(before.join('\n'), after.join('\r\n'))).toEqual([
    '  "args": ["Authorization: …", "--db", "postgresql://u:…@h/db?password=…", "--api-key",',
    '  "…", "--key-file", "/shown"],',
    `+ "API_KEY": "\${X}",`,
    '+ "key": "YOUR_KEY",',
    '  token = "…',
    '  "',
  ]);
  expect(diffOf(before.join('\n'), '').join('\n')).not.toMatch(/s\d/);
  expect(diffOf('a\n', 'a\n')).toEqual([]);
  expect(diffOf('', 'a\n')).toEqual(['+ a']);
});

test.each(CLIENT_NAMES)('of the file of %s only our own entry is shown', (name) => {
  const kind = clientKind(name);
  const { list } = kind;
  const old = kind.entry({ ...SERVED, orgcode: 'OLD' });
  const others =
    kind.format === 'toml'
      ? [`[${list}.other]\nargs = ["--login", "s1"]\n`]
      : [
          `{ "${list}": { "other": { "args": ["--login", "s1"] } } }`,
          `{\n"${list}": {\n"other": [\n"s1"\n]\n}\n}`,
          `{ "login": "s1" }`,
          `{ "inputs": [{ "login": "s1" }], "${list}": { "other": "s1" } }`,
        ];
  for (const before of others) {
    const written = withEntry(before, kind, ENTRY_NAME, old);
    const added = shownChange(before, written, kind, ENTRY_NAME).join('\n');
    expect(added).not.toContain('s1');
    expect(added).toMatch(/^ {2}…\n\+ .*g3n-crm[\s\S]*OLD[\s\S]*\n {2}…$/);
    expect(added.includes('promptString')).toBe(name === 'vscode');
    const replaced = shownChange(written, merged(name, written), kind, ENTRY_NAME).join('\n');
    expect(replaced).not.toContain('s1');
    expect(replaced).toMatch(/^- .*OLD[\s\S]*^\+ .*ACME/m);
  }
  expect(shownChange('', merged(name, ''), kind, ENTRY_NAME).some((line) => line.includes('…'))).toBe(false);
});

test.each([
  ['{}', '{\n  "l": 1\n}'],
  ['{ // mine\n}', '{ // mine\n  "l": 1\n}'],
  ['{"a":1}', '{"a":1,\n  "l": 1}'],
  ['{\n    "a": 1 // why\n}\n', '{\n    "a": 1, // why\n    "l": 1\n}\n'],
  ['{\n  "a": 1, // why\n}', '{\n  "a": 1, // why\n  "l": 1\n}'],
  ['{\n  "a": 1 /* , */\n}', '{\n  "a": 1,\n  "l": 1 /* , */\n}'],
  ['{\n  "l": {\n    "x": 2 // gone\n  }, // stays\n}', '{\n  "l": 1, // stays\n}'],
])('the edit of %j touches nothing else', (before, after) => {
  expect(setField(before, [], 'l', 1)).toBe(after);
  expect(parse(after)).toMatchObject({ ...parse(before), l: 1 });
});
