/** The flags of `connect`: what becomes a target, and what is refused. */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type ConnectFlags, targetOf } from '../../src/commands/connect-target.js';

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
  expect(target({ ...stdio, gateway: true })).toMatchObject({ args: [...start, '--gateway'] });
  expect(target({ ...stdio, db: 'postgres://u@h/d' })).toMatchObject({ args: [...start, '--db', 'postgres://u@h/d'] });
  expect(target(stdio, {}, 'win32')).toMatchObject({
    command: 'cmd',
    args: ['/c', 'npx', ...start, '--db', resolve('.data/crm.db')],
  });
});

const wrong: [Partial<ConnectFlags>, RegExp][] = [
  [{}, /--org or in G3N_ORGCODE/],
  [{ org: 'A"B' }, /--org: only letters/],
  [{ org: 'A', facility: 'a\nb' }, /--facility: only letters/],
  [{ org: 'A', toolsets: 'a;b' }, /--toolsets/],
  [{ org: 'A', url: 'http://u:p@h/mcp' }, /--url: a URL must have no credentials/],
  [{ org: 'A', url: 'file:///x' }, /not a http or https URL/],
  [{ org: 'A', db: 'x.db' }, /add --stdio/],
  [{ org: 'A', stdio: true, db: 'x.db', gateway: true }, /leave out --db/],
  [{ org: 'A', stdio: true, db: 'postgres://u:p@h/d' }, /no password belongs/],
  [{ org: 'A', stdio: true, gateway: 'ftp://h' }, /--gateway: not a http/],
];
test.each(wrong)('%j is refused', (flags, message) => {
  expect(() => target(flags)).toThrow(message);
});
