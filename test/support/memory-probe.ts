/**
 * A child process that measures its memory while it calls through gateways: first to a well-behaved upstream, as a
 * warm-up, then to a hostile one. The arguments are the URLs of the two upstreams; it prints its figures as JSON on
 * stdout.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type GatewayWorld, openGateway, operationOf } from './gateway.js';

const ROUNDS = 2;
const CONCURRENT_CALLS = 32;

setFlagsFromString('--expose-gc');
setFlagsFromString('--no-concurrent-array-buffer-sweeping'); // array buffers are freed during the collection
const collect = runInNewContext('gc') as () => void;
const [wellBehaved, hostile] = process.argv.slice(2).map((url) => openGateway(new URL(url), { deadlineMs: 60_000 }));
if (wellBehaved === undefined || hostile === undefined) throw new Error('two URLs are needed');

/** Makes one round of concurrent calls; returns `success` or the error code of each. */
async function round(gateway: GatewayWorld): Promise<string[]> {
  const calls = Array.from({ length: CONCURRENT_CALLS }, () => gateway.envelopeOf(operationOf('customer_get')));
  return (await Promise.all(calls)).map((envelope) => (envelope.success ? 'success' : envelope.error.error_code));
}

for (let count = 0; count < ROUNDS; count += 1) await round(wellBehaved);
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
await Promise.all([wellBehaved, hostile].map(({ backend }) => backend.close()));
process.stdout.write(JSON.stringify({ start, peak, end, codes: [...codes] }));
