/** All data goes from SQLite to PostgreSQL and back: equal row by row, after interruptions too, and still usable. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkPostgres } from '../../src/doctor/check-postgres.js';
import { checkStore } from '../../src/doctor/check-store.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { tablesToCopy } from '../../src/store/copy/copy-plan.js';
import { count } from '../../src/store/engine/step.js';
import { openPostgresStore } from '../../src/store/postgres-store.js';
import { openStore, type Store } from '../../src/store/store.js';
import { bundled } from '../support/bundled.js';
import { type CopyEnd, copyOver, Interrupted, interruptedAt, rowsIn, withWrite } from '../support/copying.js';
import { callStore, type FullDatabase, fullDatabase, STORE_OPTIONS } from '../support/full-database.js';
import { freshDatabase, type TestDatabase } from '../support/postgres-database.js';
import { cleanEnvironment, type Ended } from '../support/program.js';

let directory: string;
let full: FullDatabase;
let file: CopyEnd;
const databases: TestDatabase[] = [];
/** The copy of `file` on PostgreSQL, complete. */
let copied: CopyEnd;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'g3n-copy-'));
  full = await fullDatabase(directory);
  file = { db: full.path, keyPath: `${full.path}.key` };
  copied = await emptyDatabase();
}, 300_000);
afterAll(async () => {
  await Promise.all(databases.map((database) => database.drop()));
  rmSync(directory, { recursive: true, force: true });
});

let ends = 0;
/** A directory of its own for each end. */
function newDirectory(): string {
  ends += 1;
  const own = join(directory, String(ends));
  mkdirSync(own);
  return own;
}

async function emptyDatabase(): Promise<CopyEnd> {
  const database = await freshDatabase('empty');
  databases.push(database);
  return { db: `${database.url}?pool_size=4`, keyPath: join(newDirectory(), 'server.key') };
}

function noFile(): CopyEnd {
  const db = join(newDirectory(), 'copy.db');
  return { db, keyPath: `${db}.key` };
}

/** A copy of the file, with its key. */
function sameFile(): CopyEnd {
  const same = noFile();
  copyFileSync(file.db, same.db);
  copyFileSync(file.keyPath, same.keyPath);
  return same;
}

/** The error of a copy that must be refused. */
const refusal = (from: CopyEnd, to: CopyEnd) =>
  copyOver(from, to).then(
    () => 'it was not refused',
    (error: Error) => error.message,
  );

const openCopied = ({ db, keyPath }: CopyEnd) => openPostgresStore({ url: db, keyPath, ...STORE_OPTIONS });

describe('a round trip', { timeout: 300_000 }, () => {
  test('begins with a database in which every table has rows', async () => {
    const rows = await rowsIn(file);
    expect(Object.keys(rows).length).toBeGreaterThan(35);
    expect(Object.keys(rows).filter((table) => rows[table]?.length === 0)).toEqual([]);
  });

  test('copies every row to PostgreSQL; rows that are not sealed get their numbers when they are', async () => {
    const report = await copyOver(file, copied);
    expect(report.compared.filter(({ equal }) => !equal)).toEqual([]);
    expect(report.verified.receiver.disagreements).toEqual([]);
    expect(report).toMatchObject({ complete: true, sourceChanged: false, resumed: 0 });
    const before = await rowsIn(file);
    const { loyalty_month_noted, ...after } = await rowsIn(copied);
    expect(loyalty_month_noted).toEqual([]); // the sums hold all entries at once
    const last = before.journal?.length ?? 0;
    const numbered = { ...after, journal: sorted(after.journal).map(renumbered) };
    expect(numbered).toEqual({ ...before, journal: sorted(before.journal) });
    expect(after.journal?.filter((row) => (row as { journal_no: unknown }).journal_no === null)).toHaveLength(3);
    expect(last).toBeGreaterThan(3000);
    expect(report.verified.receiver.unsealed_rows).toBe(3);
  });

  test('ends with the rows that it began with', async () => {
    const back = noFile();
    expect(await copyOver(copied, back)).toMatchObject({ complete: true });
    expect(await rowsIn(back)).toEqual(await rowsIn(file));
    expect(readFileSync(back.keyPath, 'utf8')).toBe(readFileSync(file.keyPath, 'utf8'));
  });

  /** Rows of the journal of each org in their order; those without a number are the last. */
  function sorted(rows: readonly object[] = []) {
    type Row = { readonly orgcode: string; readonly journal_no: number | null };
    const place = ({ journal_no }: Row) => journal_no ?? Number.MAX_SAFE_INTEGER;
    return (rows as Row[]).toSorted(
      (a, b) => (a.orgcode < b.orgcode ? -1 : Number(a.orgcode > b.orgcode)) || place(a) - place(b),
    );
  }

  function renumbered(
    row: { readonly journal_no: number | null },
    index: number,
    rows: readonly { readonly journal_no: number | null; readonly orgcode: string }[],
  ) {
    const first = rows.findIndex(({ orgcode }) => orgcode === rows[index]?.orgcode);
    return { ...row, journal_no: row.journal_no ?? index - first + 1 };
  }
});

describe('the copy', { timeout: 300_000 }, () => {
  const READS: readonly [tool: string, args: (database: FullDatabase) => object][] = [
    ['crm_customer_get', ({ customerId }) => ({ customer_id: customerId })],
    ['crm_customer_search', () => ({ q: 'ström' })],
    ['crm_customer_search', () => ({ q: 'οδυσσευς' })],
    ['crm_customer_list', () => ({})],
    ['crm_loyalty_policy_get', () => ({})],
    ['crm_giftcard_get', ({ code }) => ({ code, pin: '1234' })],
  ];

  test('answers as the source does, to a key and to a session; a call that was done is not done again', async () => {
    const source = openStore({ path: sameFile().db, ...STORE_OPTIONS });
    const copy = await openCopied(copied);
    const answer = async (store: Store, tool: string, args: object, headers: Headers) => {
      const envelope = await callStore(store, tool, args, headers);
      return envelope.success ? envelope.data : envelope.error;
    };
    try {
      for (const [tool, args] of READS) {
        const expected = await answer(source, tool, args(full), full.byKey);
        expect(expected).not.toHaveProperty('error_code');
        for (const headers of [full.byKey, full.bySession])
          expect(await answer(copy, tool, args(full), headers), tool).toEqual(expected);
      }
      const again = await callStore(copy, 'crm_loyalty_earn', full.earn, full.byKey);
      expect(again).toMatchObject({ success: true, data: full.earned, stats: { idempotent_replay: true } });
      const next = await callStore(copy, 'crm_loyalty_earn', { ...full.earn, idempotency_key: 'new' }, full.byKey);
      expect(next).toMatchObject({ success: true, data: { balance_after: 50 } });
    } finally {
      await source.close();
      await copy.close();
    }
  });
});

describe('an interrupted copy', { timeout: 600_000 }, () => {
  /** What the doctor says of its receiver. */
  const UNFINISHED = {
    check: 'database',
    verdict: 'fail',
    found: 'a copy into this database has not ended',
    remedy: expect.stringContaining('Run the same admin copy again'),
  };

  /** Interrupts a copy at these writes, each counted from the stop before, and in the end does not. */
  async function copyWithStops(from: CopyEnd, to: CopyEnd, stops: readonly number[], onStop: () => unknown) {
    for (const [index, stop] of stops.entries()) {
      const meddle = interruptedAt(stop, index % 2 === 0 ? 'before' : 'after');
      await expect(copyOver(from, to, meddle)).rejects.toBeInstanceOf(Interrupted);
      if (stop > 1) await onStop();
    }
    return copyOver(from, to);
  }

  test('goes on where it stopped, doubles nothing, and no server opens it until it is complete', async () => {
    const [database, back] = [await emptyDatabase(), noFile()];
    const onPostgres = await copyWithStops(file, database, [1, 2, 31, 17], async () => {
      await expect(openCopied(database)).rejects.toThrow('a copy into this database has not ended');
      expect(await checkPostgres(database.db, database.keyPath)).toContainEqual(UNFINISHED);
    });
    expect(onPostgres).toMatchObject({ complete: true });
    const { loyalty_month: _, ...rows } = await rowsIn(file); // the sums are made from the entries
    expect(onPostgres.rows).toBe(Object.values(rows).flat().length - 1); // all but the key's check
    expect(onPostgres.resumed).toBeGreaterThan(0);
    const inFile = await copyWithStops(database, back, [40, 3, 20], () => {
      for (const readOnly of [false, true])
        expect(() => openStore({ path: back.db, readOnly, ...STORE_OPTIONS })).toThrow('has not ended');
      expect(checkStore(back.db, undefined)).toContainEqual(UNFINISHED);
    });
    expect(inFile).toMatchObject({ complete: true, rows: onPostgres.rows });
    expect(await rowsIn(back)).toEqual(await rowsIn(file));
    const [found] = [...(await checkPostgres(database.db, database.keyPath)), ...checkStore(back.db, undefined)];
    expect(found).toMatchObject({ check: 'database', verdict: 'ok' });
  });

  test('by kill -9 is ended by the command, which prints what it compared', async () => {
    const killing = await bundled('copy-killed');
    onTestFinished(() => rmSync(killing));
    const [database, back] = [await emptyDatabase(), noFile()];
    for (const [from, to, writes] of [
      [file, database, '35'],
      [database, back, '60'],
    ] as const) {
      const killed = await node(killing, from.db, from.keyPath, to.db, to.keyPath, writes);
      expect(killed).toMatchObject({ code: null, stdout: '' });
      const postgresKey = from === file ? to.keyPath : from.keyPath;
      const command = ['admin', 'copy', '--from', from.db, '--to', to.db, '--key-file', postgresKey];
      const ended = await node('dist/main.js', ...command);
      expect(ended).toMatchObject({ code: 0 });
      expect(ended.stdout).toMatch(/^loyalty_txn\.points +([\d,]+) +\1$/m);
      expect(ended.stdout).toMatch(/^heads of journals +3 +3$/m);
      expect(ended.stdout).toMatch(
        /^Copied [\d,]+ rows, [1-9][\d,]* of them before this run\.\nThe receiver is complete\.$/m,
      );
    }
    expect(await rowsIn(back)).toEqual(await rowsIn(file));
  });
});

describe('a copy is refused', { timeout: 300_000 }, () => {
  test('when the receiver has records', async () => {
    expect(await refusal(file, copied)).toContain('the receiver has records already');
    expect(await refusal(copied, sameFile())).toContain('the receiver has records already');
  });

  test('when the receiver has another key, or another key is in its place', async () => {
    const [database, elsewhere] = [await emptyDatabase(), await emptyDatabase()];
    await (await openCopied(database)).close(); // makes a key of its own
    expect(await refusal(file, database)).toContain('is another key than the one of the source');
    rmSync(database.keyPath);
    expect(await refusal(file, database)).toContain('the server key does not belong to this database');
    writeFileSync(elsewhere.keyPath, `${'0'.repeat(64)}\n`);
    expect(await refusal({ ...file, keyPath: elsewhere.keyPath }, elsewhere)).toContain(
      'the server key does not belong',
    );
  });

  test('when the receiver has part of another source, or the source has changed since', async () => {
    const [database, source] = [await emptyDatabase(), sameFile()];
    await expect(copyOver(source, database, interruptedAt(20, 'before'))).rejects.toBeInstanceOf(Interrupted);
    const editor = new Database(source.db);
    editor.exec(`DELETE FROM session`);
    editor.close();
    expect(await refusal(source, database)).toContain('part of a copy of another database, or of this one before it');
  });

  test('when the source is of a newer schema', async () => {
    const source = sameFile();
    const editor = new Database(source.db);
    editor.exec(`INSERT INTO schema_migration VALUES (99, 'later', '', '')`);
    editor.close();
    expect(await refusal(source, await emptyDatabase())).toContain('made by a newer g3n-crm-mcp: upgrade');
  });

  test('between two files, and without a key file for PostgreSQL', async () => {
    const ended = await node('dist/main.js', 'admin', 'copy', '--from', file.db, '--to', noFile().db);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('copies between a file and PostgreSQL');
    const keyless = await node('dist/main.js', 'admin', 'copy', '--from', file.db, '--to', copied.db);
    expect(keyless).toMatchObject({ code: 2, stdout: '' });
    expect(keyless.stderr).toContain('G3N_KEY_FILE');
  });

  test('when the databases do not have the same tables', () => {
    const table = { name: 'customer', columns: ['orgcode', 'customer_id', 'email'], key: ['orgcode', 'customer_id'] };
    const reordered = { ...table, columns: ['email', 'customer_id', 'orgcode'] };
    expect(tablesToCopy([table], [reordered])).toEqual([table]);
    for (const other of [[], [table, { ...table, name: 'later' }], [{ ...table, columns: ['orgcode'] }]])
      expect(() => tablesToCopy([table], other)).toThrow('different tables');
  });
});

describe('what is compared', { timeout: 300_000 }, () => {
  test('shows a sum that differs, and the receiver stays closed', async () => {
    const database = await emptyDatabase();
    let writes = 0;
    const report = await copyOver(file, database, (driver) =>
      withWrite(driver, async (job) => {
        const written = await driver.write(job);
        writes += 1;
        const spoil = () => count(`UPDATE loyalty_account SET lifetime_points = lifetime_points + 1`);
        if (writes > 60) await driver.write({ steps: spoil, orgcode: 'ACME' });
        return written;
      }),
    );
    expect(report.complete).toBe(false);
    expect(report.compared.filter(({ equal }) => !equal).map(({ name }) => name)).toEqual([
      'loyalty_account.lifetime_points',
    ]);
    expect(report.verified.receiver.disagreements.length).toBeGreaterThan(0);
    await expect(openCopied(database)).rejects.toThrow('has not ended');
  });

  test('shows that the source was changed meanwhile; what was copied is its state at the beginning', async () => {
    const [database, source] = [await emptyDatabase(), sameFile()];
    const report = await copyOver(source, database, (driver) =>
      withWrite(driver, (job) => {
        const editor = new Database(source.db);
        editor.exec(`DELETE FROM giftcard_failure`);
        editor.close();
        return driver.write(job);
      }),
    );
    expect(report).toMatchObject({ complete: false, sourceChanged: true });
    expect(report.compared.filter(({ equal }) => !equal)).toEqual([]);
  });

  test('is not changed by the housekeeping of a server that is open on the receiver', async () => {
    const database = await emptyDatabase();
    copyFileSync(file.keyPath, database.keyPath);
    const server = await openCopied(database);
    let led = 0;
    const report = await copyOver(file, database, (driver) =>
      withWrite(driver, async (job) => {
        await server.driver.lead(async () => {
          led += 1;
        });
        return driver.write(job);
      }),
    );
    await server.close();
    expect(led).toBe(0);
    expect(report.complete).toBe(true);
  });
});

/** Runs a program of this checkout. */
function node(...args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, args, { env: cleanEnvironment() }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr }),
    );
  });
}
