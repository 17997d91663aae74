/** Starts the bench's upstream process, which responds to every call with the same record. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { openBenchOrg } from './bench-org.js';

export interface Upstream {
  readonly url: string;
  /** The arguments of a call for its record. */
  readonly args: { readonly customer_id: string };
  close(): Promise<void>;
}

/** Starts the upstream. Its record is a customer of a real store. */
export async function startUpstream(): Promise<Upstream> {
  const bench = await openBenchOrg();
  const customer = { given_name: 'Anna', family_name: 'Smith', email: 'anna@example.com', phone: '+12125550123' };
  const data = await bench.data('crm_customer_create', { customer });
  const { caller, org } = await bench.data('crm_stat', {});
  const file = `${bench.path}.upstream.json`;
  writeFileSync(file, JSON.stringify({ data, caller, org }));
  const child = spawn(process.execPath, ['bench/servers/upstream.mjs', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  return {
    url: await firstLine(child),
    args: { customer_id: data.customer_id },
    close: async () => {
      child.kill();
      await bench.remove();
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) =>
    child.stdout?.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())),
  );
}
