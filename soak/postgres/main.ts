/**
 * `npm run soak:postgres`: four servers on one PostgreSQL, killed every few seconds, in three parts. `load`: 64 callers
 * on 20 customers. `history`: all callers on one customer's points and one gift card; what they were told must be what
 * one server could have told them. `merges`: pairs of customers merged into each other. Exits 1 on any fault.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Books } from '../books.js';
import { printCalls, printFigures, printVerdict, type SoakRun } from '../soak-run.js';
import { loadHotCustomers } from './hot-customers.js';
import { recordOneBalance } from './one-balance.js';
import { opposeMerges } from './opposing-merges.js';
import { type Part, readPostgresOptions } from './options.js';
import { copyWithoutLocks, dropLedgerKeys } from './planted-build.js';
import { finish, startServers } from './servers.js';
import { loggedErrors, type OwnedDatabase, openSoakDatabase } from './soak-database.js';

const RECORDS = { ledger: 20, mergeable: 20, accounts: 3 };
const CALLERS = 64;
const HISTORY_CALLERS = 24;
const PAIRS = 16;

const options = readPostgresOptions(process.argv.slice(2));
console.log(`seed ${options.seed}`);
let failed = 0;
for (const part of options.parts) {
  console.log(`\n== ${part}`);
  const directory = mkdtempSync(join(tmpdir(), 'g3n-soak-'));
  const database = await openSoakDatabase();
  try {
    const books = await runPart(part, database, directory);
    for (const [message, times] of loggedErrors(database.cluster))
      console.log(`PostgreSQL       ${times} × ${message}`);
    if (printVerdict(books, directory)) rmSync(directory, { recursive: true, force: true });
    else failed += 1;
  } finally {
    await database.cluster.remove();
  }
}
process.exit(failed === 0 ? 0 : 1);

/** Runs a part on servers of its own, prints its figures, and checks the database. */
async function runPart(part: Part, database: OwnedDatabase, directory: string): Promise<Books> {
  const { seed, calls, operations, seconds, plant } = options;
  const main = plant ? { main: copyWithoutLocks(directory) } : {};
  const servers = await startServers(database, { directory, servers: 'four with wrong clocks', ...main });
  if (plant) await dropLedgerKeys(database);
  const parts: Record<Part, () => Promise<SoakRun>> = {
    async load() {
      const run = await loadHotCustomers(servers, { records: RECORDS, callers: CALLERS, calls, kills: 1, seed });
      printFigures(run, run.seconds);
      return run;
    },
    async history() {
      const run = await recordOneBalance(servers, { callers: HISTORY_CALLERS, calls: operations, kills: 1, seed });
      printCalls(run, run.seconds);
      console.log(`recorded         ${run.recorded} calls on one customer and ${run.cards} cards, one after the other`);
      return run;
    },
    async merges() {
      const run = await opposeMerges(servers, { pairs: PAIRS, seconds, seed });
      printCalls(run, seconds);
      console.log(`merged           ${run.merged} pairs`);
      return run;
    },
  };
  const run = await parts[part]();
  console.log(`verify           ${(await finish(servers, run)).toFixed(1)} s`);
  return run.books;
}
