/** The flags of `connect`: what becomes a target, and what is refused. */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type ConnectFlags, targetOf } from '../../src/commands/connect-target.js';
import { LIVE_BASE } from '../../src/contract/base-url.js';

const FLAGS: ConnectFlags = {
  url: 'http://127.0.0.1:8787/mcp',
  stdio: false,
  readOnly: false,
  name: 'g3n-crm',
  print: false,
  yes: true,
};
const target = (flags: Partial<ConnectFlags>, env = {}, platform: NodeJS.Platform = 'linux') =>
  targetOf('claude-code', { ...FLAGS, ...flags }, env, platform);

test('the caller comes from flags, then from the environment', () => {
  const env = { G3N_ORGCODE: 'ACME', G3N_LOGICAL_GUID: 'store-1', G3N_CHANNEL_CODE: 'pos' };
  expect(target({ org: 'DEMO' }, env)).toMatchObject({ orgcode: 'DEMO', logicalGuid: 'store-1', channelCode: 'pos' });
});

test('a program is started by npx on an absolute path, or forwards; on Windows through cmd', () => {
  const stdio = { org: 'ACME', stdio: true };
  const start = ['-y', 'g3n-crm-mcp', 'stdio'];
  expect(target(stdio)).toMatchObject({ command: 'npx', args: [...start, '--db', resolve('.data/crm.db')] });
  expect(target({ ...stdio, gateway: LIVE_BASE })).toMatchObject({ args: [...start, '--gateway', LIVE_BASE] });
  expect(target(stdio, {}, 'win32')).toMatchObject({
    command: 'cmd',
    args: ['/c', 'npx', ...start, '--db', resolve('.data/crm.db')],
  });
});

test('the entry names the database and the key file in force', () => {
  const stdio = { org: 'ACME', stdio: true };
  const url = 'postgres://u@h:5432/d?application_name=crm';
  const onPostgres = ['--db', url, '--key-file', resolve('crm.key')];
  expect(target({ ...stdio, db: url, keyFile: 'crm.key' })).toMatchObject({ args: expect.arrayContaining(onPostgres) });
  const env = { G3N_DB: url, G3N_KEY_FILE: 'crm.key' };
  expect(target(stdio, env)).toMatchObject({ args: expect.arrayContaining(onPostgres) });
  const elsewhere = ['--db', resolve('x.db'), '--key-file', resolve('crm.key')];
  expect(target({ ...stdio, db: 'x.db' }, env)).toMatchObject({ args: expect.arrayContaining(elsewhere) });
  expect(target({ ...stdio, gateway: LIVE_BASE }, { G3N_DB: url })).not.toMatchObject({
    args: expect.arrayContaining(['--db']),
  });
  expect(target({ org: 'ACME' }, { ...env, G3N_DB: ':memory:' })).toMatchObject({ url: FLAGS.url });
});

const wrong: [Partial<ConnectFlags>, RegExp][] = [
  [{}, /--org or in G3N_ORGCODE/],
  [{ org: 'A"B' }, /--org: only letters/],
  [{ org: 'A', facility: 'a\nb' }, /--facility: only letters/],
  [{ org: 'A', toolsets: ['a;b'] }, /--toolsets/],
  [{ org: 'A', url: 'http://u:p@h/mcp' }, /--url: a URL must have no credentials/],
  [{ org: 'A', url: 'file:///x' }, /not a http or https URL/],
  [{ org: 'A', stdio: true, db: 'x.db', gateway: LIVE_BASE }, /leave out --db/],
  [{ org: 'A', stdio: true, db: ':memory:' }, /ends with its server/],
  [{ org: 'A', stdio: true, db: 'postgres://u@h/d' }, /needs a server key file: name it with --key-file/],
  ...['u:p@h/d', 'u:p/q@h/d', 'u:1#p@h/d', 'u@h/d?password=p', 'u@h/d?sslpassword=p'].map(
    (rest): [Partial<ConnectFlags>, RegExp] => [
      { org: 'A', stdio: true, db: `postgres://${rest}`, keyFile: 'crm.key' },
      /no password belongs.*~\/\.pgpass, or in PGPASSWORD/,
    ],
  ),
  [{ org: 'A', stdio: true, gateway: 'ftp://h' }, /--gateway: not a http/],
];
test.each(wrong)('%j is refused', (flags, message) => {
  expect(() => target(flags)).toThrow(message);
});
