/**
 * Follows the next steps of an error by a script that knows no more than they tell: it calls only tools that they name,
 * and sends only values that they name or that came with the error and with answers since.
 */
import type { ErrorObject } from '../../src/contract/envelope.js';
import type { Data } from './world.js';

export interface ToolCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, Data>>;
}

/** Makes a call as an agent would, and returns the answer: the data, or the error. */
export type Send = (call: ToolCall) => Promise<{ readonly data?: Data; readonly error?: ErrorObject }>;

/** The phrases by which next steps tell to make the same call once more. */
const AGAIN = /\b(repeat|again|once more)\b/i;
/** And to make it with other content. */
const CORRECTED = /\b(send|correct)\b/i;
const FINDER = /list or search tool/;

export class Told {
  readonly steps: readonly string[];
  readonly error: ErrorObject;
  /** How many calls succeeded; the last one has to. */
  succeeded = 0;
  readonly #text: string;
  /** The call that failed. */
  readonly call: ToolCall;
  readonly #send: Send;
  readonly #known = new Set<string>();

  constructor(error: ErrorObject, call: ToolCall, send: Send) {
    this.error = error;
    this.steps = error.next_steps ?? [];
    this.#text = [...this.steps, error.major.message.en_US].join(' ');
    this.call = call;
    this.#send = send;
    this.#learn(error.details);
    this.#learn(error.conflict_snapshot);
  }

  /** A detail that the next steps name. */
  detail(name: string): Data {
    this.#require(this.steps.join(' ').includes(`details.${name}`), `name details.${name}`);
    this.#require(this.error.details?.[name] !== undefined, `come with details.${name}`);
    return this.error.details?.[name];
  }

  /** The record that came with the error. */
  snapshot(): Data {
    this.#require(this.#text.includes('conflict_snapshot'), 'name conflict_snapshot');
    return this.error.conflict_snapshot;
  }

  /** Calls a tool that they name. */
  tool(name: string, args: ToolCall['args']): Promise<Data> {
    this.#require(new RegExp(`\\b${name}\\b`).test(this.steps.join(' ')), `name ${name}`);
    return this.#make({ tool: name, args });
  }

  /** Calls a list or search tool, where they tell to use one. */
  find(name: string, args: ToolCall['args']): Promise<Data> {
    this.#require(FINDER.test(this.#text) && /_(list|search)$/.test(name), 'tell to use a list or search tool');
    return this.#make({ tool: name, args });
  }

  /** Reads what an agent knows by now, such as the record of the failed call; it is no step of its own. */
  async read(tool: string, args: ToolCall['args']): Promise<Data> {
    const { data } = await this.#send({ tool, args });
    this.#learn(data);
    return data;
  }

  /** Repeats the call with these arguments changed; undefined leaves one out. */
  async again(changes: ToolCall['args'] = {}): Promise<Data> {
    return this.#make(this.#changed(changes));
  }

  /** Makes the call anew with content that is well formed. */
  corrected(args: ToolCall['args']): Promise<Data> {
    this.#require(CORRECTED.test(this.#text), 'tell to send the call corrected');
    return this.#make({ ...this.call, args });
  }

  /** As `again`, for a call that fails once more; its own next steps are to be followed then. */
  async againFails(code: string, changes: ToolCall['args'] = {}): Promise<Told> {
    const call = this.#changed(changes);
    const { error } = await this.#send(call);
    if (error?.error_code !== code) throw new Error(`${call.tool} did not fail with ${code}: ${JSON.stringify(error)}`);
    return new Told(error, call, async (next) => {
      const answer = await this.#send(next);
      if (answer.error === undefined) this.succeeded += 1;
      return answer;
    });
  }

  #changed(changes: ToolCall['args']): ToolCall {
    const names = Object.keys(changes);
    if (names.length === 0) this.#require(AGAIN.test(this.#text), 'tell to repeat the call');
    for (const name of names) {
      const isNamed = new RegExp(`\\b${name}\\b`).test(this.#text);
      this.#require(isNamed || this.#knows(changes[name]), `name ${name}, or give its value`);
    }
    const args = Object.entries({ ...this.call.args, ...changes }).filter(([, value]) => value !== undefined);
    return { ...this.call, args: Object.fromEntries(args) };
  }

  async #make(call: ToolCall): Promise<Data> {
    const { data, error } = await this.#send(call);
    if (error !== undefined) throw new Error(`${call.tool}: ${JSON.stringify(error)}`);
    this.succeeded += 1;
    this.#learn(data);
    return data;
  }

  /** Remembers every value of an answer. */
  #learn(value: Data): void {
    if (value === undefined) return;
    this.#known.add(JSON.stringify(value));
    if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) this.#learn(part);
  }

  #knows(value: Data): boolean {
    if (this.#known.has(JSON.stringify(value))) return true;
    return Array.isArray(value) && value.length > 0 && value.every((item) => this.#knows(item));
  }

  #require(holds: boolean, what: string): void {
    if (!holds) throw new Error(`${this.error.error_code}: the next steps do not ${what}: ${this.steps.join(' ')}`);
  }
}
