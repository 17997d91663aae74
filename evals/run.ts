/** One run of a task: a copy of the shop with the task's start state, and calls to it through MCP. */
import { rmSync } from 'node:fs';
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/server';
import Database from 'better-sqlite3';
import { createApplication } from '../src/application.js';
import type { Caller } from '../src/contract/backend.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createValidate } from '../src/contract/validate.js';
import { createLog } from '../src/log.js';
import { type ConfirmMode, withConfirmation } from '../src/mcp/confirmation.js';
import { createServerFactory } from '../src/mcp/server.js';
import { parseHeaders } from '../src/pipeline/headers.js';
import type { SqliteStore } from '../src/store/store.js';
import { type Finish, faultsOf } from './check.js';
import type { Task } from './format.js';
import type { Answers } from './references.js';
import { CONTEXT, NOW, ORGCODE, OWNER, performAll, type Shop } from './shop.js';
import { type Snapshot, takeSnapshot, withChanges } from './snapshot.js';

export type Mode = 'full' | 'toolsets' | 'lean';

export interface RunOptions {
  readonly mode?: Mode;
  /** Families whose tools a connection in mode `toolsets` has. */
  readonly toolsets?: readonly string[];
  readonly confirm?: ConfirmMode;
  /** Called when the server asks the user; the simulated user agrees. */
  readonly onQuestion?: () => void;
  /** Where the database is kept. Default: it is deleted at the end. */
  readonly path?: string;
}

/** What a tool call answered. */
export interface ToolAnswer {
  /** What a model reads. */
  readonly text: string;
  readonly data: unknown;
  /** Of a call that was refused. */
  readonly error: { readonly error_code: string; readonly details?: { readonly [name: string]: unknown } } | undefined;
}

export interface Tool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: object;
}

/** Validators are compiled when they are first used, and all runs share them. */
const VALIDATE = createValidate(undefined);
const SECOND = 1000;
const LOST = 'The connection was lost before an answer arrived. It is not known whether the call was carried out.';
const MARKS = /<\/?\d{20}>/g;

export class Run {
  readonly #task: Task;
  readonly #shop: Shop;
  readonly #options: RunOptions;
  readonly #path: string;
  readonly #store: SqliteStore;
  readonly #rows: Database.Database;
  readonly #names: Map<string, unknown>;
  readonly #clients = new Map<string, Promise<Client>>();
  #now = NOW;
  #before: Snapshot = new Map();
  #interrupted = false;
  #lost = false;

  private constructor(task: Task, shop: Shop, options: RunOptions) {
    this.#task = task;
    this.#shop = shop;
    this.#options = options;
    this.#path = options.path ?? shop.newPath();
    this.#store = shop.open(this.#path, () => this.#now);
    this.#rows = new Database(this.#path, { readonly: true });
    this.#names = new Map(shop.names);
  }

  /** Opens a copy of the shop and makes the start state of the task. */
  static async open(task: Task, shop: Shop, options: RunOptions = {}): Promise<Run> {
    const run = new Run(task, shop, options);
    await performAll(run.#store, task.given, run.#names, ({ by }) => run.#callerOf(by ?? 'owner'));
    run.#before = run.snapshot();
    return run;
  }

  get names(): Answers {
    return this.#names;
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.#rows);
  }

  async tools(): Promise<readonly Tool[]> {
    return (await (await this.#client('caller')).listTools()).tools as readonly Tool[];
  }

  async instructions(): Promise<string> {
    return (await this.#client('caller')).getInstructions() ?? '';
  }

  /** Calls a tool as an agent does. @throws what the MCP client throws, for a tool that does not exist */
  async call(tool: string, args: object, by: 'owner' | 'caller' = 'caller'): Promise<ToolAnswer> {
    const operation = operationOf(tool, args);
    if (by === 'caller') await this.#interrupt(operation);
    this.#now += SECOND;
    const client = await this.#client(by);
    const result = await client.callTool({ name: tool, arguments: args as Record<string, unknown> });
    if (by === 'caller' && operation === this.#task.lost && !this.#lost && result.isError !== true) {
      this.#lost = true;
      return { text: LOST, data: undefined, error: { error_code: 'lost' } };
    }
    return toAnswer(result as CallToolResult);
  }

  /** What is wrong at the end, or nothing. */
  faults(finish: Finish): readonly string[] {
    return faultsOf(this.#task, { before: this.#before, after: this.snapshot(), names: this.#names, finish });
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) await (await client).close();
    this.#rows.close();
    await this.#store.close();
    if (this.#options.path !== undefined) return;
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${this.#path}${suffix}`, { force: true });
  }

  /** Lets somebody else change what the agent is about to change. */
  async #interrupt(operation: string): Promise<void> {
    const { meanwhile } = this.#task;
    if (this.#interrupted || meanwhile?.before !== operation) return;
    this.#interrupted = true;
    const before = this.snapshot();
    await performAll(this.#store, meanwhile.calls, this.#names, ({ by }) => this.#callerOf(by ?? 'owner'), this.#now);
    this.#before = withChanges(this.#before, before, this.snapshot());
  }

  #callerOf(by: 'owner' | 'caller'): Caller {
    if (by === 'owner') return OWNER;
    const { role } = this.#task;
    const owner = role === 'owner';
    return { ...OWNER, owner, roles: owner ? [] : role.split('+'), actor: this.#shop.keyOf(role).actor };
  }

  #client(by: 'owner' | 'caller'): Promise<Client> {
    const known = this.#clients.get(by) ?? this.#connect(by);
    this.#clients.set(by, known);
    return known;
  }

  async #connect(by: 'owner' | 'caller'): Promise<Client> {
    const { mode = 'full', toolsets = [], confirm = 'off', onQuestion } = this.#options;
    const { api_key } = this.#shop.keyOf(by === 'owner' ? 'owner' : this.#task.role);
    const pinned = { 'x-logical-guid': CONTEXT.logical_guid, 'x-channel-code': CONTEXT.channel_code };
    const headers = parseHeaders({
      'x-orgcode': ORGCODE,
      'x-api-key': api_key,
      ...(this.#task.context ? pinned : {}),
      ...(mode === 'toolsets' ? { 'x-mcp-toolsets': toolsets.join(',') } : {}),
    });
    const made = createApplication(this.#store, createLog('silent'), { clock: () => this.#now, lean: mode === 'lean' });
    const plain = { ...made, pipeline: { ...made.pipeline, validate: VALIDATE } };
    const application = withConfirmation(plain, { mode: confirm, operations: CONTRACT.operations });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await createServerFactory(application, () => headers)().connect(far);
    const capabilities = confirm === 'off' ? {} : { elicitation: { form: {} } };
    const client = new Client({ name: 'evals', version: '1' }, { capabilities });
    if (confirm !== 'off')
      client.setRequestHandler('elicitation/create', async () => {
        onQuestion?.();
        return { action: 'accept', content: { confirm: true } };
      });
    await client.connect(near);
    return client;
  }
}

/** The operation that a tool call runs: in lean mode it is an argument. */
function operationOf(tool: string, args: object): string {
  const { operation } = args as { readonly operation?: unknown };
  return (tool === 'crm_call' ? String(operation) : tool).replace(/^crm_/, '');
}

function toAnswer({ content, structuredContent, isError }: CallToolResult): ToolAnswer {
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
  if (isError !== true) return { text, data: (structuredContent as { data?: unknown }).data, error: undefined };
  return { text, data: undefined, error: JSON.parse(text.replace(MARKS, '')) };
}
