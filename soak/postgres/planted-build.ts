/** A mistake made on purpose, which the checks must find: a copy of the build that locks no rows. */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SoakDatabase } from './soak-database.js';

const LOCK = ' FOR UPDATE';

/** Copies the build to a directory, where its changes lock no rows. Returns the path of its main.js. */
export function copyWithoutLocks(directory: string): string {
  const copy = join(directory, 'without-locks');
  mkdirSync(copy);
  cpSync('dist', join(copy, 'dist'), { recursive: true });
  for (const name of ['node_modules', 'mcp.html', 'openapi.yaml', 'PROTOCOL.md', 'package.json'])
    symlinkSync(resolve(name), join(copy, name));
  const chunks = join(copy, 'dist', 'chunks');
  const locking = readdirSync(chunks)
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(chunks, name))
    .filter((file) => readFileSync(file, 'utf8').includes(LOCK));
  if (locking.length === 0) throw new Error(`no file of the build has ${LOCK}`);
  for (const file of locking) writeFileSync(file, readFileSync(file, 'utf8').replaceAll(LOCK, ''));
  return join(copy, 'dist', 'main.js');
}

/** Drops the keys of the ledgers that would notice that two changes took the same number. */
export async function dropLedgerKeys(database: SoakDatabase): Promise<void> {
  await database.query('DROP INDEX loyalty_txn_by_seq, giftcard_txn_by_seq');
}
