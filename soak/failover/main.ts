/**
 * `npm run test:failover -- --rounds 20`: kills the primary of a pair under load and promotes its standby, again and
 * again; then reads everything back. Exits 1 when an acknowledged write is lost, or a write was done twice.
 */
import { parseArgs } from 'node:util';
import { quantile } from '../findings.js';
import { type Plant, runFailover } from './failover-run.js';
import { printLoad } from './load.js';
import type { HoldUp } from './pair.js';

const HOLD_UPS: readonly HoldUp[] = ['none', 'sending', 'confirming'];
const PLANTS: readonly string[] = ['asynchronous standby', 'unprotected retry'] satisfies Plant[];
const USAGE = `npm run test:failover -- [--rounds 20] [--load-ms 2000] [--seed N] [--pgbouncer] [--plant "${PLANTS.join('"|"')}"]`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    'load-ms': { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    plant: { type: 'string' },
    pgbouncer: { type: 'boolean', default: false },
  },
});
const [rounds, loadMs, seed] = [Number(values.rounds), Number(values['load-ms']), Number(values.seed)];
const { plant } = values;
if (!(rounds > 0 && loadMs > 0 && seed > 0) || (plant !== undefined && !PLANTS.includes(plant)))
  throw new Error(`usage: ${USAGE}`);

console.log(`seed ${seed}, ${rounds} rounds${plant === undefined ? '' : `, planted: ${plant}`}`);
const report = await runFailover({
  rounds: Array.from({ length: rounds }, (_, index) => HOLD_UPS[index % HOLD_UPS.length] ?? 'none'),
  seed,
  callers: { keyed: 24, unkeyed: 8 },
  loadMs,
  bouncers: values.pgbouncer,
  ...(plant === undefined ? {} : { plant: plant as Plant }),
  onRound: ({ holdUp, firstWrite }) => console.log(`first write after ${firstWrite.toFixed(0)} ms (${holdUp})`),
});
const times = report.rounds.map(({ firstWrite }) => firstWrite);
const [median, worst] = [quantile(times, 0.5).toFixed(0), quantile(times, 1).toFixed(0)];
console.log(`\nfirst write      ${median} ms median, ${worst} ms worst, after the order to promote`);
printLoad(report);
process.exit(report.faults.length === 0 ? 0 : 1);
