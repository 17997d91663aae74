/**
 * Runs steps in one transaction on one session, in as few round trips as they allow: BEGIN rides with the first
 * statement that is waited for, changes with the next one, and COMMIT with the last.
 */
import type { Scope } from '../engine/driver.js';
import { plainSteps } from '../engine/side-by-side.js';
import { isAwaited, type Step, type Steps } from '../engine/step.js';
import { type BatchResults, type DatabaseSession, runBatch } from './batch.js';
import { distributedSettings, distributedStatementOf } from './citus.js';
import { enterHome } from './org-home.js';
import { type Statement, statement, statementOf } from './statement-text.js';

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
const SETTINGS = `SELECT set_config('g3n.orgcode', $1, true), set_config('statement_timeout', $2, true),
  set_config('lock_timeout', $2, true), set_config('idle_in_transaction_session_timeout', $2, true)`;
/**
 * For calls: one plan for all arguments of a statement, made once a session, that reads in the order of an index.
 * Planning would take longer than most statements, and a plan that sorts all rows of an org never pays for a page.
 */
const CALL_SETTINGS = `${SETTINGS}, set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('jit', 'off', true)`;

/** So many changes are collected at most, to bound memory. */
const MAX_PENDING = 500;

export class Transaction {
  readonly #session: DatabaseSession;
  readonly #kind: TransactionKind;
  readonly #orgcode: string;
  readonly #limitMs: number;
  readonly #fenced: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #isDistributed: boolean;
  #pending: Statement[] = [];
  #open = false;
  #committing = false;
  #roundTrips = 0;

  /**
   * @param limitMs how long each statement, each wait for a lock and each pause may take; 0: without limit
   */
  constructor(
    session: DatabaseSession,
    kind: TransactionKind,
    { orgcode = '', signal }: Scope,
    limitMs: number,
    { fenced = false, isDistributed = false }: TransactionMode = {},
  ) {
    this.#fenced = fenced && orgcode !== '';
    this.#session = session;
    this.#kind = kind;
    this.#orgcode = orgcode;
    this.#limitMs = Math.ceil(limitMs);
    this.#signal = signal;
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
    this.#pending = this.#open ? [statement('ROLLBACK')] : [];
    const settings = this.#isDistributed
      ? distributedSettings(this.#orgcode, this.#limitMs)
      : [statement(this.#limitMs === 0 ? SETTINGS : CALL_SETTINGS, [this.#orgcode, String(this.#limitMs)])];
    this.#pending.push(statement(BEGIN[this.#kind]), ...settings);
    if (this.#fenced) this.#pending.push(enterHome(this.#orgcode, this.#kind));
  }

  /** Adds a statement that nobody waits for. */
  add(text: string): void {
    this.#pending.push(statement(text));
  }

  async drive<T>(steps: Steps<T>): Promise<T> {
    const plain = plainSteps(steps);
    let turn = plain.next();
    while (!turn.done) turn = plain.next(await this.#answer(turn.value));
    return turn.value;
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

  #answer(yielded: Step | readonly Step[]): unknown {
    if (!('mode' in yielded)) return this.#runList(yielded);
    this.#pending.push(this.#statementOf(yielded));
    if (!isAwaited(yielded))
      return this.#pending.length < MAX_PENDING ? undefined : this.#flush().then(() => undefined);
    return this.#flush().then((results) => results.at(-1));
  }

  #statementOf(step: Step): Statement {
    return this.#isDistributed ? distributedStatementOf(step) : statementOf(step);
  }

  async #runList(steps: readonly Step[]): Promise<BatchResults> {
    const before = this.#pending.length;
    this.#pending.push(...steps.map((step) => this.#statementOf(step)));
    if (!steps.some(isAwaited)) return steps.map(() => undefined);
    return (await this.#flush()).slice(before);
  }

  async #flush(): Promise<BatchResults> {
    this.#signal?.throwIfAborted();
    const statements = this.#pending;
    this.#pending = [];
    this.#open = true;
    this.#roundTrips += 1;
    return await runBatch(this.#session, statements);
  }
}
