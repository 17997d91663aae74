/** Measures the gateway against a bare undici POST to the same upstream, and against other OpenAPI servers. */
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { callRows, takeCallTurns } from './call-rounds.js';
import { openStdioClient } from './client.js';
import type { Row } from './measure.js';
import { preparePeers } from './peers.js';
import { openGatewayCall } from './through-gateway.js';
import { startUpstream, type Upstream } from './upstream.js';

const ROUNDS = 5;
const CALLS = 3000;
const PATH = '/crm/customer/get';
const CREDENTIALS = { G3N_ORGCODE: 'BENCH', G3N_API_KEY: 'bench-key' };

/** Section (f): overhead per call at 1, 16 and 64 in flight; peers over stdio at 1 and 16. */
export async function measureGateway(): Promise<readonly Row[]> {
  const upstream = await startUpstream();
  const rows = [...(await againstUndici(upstream)), ...(await againstPeers(upstream))];
  await upstream.close();
  return rows;
}

async function againstUndici(upstream: Upstream): Promise<readonly Row[]> {
  const pool = new Pool(new URL(upstream.url).origin, { connections: 64 });
  const headers = { 'content-type': 'application/json', 'x-orgcode': 'BENCH', 'x-api-key': 'bench-key' };
  const body = JSON.stringify(upstream.args);
  const bare = async () => (await pool.request({ path: PATH, method: 'POST', headers, body })).body.json();
  const gateway = await openGatewayCall(upstream.url);
  const rows: Row[] = [];
  for (const depth of [1, 16, 64]) {
    const callers = [
      { name: 'ours', call: () => gateway.call('crm_customer_get', upstream.args) },
      { name: 'undici', call: bare },
    ];
    const turns = await takeCallTurns(callers, { rounds: ROUNDS, total: CALLS, inFlight: depth });
    rows.push(...callRows(`gateway, ${depth} in flight`, turns, turns.rates.undici ?? 1, { least: 0.6 }));
  }
  await gateway.close();
  await pool.close();
  return rows;
}

async function againstPeers(upstream: Upstream): Promise<readonly Row[]> {
  const document = JSON.parse(readFileSync('dist/openapi.json', 'utf8')) as object;
  const ours = ['dist/main.js', 'stdio', '--gateway', upstream.url, '--gateway-db', ':memory:'];
  const peers = preparePeers(document, upstream.url);
  const servers = [{ name: 'ours', command: ours, tool: 'crm_customer_get', wrap: (body: object) => body }, ...peers];
  const clients = await Promise.all(
    servers.map(async ({ name, command, tool, wrap }) => {
      const client = await openStdioClient(command, { ...CREDENTIALS, DOTENV_CONFIG_QUIET: 'true' });
      const args = wrap(upstream.args);
      const response = await client.call(tool, args);
      if (!response.includes(upstream.args.customer_id))
        throw new Error(`${name} does not reach the upstream: ${response}`);
      return { name, close: client.close, call: () => client.call(tool, args) };
    }),
  );
  const rows: Row[] = [];
  for (const depth of [1, 16]) {
    const turns = await takeCallTurns(clients, { rounds: ROUNDS, total: 600, inFlight: depth });
    const best = Math.max(turns.rates.generator ?? 0, turns.rates.ivotoby ?? 0);
    rows.push(...callRows(`stdio, ${depth} in flight`, turns, best, { least: 2 }));
  }
  for (const { close } of clients) close();
  return rows;
}
