/** The bench's upstream: its process, and the record it answers with. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { makePlace } from './machine.js';

export interface Upstream {
  readonly url: string;
  /** The arguments of a call for its record. */
  readonly args: { readonly customer_id: string };
  close(): Promise<void>;
}

/** Starts it, with a customer of a real store as its record. */
export async function startUpstream(): Promise<Upstream> {
  const place = await makePlace();
  const customer = { given_name: 'Anna', family_name: 'Smith', email: 'anna@example.com', phone: '+12125550123' };
  const data = await place.data('crm_customer_create', { customer });
  const { caller, org } = await place.data('crm_stat', {});
  const file = `${place.path}.upstream.json`;
  writeFileSync(file, JSON.stringify({ data, caller, org }));
  const child = spawn(process.execPath, ['bench/servers/upstream.mjs', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  return {
    url: await firstLine(child),
    args: { customer_id: data.customer_id },
    close: async () => {
      child.kill();
      await place.remove();
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) =>
    child.stdout?.setEncoding('utf8').once('data', (text: string) => resolve(text.trim())),
  );
}
