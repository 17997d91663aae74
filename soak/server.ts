/** The servers under load: child processes that are called, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Data } from '../test/support/world.js';
import type { Program } from './program.js';

const START_MS = 60_000;
/** A call that takes longer than this is a fault. */
const ANSWER_MS = 60_000;

/** The answer to a call, the same from both transports. */
export interface Answer {
  readonly ok: boolean;
  readonly data: Data;
  readonly code: string;
  readonly status: number;
  readonly requestId: string;
  readonly replayed: boolean;
  /** The server says that it does not know whether the call happened. */
  readonly isUnknown: boolean;
}

/** The server ended before it answered: whether the call happened is unknown. */
export class Lost extends Error {}

export interface Server {
  readonly name: string;
  readonly running: boolean;
  /** The last lines that the process wrote to stderr. */
  log(): string;
  start(): Promise<void>;
  /** @throws Lost */
  call(path: string, body: object): Promise<Answer>;
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
}

export interface Launch extends Program {
  readonly orgcode: string;
  readonly apiKey: string;
}

const CONTEXT = { guid: 'fac-0001', channel: 'store' };

/** The parts that both transports share: the process and the end of its stderr. */
class Process {
  child: ChildProcess | undefined;
  #log: string[] = [];
  #exited: Promise<number | null> = Promise.resolve(null);

  launch({ main, db, env }: Program, args: readonly string[], more: Readonly<Record<string, string>>): ChildProcess {
    const child = spawn(process.execPath, [main, ...args], {
      env: { ...process.env, G3N_DB: db, ...env, ...more },
      stdio: 'pipe',
    });
    child.stdin?.on('error', () => {});
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#log = [...this.#log.slice(-19), line];
    });
    this.#exited = new Promise((resolve) =>
      child.once('close', (code) => {
        this.child = undefined;
        resolve(code);
      }),
    );
    this.child = child;
    return child;
  }

  log(): string {
    return this.#log.join('\n');
  }

  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    this.child?.kill(signal);
    return this.#exited;
  }
}

/** An `http` process, called over REST. */
export function httpServer(name: string, launch: Launch): Server {
  const process_ = new Process();
  let url = '';
  const headers = {
    'content-type': 'application/json',
    'x-orgcode': launch.orgcode,
    'x-api-key': launch.apiKey,
    'x-logical-guid': CONTEXT.guid,
    'x-channel-code': CONTEXT.channel,
  };
  return {
    name,
    get running() {
      return process_.child !== undefined && url !== '';
    },
    log: () => process_.log(),
    async start() {
      const args = ['http', '--port', '0', '--max-calls-per-minute', '0', '--drain-seconds', '5'];
      const child = process_.launch(launch, args, {});
      url = await within(START_MS, `${name} did not start`, printedUrl(child));
    },
    async call(path, body) {
      const sent = fetch(`${url}/crm${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
        .then((response) => response.json())
        .catch((error) => {
          throw new Lost(String(error.cause ?? error));
        });
      return fromEnvelope(await within(ANSWER_MS, `${name} did not answer ${path} in time`, sent));
    },
    end(signal) {
      url = '';
      return process_.end(signal);
    },
  };
}

function printedUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      const match = /http:\/\/127\.0\.0\.1:\d+/.exec(printed);
      if (match !== null) resolve(match[0]);
    });
    child.once('close', (code) => reject(new Error(`the server ended at its start, exit code ${code}`)));
  });
}

/** Reads an envelope. */
export function fromEnvelope(envelope: Data): Answer {
  const { success, data, error, stats } = envelope;
  return {
    ok: success === true,
    data,
    code: error?.error_code ?? '',
    status: success === true ? 200 : (error?.http_status ?? 0),
    requestId: stats?.request_id ?? '',
    replayed: stats?.idempotent_replay === true,
    isUnknown: error?.details?.outcome === 'unknown',
  };
}

/** A `stdio` process, called over MCP. */
export function stdioServer(name: string, launch: Launch): Server {
  const process_ = new Process();
  let session: StdioSession | undefined;
  const env = {
    G3N_ORGCODE: launch.orgcode,
    G3N_API_KEY: launch.apiKey,
    G3N_LOGICAL_GUID: CONTEXT.guid,
    G3N_CHANNEL_CODE: CONTEXT.channel,
    G3N_MAX_ANSWER_TOKENS: '10000000',
  };
  return {
    name,
    get running() {
      return process_.child !== undefined && session !== undefined;
    },
    log: () => process_.log(),
    async start() {
      const opened = new StdioSession(process_.launch(launch, ['stdio'], env));
      await within(START_MS, `${name} did not start`, opened.open());
      session = opened;
    },
    async call(path, body) {
      if (session === undefined) throw new Lost('not started');
      const tool = `crm${path.replaceAll('/', '_')}`;
      const sent = session.request('tools/call', { name: tool, arguments: body });
      return fromToolResult(await within(ANSWER_MS, `${name} did not answer ${path} in time`, sent));
    },
    end(signal) {
      session = undefined;
      return process_.end(signal);
    },
  };
}

interface Waiting {
  readonly resolve: (result: Data) => void;
  readonly reject: (error: Error) => void;
}

class StdioSession {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #ended = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.#receive(line));
    child.once('close', () => {
      this.#ended = true;
      for (const { reject } of this.#waiting.values()) reject(new Lost('the process ended'));
      this.#waiting.clear();
    });
  }

  async open(): Promise<void> {
    const clientInfo = { name: 'soak', version: '1' };
    await this.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  request(method: string, params: object): Promise<Data> {
    if (this.#ended) return Promise.reject(new Lost('the process ended'));
    this.#last += 1;
    const id = this.#last;
    this.#send({ jsonrpc: '2.0', id, method, params });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** A kill may cut the last line: what does not parse is dropped, and its call is lost. */
  #receive(line: string): void {
    const message = parsed(line);
    const waiting = this.#waiting.get(message?.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting.resolve(message.result);
    else waiting.reject(new Error(`JSON-RPC error ${JSON.stringify(message.error)}`));
  }
}

function parsed(text: string): Data {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fromToolResult(result: Data): Answer {
  const stats = result._meta?.stats;
  const body = result.structuredContent ?? { success: false, error: parsed(result.content?.[0]?.text ?? '') };
  return fromEnvelope({ ...body, stats });
}

async function within<T>(milliseconds: number, message: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
