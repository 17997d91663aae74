/**
 * `node --import tsx soak/failover/two-servers.ts`: the topology of deploy/compose.yaml on this machine, without
 * containers: two `http` processes, a pgbouncer beside each PostgreSQL server, a primary and a synchronous standby. Kills
 * the primary under load and promotes the standby, three times; ends one server the ordinary way and starts it again;
 * then reads everything back. Exits 1 on a fault. Needs a build and Debian's pgbouncer.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Books } from '../books.js';
import { checkEverything } from '../final-checks.js';
import { quantile } from '../findings.js';
import { BUILT, createOrg, verify } from '../program.js';
import { createRandom } from '../random.js';
import { readPages } from '../readers.js';
import { httpServer } from '../server.js';
import { setUp } from '../set-up.js';
import { newFigures, type Run, work } from '../worker.js';
import { type HoldUp, Pair } from './pair.js';

const ROUNDS: readonly HoldUp[] = ['none', 'sending', 'confirming'];
const CALLERS = 16;
const LOAD_MS = 2000;

const directory = mkdtempSync(join(tmpdir(), 'g3n-two-servers-'));
const pair = await Pair.open(true);
const db = await pair.startBouncers();
const program = { main: BUILT, db, env: { G3N_KEY_FILE: join(directory, 'crm.key') } };
const launch = { ...program, orgcode: 'SOAK', apiKey: createOrg(program, 'SOAK') };
const servers = ['one', 'two'].map((name) => httpServer(name, launch));
await Promise.all(servers.map((server) => server.start()));

const random = createRandom(1);
let isOver = false;
const run: Run = {
  cluster: {
    async pick(chooser) {
      for (;;) {
        const server = chooser.pick(servers.filter(({ running }) => running));
        if (server !== undefined) return server;
        await sleep(20);
      }
    },
  },
  books: new Books(),
  figures: newFigures(),
  isOver: () => isOver,
};
await setUp(run, random, { ledger: 6, mergeable: 8, accounts: 2 });
const load = Promise.allSettled([
  ...Array.from({ length: CALLERS }, (_, index) => work(run, createRandom(index + 2))),
  readPages(run, createRandom(1000)),
]);
for (const [round, holdUp] of ROUNDS.entries()) {
  if (round > 0) await pair.renewStandby();
  await sleep(LOAD_MS);
  await pair.killPrimary(holdUp);
  await pair.promote();
}
await sleep(LOAD_MS);
const [first] = servers;
console.log(`a server under load ended with exit code ${await first?.end('SIGTERM')}`);
await first?.start();
await sleep(LOAD_MS);
isOver = true;
for (const part of await load) if (part.status === 'rejected') run.books.fault('run', String(part.reason));
await checkEverything(run, random);
for (const server of servers) if ((await server.end('SIGTERM')) !== 0) run.books.fault('stop', server.log());
await verify(program, run.books);
await pair.remove();
rmSync(directory, { recursive: true });

const { figures, books } = run;
console.log(`${figures.calls} calls, ${books.entries.size} ledger entries, ${figures.replayed} replays`);
console.log(`answered 503: ${figures.busy}; sent again because the server ended: ${figures.retries}`);
console.log(
  `latency: p50 ${quantile(figures.latencies, 0.5).toFixed(0)} ms, max ${quantile(figures.latencies, 1).toFixed(0)} ms`,
);
for (const { check, what } of books.faults.slice(0, 20)) console.log(`FAULT ${check}: ${what.slice(0, 500)}`);
console.log(`${books.faults.length} faults`);
process.exit(books.faults.length === 0 ? 0 : 1);
