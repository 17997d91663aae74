/** Renders a call as a curl command. Credentials appear only as environment variables. */
import { API_KEY, SESSION } from '../../src/pipeline/headers.js';
import type { Call } from './call.js';
import type { Endpoint } from './mcp.js';

/** The environment variables of headers that are credentials. */
export const VARIABLES: { readonly [header: string]: string } = {
  [API_KEY]: 'G3N_API_KEY',
  [SESSION]: 'G3N_SESSION_GUID',
};

/** The curl command of a `tools/call`, for any POSIX shell. */
export function curlOf({ url, headers }: Endpoint, call: Call): string {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call });
  const lines = [
    `curl -sS ${quote(url)}`,
    `-H 'content-type: application/json'`,
    `-H 'accept: application/json, text/event-stream'`,
    ...Object.entries(headers).map(([header, value]) => `-H ${headerOf(header, value)}`),
    `--data ${quote(body)}`,
  ];
  return lines.join(' \\\n  ');
}

function headerOf(header: string, value: string): string {
  const variable = VARIABLES[header];
  return variable === undefined ? quote(`${header}: ${value}`) : `"${header}: $${variable}"`;
}

/** A word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
