/** Runs the built program as a user does: commands, servers, and JSON-RPC over stdio. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const MAIN = resolve('dist/main.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** The output so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves with the first match on stdout; rejects when the program ends without one. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

/** Returns the environment for a child process: this one's without G3N_ and VITEST variables. */
export function cleanEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('G3N_') && !name.startsWith('VITEST'));
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...extra };
}

/** Starts the program. */
export function start(args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], { env: cleanEnvironment(env), stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}); // a program that ended early: its exit code shows it
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, stdout, stderr })));
  return {
    child,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    printed: (pattern) =>
      new Promise((found, failed) => {
        const look = () => {
          const match = pattern.exec(stdout);
          if (match !== null) found(match);
        };
        child.stdout.on('data', look);
        look();
        void ended.then(() => failed(new Error(`ended without printing ${pattern}: ${stdout}\n${stderr}`)));
      }),
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs a command to its end. */
export async function run(args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ended> {
  const running = start(args, env);
  running.child.stdin.end(input);
  return running.ended;
}

/** Runs a command that prints JSON and must succeed. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of what a command printed
export async function runJson(args: readonly string[], env: Record<string, string> = {}): Promise<any> {
  const { code, stdout, stderr } = await run(args, env);
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}\n${stderr}`);
  return JSON.parse(stdout);
}

export interface HttpProgram extends Running {
  readonly url: string;
}

/** Starts an HTTP server over an embedded database, on a free port. */
export async function startHttp(db: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  return startServer(['--db', db, ...args], env);
}

/** Starts an HTTP server with these options, on a free port. */
export async function startServer(args: readonly string[], env: Record<string, string> = {}) {
  const running = start(['http', '--port', '0', ...args], env);
  const match = await running.printed(/serves MCP on (\S+)/);
  return { ...running, url: String(match[1]) } satisfies HttpProgram;
}

/** Creates a temporary directory, which `remove` deletes. */
export function scratch(): { readonly db: string; readonly directory: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-crm-'));
  return {
    directory,
    db: join(directory, 'crm.db'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

export type Message = {
  readonly id?: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of messages they do not type
  readonly result?: any;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of messages they do not type
  readonly error?: any;
};

export interface Line {
  readonly running: Running;
  /** Sends a request; rejects when the program ends first. */
  request(method: string, params?: object): Promise<Message>;
  /** The data of a tool call that must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  call(tool: string, args: object): Promise<any>;
  send(text: string): void;
}

/** Starts a stdio server and initializes a JSON-RPC connection to it as a 2025 client. */
export async function openLine(args: readonly string[], env: Record<string, string> = {}): Promise<Line> {
  const running = start(['stdio', ...args], env);
  const waiting = new Map<number, { found(message: Message): void; failed(error: Error): void }>();
  let rest = '';
  running.child.stdout.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Message;
      if (message.id === undefined) continue;
      waiting.get(message.id)?.found(message);
      waiting.delete(message.id);
    }
  });
  void running.ended.then(({ code, stderr }) => {
    for (const { failed } of waiting.values()) failed(new Error(`the program ended with ${code}\n${stderr}`));
  });
  let last = 0;
  const send = (text: string) => void running.child.stdin.write(`${text}\n`);
  const request = (method: string, params: object = {}) =>
    new Promise<Message>((found, failed) => {
      last += 1;
      waiting.set(last, { found, failed });
      send(JSON.stringify({ jsonrpc: '2.0', id: last, method, params }));
    });
  const clientInfo = { name: 'raw', version: '1' };
  await request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  return {
    running,
    request,
    send,
    async call(tool, args) {
      const { result, error } = await request('tools/call', { name: tool, arguments: args });
      if (error !== undefined || result.isError) throw new Error(JSON.stringify(error ?? result.content));
      return result.structuredContent.data;
    },
  };
}
