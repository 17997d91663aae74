/** Generations of the server key: a process that learns late, hashes that are compared, and a seal without a hash. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Stamp } from '../../src/contract/backend.js';
import { activateNewest, addGeneration, retireInFile } from '../../src/secrets/generations.js';
import { belongs, follow, loadKeys, sameDigest } from '../../src/secrets/keys.js';
import { identify } from '../../src/store/caller-identity.js';
import { sealJournal } from '../../src/store/engine/journal.js';
import { run } from '../../src/store/engine/step.js';
import { verifyJournal } from '../../src/store/engine/verify-journal.js';
import { activateGeneration } from '../../src/store/server-key-rotation.js';
import { migrate } from '../../src/store/sqlite/migrations/migrate.js';
import { openSqlite } from '../../src/store/sqlite/sqlite-driver.js';
import { openStore } from '../../src/store/store.js';
import { scratch } from '../support/program.js';

const NOW = '2026-11-29T12:00:00.000Z';
const { directory, remove } = scratch();
afterAll(remove);

/** A key file of one generation, and what a process loads from it. */
function keyFile() {
  const path = join(directory, `${randomBytes(4).toString('hex')}.key`);
  writeFileSync(path, randomBytes(32).toString('hex'));
  return { path, admin: loadKeys(path, false), server: loadKeys(path, false) };
}

test('a process that missed the activation and the retirement follows the database at its next look', () => {
  const { path, admin, server } = keyFile();
  addGeneration(admin, path);
  activateNewest(admin);
  const check = admin.mac('key-check');
  retireInFile(admin, path, 0, []);
  server.refresh(check);
  follow(server, check);
  expect(server.generation).toBe(1);
  expect(server.mac('credential', 'x')).toBe(admin.mac('credential', 'x'));
});

test('a file that lacks the generation in use, or is of another database, changes nothing', () => {
  const { path, admin, server } = keyFile();
  addGeneration(admin, path);
  activateNewest(admin);
  const check = admin.mac('key-check');
  const before = server.mac('credential', 'x');
  writeFileSync(path, randomBytes(32).toString('hex'));
  expect(() => server.refresh(check)).toThrow('which this key file lacks');
  expect(() => server.refresh(loadKeys(keyFile().path, false).mac('key-check'))).toThrow('does not belong');
  expect(server.mac('credential', 'x')).toBe(before);
});

test('the empty text, which stands for a generation that is missing, equals no digest', () => {
  const { admin } = keyFile();
  expect(sameDigest('', '')).toBe(false);
  expect(belongs(admin, '')).toBe(false);
});

test('a credential is hashed again by a newer generation only', () => {
  const { path, admin, server } = keyFile();
  addGeneration(admin, path);
  server.refresh();
  activateNewest(admin);
  const found = { roles: '[]', owner: 1, member_status: 'active', org_status: 'verified', principal_id: 'p' };
  const row = { ...found, fingerprint: 'f', key_orgcode: 'ACME', revoked_at: null, expires_at: null };
  const hashedAgain = (keys: typeof admin, made: typeof admin) => {
    const steps = identify({ orgcode: 'ACME', kind: 'api_key', secret: 's' }, keys, { now: NOW, epoch_ms: 0 } as Stamp);
    const hash = made.mac('credential', 'api_key', 's');
    let turn = steps.next();
    while (!turn.done) turn = steps.next('args' in turn.value && turn.value.args.includes(hash) ? row : undefined);
    return turn.value.hashAgain !== undefined;
  };
  expect(hashedAgain(admin, server)).toBe(true);
  expect(hashedAgain(server, admin)).toBe(false);
});

test('a seal whose hash was emptied is found', async () => {
  const { path, admin: keys } = keyFile();
  addGeneration(keys, path);
  activateNewest(keys);
  const driver = openSqlite(':memory:');
  migrate(driver, NOW);
  const { journal } = driver.dialect;
  const seal = (no: number, work: () => ReturnType<typeof run>) =>
    driver.write({
      *steps() {
        yield* journal.append(['ACME', `r${no}`, 'a', '[]', '{}', '/x', 't', '[]', null, null, null, null, NOW]);
        yield* work();
      },
    });
  const org = `INSERT INTO org (orgcode, status, created_at, updated_at) VALUES ('ACME', 'verified', ?, ?)`;
  await driver.write({ steps: () => run(org, NOW, NOW) });
  await seal(1, function* () {
    yield* sealJournal('ACME', keys, journal, NOW);
  });
  await seal(2, () =>
    run(
      `INSERT INTO journal_seal (orgcode, first_no, last_no, chain_hash, sealed_at) VALUES ('ACME', 2, 2, '', ?)`,
      NOW,
    ),
  );
  const found: string[] = [];
  const report = (check: string, id: string, stored: unknown, computed: unknown) => {
    if (stored !== computed) found.push(`${check} ${id}`);
  };
  driver.read(() => verifyJournal('ACME', keys, report));
  expect(found).toEqual(['journal_seal.chain_hash 2']);
  await driver.close();
});

test('a store whose key file lacks the generation in use refuses changes, until the file has it', async () => {
  const { path, admin } = keyFile();
  const own = join(directory, 'own.key');
  copyFileSync(path, own);
  const options = { roles: {}, settings: { defaultRegion: 'US', uniqueCustomerFields: [] }, onBackgroundError() {} };
  const file = join(directory, 'behind.db');
  const first = openStore({ path: file, keyPath: path, ...options });
  const second = openStore({ path: file, keyPath: own, ...options });
  const change = () =>
    second.combine({ orgcode: 'ACME', steps: () => run('DELETE FROM org WHERE orgcode = ?', 'NONE') });
  addGeneration(admin, path);
  first.keys.refresh();
  await first.driver.write({ steps: () => activateGeneration(first.keys) });
  await expect.poll(() => outcomeOf(change), { timeout: 10_000 }).toBe('crm.storage_unavailable');
  copyFileSync(path, own);
  await expect.poll(() => outcomeOf(change), { timeout: 10_000 }).toBe('done');
  expect(second.keys.generation).toBe(1);
  await Promise.all([first.close(), second.close()]);
});

async function outcomeOf(change: () => Promise<unknown>): Promise<unknown> {
  return change().then(
    () => 'done',
    (error: { readonly code?: unknown }) => error.code,
  );
}
