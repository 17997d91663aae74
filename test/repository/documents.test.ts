/** What documents say about the program, where only a reader would notice that it is not so. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { revisionRequired, staleRevision } from '../../src/contract/errors.js';
import { SETTINGS } from '../../src/settings/setting-table.js';

const read = (file: string) => readFileSync(file, 'utf8');

test('the diagram of modules has every directory of src', () => {
  const diagram = /^```mermaid\nflowchart.*?^```$/ms.exec(read('ARCHITECTURE.md'))?.[0] ?? '';
  const directories = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const missing = directories.filter(({ name }) => !new RegExp(`["( ]${name}/`).test(diagram));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test('a database on a server of its own is in one place', () => {
  const files = ['deploy/systemd/g3n-crm.service', 'deploy/litestream.yml', 'docs/configuration.md'];
  for (const file of files) expect(read(file).match(/\/var\/lib\/[\w-]+/g), file).toEqual(['/var/lib/g3n-crm']);
});

test('troubleshooting tells a missing revision from an old one', () => {
  const row = (start: string) => new RegExp(`^\\| ${start} .*$`, 'm').exec(read('docs/troubleshooting.md'))?.[0];
  const [missing, stale] = [revisionRequired(), staleRevision(1, { revision: 2 })];
  expect(row(String(missing.status))).toContain('lacks `expected_revision`');
  expect(row(`${stale.status} \`${stale.code}\``)).toContain('is old');
});

test('no document says that every setting is a flag', () => {
  expect(Object.values(SETTINGS).some((setting) => 'hasFlag' in setting)).toBe(true);
  for (const file of ['README.md', 'CHANGELOG.md']) {
    expect(read(file).replaceAll(/\s+/g, ' ')).toMatch(/each setting is an environment variable, and most are a flag/i);
  }
});
