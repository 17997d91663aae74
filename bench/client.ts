/** The cheapest clients there are, so that the server is what is measured: JSON-RPC lines, and kept-alive HTTP. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Agent, request } from 'node:http';

export interface Client {
  readonly pid: number;
  /** Resolves with the raw answer. @throws Error when the answer is an error. */
  call(tool: string, args: object): Promise<string>;
  close(): void;
}

export interface StdioClient extends Client {
  /** Resolves with the raw list of tools. @throws Error when the answer is an error. */
  list(): Promise<string>;
}

/** A child that ends with this process, its own words on stderr. */
function start(command: readonly string[], env: Record<string, string>): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...command], { env: { ...process.env, ...env }, stdio: 'pipe' });
  child.stderr.pipe(process.stderr);
  return child;
}

/** A server over stdio, initialized as a 2025 client. */
export async function openStdioClient(command: readonly string[], env: Record<string, string>): Promise<StdioClient> {
  const child = start(command, env);
  const waiting = new Map<number, (line: string) => void>();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const id = idOf(line);
      waiting.get(id)?.(line);
      waiting.delete(id);
    }
  });
  let last = 0;
  const ask = (method: string, params: object) =>
    new Promise<string>((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
    });
  const clientInfo = { name: 'bench', version: '1' };
  await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return {
    pid: child.pid ?? 0,
    call: async (name, args) => good(await ask('tools/call', { name, arguments: args })),
    list: async () => good(await ask('tools/list', {})),
    close: () => child.kill(),
  };
}

/** A server over HTTP; it prints its address. Each call is one POST, at most `connections` at a time. */
export async function openHttpClient(
  command: readonly string[],
  env: Record<string, string>,
  headers: Record<string, string>,
): Promise<Client> {
  const child = start(command, env);
  const url = await new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const match = /http:\S+\/mcp/.exec(text);
      if (match !== null) resolve(match[0]);
    });
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const options = {
    agent,
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  };
  let last = 0;
  return {
    pid: child.pid ?? 0,
    call: (name, args) =>
      new Promise((resolve, reject) => {
        last += 1;
        const outgoing = request(url, options, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk;
          });
          response.on('end', () => {
            try {
              resolve(good(body));
            } catch (error) {
              reject(error);
            }
          });
        });
        outgoing.on('error', reject);
        outgoing.end(
          JSON.stringify({ jsonrpc: '2.0', id: last, method: 'tools/call', params: { name, arguments: args } }),
        );
      }),
    close: () => {
      agent.destroy();
      child.kill();
    },
  };
}

/** Every server here writes the id first or last; parsing whole answers would measure the client. */
function idOf(line: string): number {
  const head = /^\{"jsonrpc":"2.0","id":(\d+)/.exec(line) ?? /"id":(\d+)\}$/.exec(line);
  return Number(head?.[1] ?? (JSON.parse(line) as { id: number }).id);
}

function good(answer: string): string {
  if (answer.includes('"isError":true') || answer.includes('"error":{')) throw new Error(answer.slice(0, 500));
  return answer;
}
