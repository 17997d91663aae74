/** Minimal clients over stdio and keep-alive HTTP, so that the measurement is of the server. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Agent, request } from 'node:http';

export interface Client {
  readonly pid: number;
  /** Resolves with the raw response. @throws Error when the response is an error. */
  call(tool: string, args: object): Promise<string>;
  close(): void;
}

export interface StdioClient extends Client {
  /** Resolves with the raw list of tools. @throws Error when the response is an error. */
  list(): Promise<string>;
}

/** Starts a child process whose stderr goes to this process's. */
function start(command: readonly string[], env: Record<string, string>): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [...command], { env: { ...process.env, ...env }, stdio: 'pipe' });
  child.stderr.pipe(process.stderr);
  return child;
}

/** Starts a server over stdio and initializes it as a 2025 client. */
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
  const send = (method: string, params: object) =>
    new Promise<string>((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: last, method, params })}\n`);
    });
  const clientInfo = { name: 'bench', version: '1' };
  await send('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  return {
    pid: child.pid ?? 0,
    call: async (name, args) => requireSuccess(await send('tools/call', { name, arguments: args })),
    list: async () => requireSuccess(await send('tools/list', {})),
    close: () => child.kill(),
  };
}

/** Starts a server over HTTP, which prints its URL. Each call is one POST, on at most 64 connections. */
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
              resolve(requireSuccess(body));
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

/** Every server here writes the id first or last; parsing whole responses would measure the client. */
function idOf(line: string): number {
  const head = /^\{"jsonrpc":"2.0","id":(\d+)/.exec(line) ?? /"id":(\d+)\}$/.exec(line);
  return Number(head?.[1] ?? (JSON.parse(line) as { id: number }).id);
}

function requireSuccess(response: string): string {
  if (response.includes('"isError":true') || response.includes('"error":{')) throw new Error(response.slice(0, 500));
  return response;
}
