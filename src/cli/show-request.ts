/** Shows a request as it would be sent, or as a curl command, with the name of a variable instead of the credential. */
import { createStampMaker } from '../create-pipeline.js';
import { buildRequest } from '../gateway/upstream-request.js';
import { NO_HEADERS } from '../pipeline/headers.js';
import type { CallerOfClient, CrmRequest } from './client.js';

export interface ShownRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const VARIABLES = { session: 'G3N_SESSION_GUID', apiKey: 'G3N_API_KEY' } as const;
/** Headers that say nothing about the call. */
const LEFT_OUT = ['accept', 'accept-encoding', 'user-agent', 'traceparent'];

/** @throws CrmError when a value of the input cannot be sent in a request. */
export function shownRequest(baseUrl: string, caller: CallerOfClient, { operation, input }: CrmRequest): ShownRequest {
  const { origin, pathname } = new URL(baseUrl);
  const { orgcode, credential, context } = caller;
  const variable = `$${VARIABLES[credential.kind]}`;
  const kind = credential.kind === 'session' ? 'session' : 'api_key';
  const { method, path, headers, body } = buildRequest(
    pathname.replace(/\/+$/, ''),
    {
      operation,
      input,
      credentials: { orgcode, kind, secret: variable },
      context,
      stamp: createStampMaker()(NO_HEADERS),
    },
    () => 0,
  );
  const shown = Object.entries(headers).filter(([name, value]) => !LEFT_OUT.includes(name) && value !== '');
  return {
    method,
    url: `${origin}${path.replaceAll('%24G3N', '$G3N')}`,
    headers: Object.fromEntries(shown.map(([name, value]) => [name, withVariable(value, variable)])),
    ...(body === undefined ? {} : { body: body.toString() }),
  };
}

/** HTTP's Basic scheme encodes its credential, so the shell has to. */
function withVariable(value: string, variable: string): string {
  const basic = `Basic ${Buffer.from(`${variable}:`).toString('base64')}`;
  return value === basic ? `Basic $(printf '%s:' "${variable}" | base64)` : value;
}

/** The command for a POSIX shell. */
export function curlOf({ method, url, headers, body }: ShownRequest): string {
  const lines = [
    `curl -sS${method === 'GET' ? '' : ` -X ${method}`} ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`--data-raw ${singleQuoted(body)}`]),
  ];
  return `${lines.join(' \\\n  ')}\n`;
}

/** Between double quotes where the shell is to replace the variable of the credential, and only there. */
function quoted(text: string): string {
  return /\$G3N_(API_KEY|SESSION_GUID)/.test(text)
    ? `"${text.replaceAll(/(["`\\])(?!\$)/g, escapeOutside)}"`
    : singleQuoted(text);
}

function escapeOutside(sign: string): string {
  return sign === '"' ? sign : `\\${sign}`;
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
