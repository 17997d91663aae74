/**
 * Runs steps in one transaction on one session, in as few round trips as they allow: BEGIN rides with the first
 * statement that is waited for, changes with the next one, and COMMIT with the last.
 */
import type { Scope } from '../engine/driver.js';
import { type PlainSteps, plainSteps } from '../engine/side-by-side.js';
import { isAwaited, type Step, type Steps } from '../engine/step.js';
import { type BatchResults, type DatabaseSession, runBatch } from './batch.js';
import { distributedPartOf, distributedSettings } from './citus.js';
import { type JoinedStatements, joinParts, sendApart } from './join-statements.js';
import { enterHome } from './org-home.js';
import {
  alonePart,
  callPart,
  type Part,
  type PreparedText,
  partOf,
  type Statement,
  statement,
} from './statement-text.js';

/** Why a transaction begins: reads see one snapshot; writes see what others committed before each statement. */
export type TransactionKind = 'read' | 'write';

/** What a driver adds to each of its transactions. */
export interface TransactionMode {
  /** Whether a transaction about an org fails unless the org is at home in the database. */
  readonly fenced?: boolean;
  /** Whether Citus distributes the tables. */
  readonly isDistributed?: boolean;
}

const BEGIN: Readonly<Record<TransactionKind, string>> = {
  read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  write: 'BEGIN ISOLATION LEVEL READ COMMITTED',
};

/** The settings end with the transaction, so that a pooler may hand the session to somebody else. */
const SETTINGS = `set_config('g3n.orgcode', ?, true), set_config('statement_timeout', ?, true),
  set_config('lock_timeout', ?, true), set_config('idle_in_transaction_session_timeout', ?, true)`;
/**
 * For calls: one plan for all arguments of a statement, made once a session, that reads in the order of an index.
 * Planning would take longer than most statements, and a plan that sorts all rows of an org never pays for a page.
 */
const CALL_SETTINGS = `${SETTINGS}, set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('jit', 'off', true)`;

/** For reads that are sent without BEGIN: they write nothing, whatever they call. */
const READ_SETTINGS = `${CALL_SETTINGS}, set_config('transaction_read_only', 'on', true)`;
/** After reads that needed more than one round trip, so many of the same kind are expected to need more, too. */
const EXPECTED_LONGER = 20;

/** So many changes are collected at most, to bound memory. */
const MAX_PENDING = 500;

export class Transaction {
  readonly #session: DatabaseSession;
  readonly #kind: TransactionKind;
  readonly #orgcode: string;
  readonly #limitMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #fence: readonly Part[];
  readonly #isDistributed: boolean;
  #pending: Part[] = [];
  #open = false;
  #committing = false;
  #roundTrips = 0;

  /** @param limitMs how long each statement, each wait for a lock and each pause may take; 0: without limit */
  constructor(
    session: DatabaseSession,
    kind: TransactionKind,
    { orgcode = '', signal }: Scope,
    limitMs: number,
    { fenced = false, isDistributed = false }: TransactionMode = {},
  ) {
    this.#session = session;
    this.#kind = kind;
    this.#orgcode = orgcode;
    this.#limitMs = Math.ceil(limitMs);
    this.#signal = signal;
    this.#fence = fenced && orgcode !== '' ? [enterHome(orgcode, kind)] : [];
    this.#isDistributed = isDistributed;
  }

  /** Whether the server may be in a transaction that must be ended. */
  get open(): boolean {
    return this.#open;
  }

  /** Whether a COMMIT was sent and has not been answered. */
  get committing(): boolean {
    return this.#committing;
  }

  get roundTrips(): number {
    return this.#roundTrips;
  }

  /** Begins with the next statements that are sent; what is open is rolled back, what is pending is dropped. */
  begin(): void {
    this.#pending = this.#open ? [alonePart('ROLLBACK')] : [];
    this.#pending.push(alonePart(BEGIN[this.#kind]), ...this.#settings(), ...this.#fence);
  }

  /** Adds a statement that nobody waits for. */
  add(text: string): void {
    this.#pending.push(alonePart(text));
  }

  /** Runs the steps, in the transaction that was begun. */
  async drive<T>(steps: Steps<T>): Promise<T> {
    const plain = plainSteps(steps);
    return this.#goOn(plain, plain.next());
  }

  /**
   * Runs steps that only read. Reads that are one statement need neither BEGIN nor COMMIT: the server ends by itself
   * what it began. When the steps then turn out to need more, they are run again from the beginning, in one snapshot.
   */
  async read<T>(steps: () => Steps<T>): Promise<T> {
    let plain = plainSteps(steps());
    let turn = plain.next();
    if (turn.done) return turn.value;
    const alone = this.#asOneStatement(turn.value);
    if (alone !== undefined) {
      const [, ...results] = alone.resultsOf(await this.#send(alone.statements));
      const next = plain.next('mode' in turn.value ? results[0] : results);
      if (next.done) return next.value;
      expectedLonger.set(alone.read, EXPECTED_LONGER);
      plain = plainSteps(steps());
      turn = plain.next();
    }
    this.begin();
    return this.#goOn(plain, turn);
  }

  /** Sends what is pending, and COMMIT. */
  async commit(): Promise<void> {
    this.add('COMMIT');
    this.#committing = true;
    await this.#flush();
    this.#committing = false;
    this.#open = false;
  }

  /** Ends an open transaction that has nothing to keep. */
  async end(): Promise<void> {
    await runBatch(this.#session, [statement('ROLLBACK')]);
    this.#open = false;
  }

  #settings(text = this.#limitMs === 0 ? SETTINGS : CALL_SETTINGS): readonly Part[] {
    if (this.#isDistributed) return distributedSettings(this.#orgcode, this.#limitMs);
    const limit = String(this.#limitMs);
    return [callPart(text, [this.#orgcode, limit, limit, limit])];
  }

  #partOf(step: Step): Part {
    return this.#isDistributed ? distributedPartOf(step) : partOf(step);
  }

  /**
   * The settings of a call and its read, if that is what the steps become and is expected to be enough. The fence comes
   * last: an org that is at home after the read was at home when it was read.
   */
  #asOneStatement(yielded: Step | readonly Step[]): (JoinedStatements & { readonly read: PreparedText }) | undefined {
    if (this.#limitMs === 0 || this.#isDistributed) return undefined;
    const steps: readonly Step[] = 'mode' in yielded ? [yielded] : yielded;
    const parts = [...this.#settings(READ_SETTINGS), ...steps.map(partOf), ...this.#fence];
    const { statements, resultsOf } = joinParts(parts);
    const [, read, ...more] = statements;
    const isRead = read?.shape === 'one' || read?.shape === 'all';
    if (!isRead || more.length > this.#fence.length) return undefined;
    const left = expectedLonger.get(read.prepared) ?? 0;
    if (left === 0) return { statements, resultsOf, read: read.prepared };
    expectedLonger.set(read.prepared, left - 1);
    return undefined;
  }

  async #goOn<T>(steps: PlainSteps<T>, first: IteratorResult<Step | readonly Step[], T>): Promise<T> {
    let turn = first;
    while (!turn.done) turn = steps.next(await this.#answer(turn.value));
    return turn.value;
  }

  #answer(yielded: Step | readonly Step[]): unknown {
    if (!('mode' in yielded)) return this.#runList(yielded);
    this.#pending.push(this.#partOf(yielded));
    if (!isAwaited(yielded))
      return this.#pending.length < MAX_PENDING ? undefined : this.#flush().then(() => undefined);
    return this.#flush().then((results) => results.at(-1));
  }

  async #runList(steps: readonly Step[]): Promise<BatchResults> {
    const before = this.#pending.length;
    this.#pending.push(...steps.map((step) => this.#partOf(step)));
    if (!steps.some(isAwaited)) return steps.map(() => undefined);
    return (await this.#flush()).slice(before);
  }

  async #flush(): Promise<BatchResults> {
    const { statements, resultsOf } = this.#isDistributed ? sendApart(this.#pending) : joinParts(this.#pending);
    this.#pending = [];
    this.#signal?.throwIfAborted();
    this.#open = true;
    return resultsOf(await this.#send(statements));
  }

  #send(statements: readonly Statement[]): Promise<BatchResults> {
    this.#signal?.throwIfAborted();
    this.#roundTrips += 1;
    return runBatch(this.#session, statements);
  }
}

/** How many of the next reads that begin with this statement are expected to need more than one round trip. */
const expectedLonger = new WeakMap<PreparedText, number>();
