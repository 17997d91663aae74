/**
 * A process of its own that calls through gateways and watches its memory: first an honest upstream, so that all is
 * loaded, then a hostile one. Their URLs are its arguments, its figures are JSON on stdout. Not: the upstreams.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type GatewayWorld, openGateway, operationOf } from './gateway.js';

const ROUNDS = 2;
const AT_ONCE = 32;

setFlagsFromString('--expose-gc');
setFlagsFromString('--no-concurrent-array-buffer-sweeping'); // collected is collected
const collect = runInNewContext('gc') as () => void;
const [honest, hostile] = process.argv.slice(2).map((url) => openGateway(new URL(url), { deadlineMs: 60_000 }));
if (honest === undefined || hostile === undefined) throw new Error('two URLs are needed');

/** One round of calls; answers the codes they ended with. */
async function round(gateway: GatewayWorld): Promise<string[]> {
  const calls = Array.from({ length: AT_ONCE }, () => gateway.envelopeOf(operationOf('customer_get')));
  return (await Promise.all(calls)).map((envelope) => (envelope.success ? 'success' : envelope.error.error_code));
}

for (let count = 0; count < ROUNDS; count += 1) await round(honest);
collect();
const start = process.memoryUsage();
let peak = start;
const timer = setInterval(() => {
  collect();
  const now = process.memoryUsage();
  if (now.arrayBuffers > peak.arrayBuffers) peak = now;
}, 150);
const codes = new Set<string>();
for (let count = 0; count < ROUNDS; count += 1) for (const code of await round(hostile)) codes.add(code);
clearInterval(timer);
collect();
const end = process.memoryUsage();
await Promise.all([honest, hostile].map(({ backend }) => backend.close()));
process.stdout.write(JSON.stringify({ start, peak, end, codes: [...codes] }));
