/** Starts HTTP servers for the load generator, and reads how much CPU they have used. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { BenchOrg } from './bench-org.js';

/** The product's server. Rate limits are active as usual, but never reached. */
export const SERVE = ['dist/main.js', 'http', '--port', '0', '--max-calls-per-minute', '999999999'];
/** The call that is measured. */
export const READ_TOOL = 'crm_customer_get';

export interface Server {
  readonly name: string;
  readonly url: string;
  readonly child: ChildProcess;
}

/** Starts a server, which prints its URL. */
export async function startServer(
  name: string,
  command: readonly string[],
  { environment }: BenchOrg,
): Promise<Server> {
  const env = { ...process.env, ...environment };
  const child = spawn(process.execPath, [...command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${name} did not start`)));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const match = /http:\S+\/mcp/.exec(text);
      if (match !== null) resolve(match[0]);
    });
  });
  return { name, url, child };
}

/** Makes the customer that is read. `recordFile` has the answer, for a server that only returns it. */
export async function prepareRead(bench: BenchOrg) {
  const customer = { given_name: 'Anna', family_name: 'Smith', email: 'anna@example.com', phone: '+12125550123' };
  const { customer_id } = await bench.data('crm_customer_create', { customer });
  const args = { customer_id };
  const recordFile = `${bench.path}.read.json`;
  writeFileSync(recordFile, JSON.stringify({ success: true, data: await bench.data(READ_TOOL, args) }));
  return { args, recordFile };
}

/** A tick of Linux' accounting. */
const TICK_US = 10_000;

/** Microseconds of CPU that a server has used, with the processes that it started. */
export function cpuOf({ child }: Server): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own = pids.map((pid) => ({ pid: Number(pid), ...accountOf(pid) }));
  const counted = own.filter(({ pid, parent }) => pid === child.pid || parent === child.pid);
  return counted.reduce((sum, { ticks }) => sum + ticks, 0) * TICK_US;
}

function accountOf(pid: string): { readonly parent: number; readonly ticks: number } {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return { parent: 0, ticks: 0 }; // it has ended
  }
}
