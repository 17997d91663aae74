/**
 * `node --import tsx soak/failover/load-url.ts --url postgres://… --seconds 60`: loads a database that others disturb,
 * for example under Patroni, for that time or until SIGTERM. Prints each pause between acknowledged writes, and reads
 * everything back. Exits 1 on a fault.
 */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Load, printLoad } from './load.js';
import { createFailoverOrg, openFailoverStore } from './store-server.js';

const { values } = parseArgs({
  options: {
    url: { type: 'string' },
    key: { type: 'string', default: join(mkdtempSync(join(tmpdir(), 'g3n-load-')), 'crm.key') },
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const { url, key } = values;
const seconds = Number(values.seconds);
if (url === undefined || !(seconds > 0)) throw new Error('usage: --url postgres://… [--seconds 60] [--key FILE]');

const stores = [await openFailoverStore(url, key), await openFailoverStore(url, key)] as const;
const load = new Load(stores, await createFailoverOrg(stores[0]), Number(values.seed));
await load.start({ keyed: 16, unkeyed: 4 });
console.log(`${timeOf(performance.now())} load started`);
await Promise.race([sleep(seconds * 1000), once(process, 'SIGTERM')]);
const report = await load.finish();
for (const { from, to } of load.writes.gaps)
  console.log(`${timeOf(from)} last write, ${timeOf(to)} first write: ${((to - from) / 1000).toFixed(1)} s`);
printLoad(report);
await Promise.all(stores.map((store) => store.close()));
process.exit(report.faults.length === 0 ? 0 : 1);

/** The wall-clock time, for comparison with the log of what disturbed. */
function timeOf(monotonicMs: number): string {
  return new Date(performance.timeOrigin + monotonicMs).toISOString().slice(11, 23);
}
