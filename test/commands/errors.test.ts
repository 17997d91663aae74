/** Mistakes on the command line: exit code, message, and that nothing is made. As processes: command-line.test.ts. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, type FailingCommand } from '../support/leaves-nothing.js';
import { scratch } from '../support/program.js';
import { runHere } from '../support/run-here.js';

const workspace = scratch();
const { db } = workspace;
afterAll(workspace.remove);

test.each([[['admin', '--help']], [['admin', 'key', 'create', '--help']], [['http', '--help']]])(
  '%j exits 0 and prints the usage',
  async (args) => {
    const { code, stdout } = await runHere(args);
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: g3n-crm-mcp');
  },
);

describe('a usage error exits 2, prints a remedy to stderr and nothing to stdout, and creates no file', () => {
  const none = join(workspace.directory, 'none.db');
  const wrong: [string, string[], RegExp, Record<string, string>?][] = [
    ['an unknown option', ['http', '--prot', '1', '--db', none], /--port/],
    ['a port out of range', ['http', '--port', '65536', '--db', none], /65536.*must be a whole number from 0 to 65535/],
    ['a port that is a word', ['http', '--port', 'http', '--db', none], /must be a whole number/],
    ['an address beyond loopback', ['http', '--host', '0.0.0.0', '--db', none], /--allow-host/],
    ['an unknown role', ['admin', 'key', 'create', 'ACME', '--roles', 'root', '--db', none], /no such role: root/],
    ['an unknown status', ['admin', 'org', 'set', 'ACME', '--status', 'gone', '--db', none], /verified/],
    [
      'a lifetime of zero seconds',
      ['admin', 'session', 'create', 'A', '--user', 'u', '--ttl', '0', '--db', none],
      /--ttl.*'0'.*must be a whole number from 1/,
    ],
    [
      'a lifetime beyond the calendar',
      ['admin', 'session', 'create', 'A', '--user', 'u', '--ttl', '9999999999999', '--db', none],
      /must be a whole number from 1/,
    ],
    ['a generation that is no number', ['admin', 'server-key', 'retire', 'abc', '--db', none], /'abc'.*whole number/],
    ['two listeners on one port', ['http', '--port', '9', '--metrics-port', '9', '--db', none], /are both 9/],
    [
      'a misspelt variable',
      ['http', '--db', none],
      /G3N_READONLY: did you mean G3N_READ_ONLY\?/,
      { G3N_READONLY: '1' },
    ],
    ['a misspelt file', ['http', '--config', `${none}.yaml`, '--db', none], /there is no configuration file/],
    ['an invalid variable', ['http', '--db', none], /G3N_DEFAULT_REGION: must be/, { G3N_DEFAULT_REGION: 'usa' }],
    ['an invalid log level', ['stdio', '--db', none], /G3N_LOG_LEVEL/, { G3N_LOG_LEVEL: 'loud' }],
    ['--sse with --stateless', ['http', '--db', none, '--sse', '--stateless'], /--stateless keeps nothing: give one/],
    ['a session limit of zero', ['http', '--db', none, '--max-sessions', '0'], /whole number from 1/],
    ['a drain timeout that is not a number', ['http', '--db', none, '--drain-seconds', 'soon'], /whole number from 0/],
  ];
  test.each(wrong)('%s', async (_name, args, message, env) => {
    const { code, stdout, stderr } = await runHere(args, env);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(none)).toBe(false);
  });
});

describe('a failure exits 1 with one line', () => {
  beforeAll(() => runHere(['admin', 'org', 'create', 'ACME', '--db', db]));

  test.each([
    ['an org that exists', ['org', 'create', 'ACME']],
    ['an invalid org code', ['org', 'create', 'A B']],
    ['a key in an unknown org', ['key', 'create', 'NOBODY', '--owner']],
    ['the status of an unknown org', ['org', 'set', 'NOBODY', '--status', 'verified']],
    ['revoking an unknown key', ['key', 'revoke', '0123456789abcdef']],
  ])('%s', async (_name, args) => {
    const { code, stdout, stderr } = await runHere(['admin', ...args, '--db', db]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^error: .+\n$/);
  });
});

/** `DB` is a file that is not there, in a directory that is not there either. */
const ON_NO_DATABASE: readonly FailingCommand[] = [
  [['admin', 'key', 'create', 'ACME', '--owner', '--db', 'DB'], 3, /there is no database .*admin org create/],
  [['admin', 'session', 'create', 'ACME', '--user', 'sam', '--db', 'DB'], 3, /there is no database/],
  [['admin', 'org', 'set', 'ACME', '--status', 'verified', '--db', 'DB'], 3, /there is no database/],
  [['admin', 'migrate', '--db', 'DB'], 3, /there is no database .*admin org create/],
  [['admin', 'backup', '--db', 'DB', '--to', 'copy.db'], 3, /there is no database .*admin org create/],
  [['admin', 'restore', '--from', 'DB', '--db', 'other.db'], 3, /there is no database .*Correct --from/],
  [['stdio', '--db', 'DB'], 2, /set G3N_ORGCODE, and G3N_API_KEY/],
  [['stdio', '--gateway', 'http://127.0.0.1:9/crm', '--gateway-db', 'DB'], 2, /set G3N_ORGCODE/],
  [['http', '--port', '0', '--tools', 'crm_nothing', '--db', 'DB'], 2, /crm_nothing/],
  [['http', '--port', '0', '--gateway', 'http://crm.example', '--gateway-db', 'DB'], 2, /must be https/],
  [['admin', 'org', 'create', 'A B', '--db', 'DB'], 1, /no org code/],
  [['admin', 'org', 'create', 'ACME', '--group', 'eu', '--db', 'DB'], 2, /--group needs --groups/],
  [['admin', 'upstream', 'add', 'A B', '--gateway-db', 'DB'], 2, /org/, { G3N_UPSTREAM_CREDENTIAL: 'x' }],
];

describe('a command that fails leaves nothing behind', () => {
  test.each(ON_NO_DATABASE.map((row, index) => [row[0].join(' '), index, row] as const))('%s', (_line, index, row) =>
    expectNothingLeft(join(workspace.directory, String(index)), row, runHere),
  );
});
