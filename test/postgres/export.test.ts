/** An export from PostgreSQL has the same kinds, fields and types as one from a file. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { ensureDemo } from '../../src/demo/demo.js';
import { enterOrg } from '../../src/store/engine/step.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { openStore, type Store } from '../../src/store/store.js';
import { countKinds, type ExportLine, exportedLines } from '../support/exporting.js';
import { freshDatabase } from '../support/postgres-database.js';
import { scratch } from '../support/program.js';

const OPTIONS = {
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
  onBackgroundError: (error: unknown) => console.error(error),
};

async function exportDemo(store: Store): Promise<ExportLine[]> {
  onTestFinished(() => store.close());
  await ensureDemo(store, new Date('2026-11-20T12:00:00.000Z'));
  await addJournalRow(store);
  return await exportedLines(store.driver, { withJournal: true });
}

/** The newest row of the journal waits for its number on PostgreSQL, while a server numbers those before it. */
async function addJournalRow(store: Store): Promise<void> {
  const row = ['r', 'operator:kim', '[]', '{}', 'test', 't', '[]', null, null, null, null, '2026-11-20T13:00:00.000Z'];
  await store.driver.write({
    orgcode: 'DEMO',
    *steps() {
      yield* enterOrg('DEMO');
      yield* store.driver.dialect.journal.append(['DEMO', ...row]);
    },
  });
}

/** Every field of every kind, with the types that it has. */
function typesOf(lines: readonly ExportLine[]): string[] {
  const types = lines
    .slice(1, -1)
    .flatMap(({ kind, data }) =>
      Object.entries(data).map(([name, value]) => `${kind}.${name}: ${value === null ? 'null' : typeof value}`),
    );
  return [...new Set(types)].sort();
}

test('both engines export the same of the demo', { timeout: 60_000 }, async () => {
  const workspace = scratch();
  const database = await freshDatabase();
  onTestFinished(async () => {
    await database.drop();
    workspace.remove();
  });
  const onFile = await exportDemo(openStore({ ...OPTIONS, path: workspace.db }));
  const keyPath = join(workspace.directory, 'postgres.key');
  const onServer = await exportDemo(await openPostgresStore({ ...OPTIONS, url: database.url, keyPath }));
  expect(countKinds(onServer)).toEqual(countKinds(onFile));
  const types = typesOf(onServer).filter((type) => type !== 'journal.journal_no: null'); // until it is sealed
  expect(types).toEqual(typesOf(onFile));
  const journal = onServer.filter(({ kind }) => kind === 'journal').map(({ data }) => data);
  expect(journal.filter(({ actor }) => actor === 'operator:kim')).toHaveLength(1);
  const numbers = journal.map(({ journal_no }) => journal_no);
  expect(numbers).toEqual(numbers.map((no, index) => (no === null && index > 0 ? null : index + 1)));
});
