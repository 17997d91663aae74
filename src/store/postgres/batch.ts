/**
 * A batch: several statements sent in one write with one Sync at the end, so that they cost one round trip. The server
 * runs them in order and skips the rest after an error. By itself, the pg client runs one statement a round trip; it
 * lets others (pg-cursor is one) speak the protocol on its connection, and this uses the same hooks.
 */
import type { Connection, PoolClient, Submittable } from 'pg';
import { serialize } from 'pg-protocol';
import type { Scalar } from '../engine/step.js';
import { type ResultColumn, type ResultRow, rowReader } from './result-values.js';
import type { Statement } from './statement-text.js';

type ReadRow = ReturnType<typeof rowReader>;

/** A connection, and what it has prepared. */
export interface DatabaseSession {
  readonly client: PoolClient;
  /** The statements that are prepared, by name, and how their rows are read, once the server has described them. */
  readonly prepared: Map<string, ReadRow | undefined>;
  /** False: every statement is parsed again, for poolers that do not know prepared statements. */
  readonly prepares: boolean;
}

/** The results in the order of the statements: a row or undefined, rows, a number of rows, or undefined. */
export type BatchResults = readonly unknown[];

/** More statements are not kept by a session: each costs the server memory. The rest are parsed again when they run. */
const MAX_PREPARED = 500;

/**
 * Sends the statements and waits for all results.
 * @throws DatabaseError of the first statement that failed, UnreplicatedCommitError, or the error of the connection.
 */
export function runBatch(session: DatabaseSession, statements: readonly Statement[]): Promise<BatchResults> {
  return new Promise((resolve, reject) => {
    const values = statements.map(({ args }) => args.map(asText));
    session.client.query(new Batch(session, statements, values, { resolve, reject }));
  });
}

/** The server stopped waiting for a standby to confirm a COMMIT: it would not survive the loss of this server. */
export class UnreplicatedCommitError extends Error {
  constructor() {
    super('the server was made to stop waiting for its standby');
  }
}

interface Settle {
  readonly resolve: (results: BatchResults) => void;
  readonly reject: (error: unknown) => void;
}

class Batch implements Submittable {
  readonly #session: DatabaseSession;
  readonly #statements: readonly Statement[];
  readonly #values: readonly (string | null)[][];
  readonly #settle: Settle;
  readonly #results: unknown[] = [];
  /** Statements that this batch prepares, in the order in which the server confirms them. */
  readonly #parsing: string[] = [];
  #parsed = 0;
  #rows: ResultRow[] = [];
  #readRow: ReadRow | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    session: DatabaseSession,
    statements: readonly Statement[],
    values: readonly (string | null)[][],
    settle: Settle,
  ) {
    this.#session = session;
    this.#statements = statements;
    this.#values = values;
    this.#settle = settle;
  }

  submit(connection: Connection): void {
    connection.on('parseComplete', this.#onParseComplete);
    connection.on('notice', this.#onNotice);
    const messages: Buffer[] = [];
    for (const [index, { prepared, shape }] of this.#statements.entries()) {
      const name = this.#prepare(messages, prepared);
      messages.push(serialize.bind({ statement: name, values: this.#values[index] ?? [] }));
      const hasRows = shape === 'one' || shape === 'all';
      if (hasRows && this.#session.prepared.get(name) === undefined) messages.push(serialize.describe({ type: 'P' }));
      messages.push(serialize.execute());
    }
    messages.push(serialize.sync());
    if (connection.stream.writable) connection.stream.write(Buffer.concat(messages)); // else its end is reported
  }

  handleRowDescription({ fields }: { fields: readonly ResultColumn[] }): void {
    this.#readRow = rowReader(fields);
    const { prepared } = this.#session;
    const name = this.#current?.prepared.name;
    if (name !== undefined && prepared.has(name)) prepared.set(name, this.#readRow);
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const { shape, prepared } = this.#current ?? {};
    if (shape !== 'one' && shape !== 'all') return;
    if (shape === 'one' && this.#rows.length > 0) return;
    this.#readRow ??= this.#session.prepared.get(prepared?.name ?? '');
    try {
      if (this.#readRow !== undefined) this.#rows.push(this.#readRow(fields));
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  handleCommandComplete({ text }: { text: string }): void {
    const shape = this.#current?.shape;
    if (shape === 'one') this.#results.push(this.#rows[0]);
    else if (shape === 'all') this.#results.push(this.#rows);
    else this.#results.push(shape === 'count' ? Number(text.slice(text.lastIndexOf(' ') + 1)) : undefined);
    this.#rows = [];
    this.#readRow = undefined;
  }

  handleEmptyQuery(): void {
    this.#results.push(undefined);
  }

  /** A connection that is lost after the last result takes nothing back: what was committed stays so. */
  handleError(error: Error, connection: Connection): void {
    if (this.#results.length < this.#statements.length) this.#failure ??= { error };
    this.handleReadyForQuery(connection);
  }

  handleReadyForQuery(connection: Connection): void {
    this.#end(connection);
    if (this.#failure === undefined) this.#settle.resolve(this.#results);
    else this.#settle.reject(this.#failure.error);
  }

  get #current(): Statement | undefined {
    return this.#statements[this.#results.length];
  }

  readonly #onParseComplete = (): void => {
    this.#parsed += 1;
  };

  /** The text depends on the language of the server, the function in its source does not. */
  readonly #onNotice = ({ routine }: { routine?: string }): void => {
    if (routine === 'SyncRepWaitForLSN') this.#failure ??= { error: new UnreplicatedCommitError() };
  };

  /** Returns the name to bind: empty for a statement that is not kept. */
  #prepare(messages: Buffer[], { name, text }: Statement['prepared']): string {
    const { prepared, prepares } = this.#session;
    if (prepared.has(name)) return name;
    const kept = prepares && prepared.size < MAX_PREPARED ? name : '';
    messages.push(serialize.parse({ name: kept, text, types: [] }));
    this.#parsing.push(kept);
    if (kept !== '') prepared.set(kept, undefined);
    return kept;
  }

  /** After an error the server has not read the rest: what it did not confirm is not prepared. */
  #end(connection: Connection): void {
    connection.off('parseComplete', this.#onParseComplete);
    connection.off('notice', this.#onNotice);
    for (const name of this.#parsing.slice(this.#parsed)) this.#session.prepared.delete(name);
  }
}

function asText(value: Scalar): string | null {
  if (value === null || typeof value === 'string') return value;
  if (Number.isFinite(value)) return String(value);
  throw new TypeError(`a statement was given a value that is no text, number or null: ${typeof value}`);
}
