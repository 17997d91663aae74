/**
 * A batch: several statements sent in one write with one Sync at the end, so that they cost one round trip. The server
 * runs them in order and skips the rest after an error. By itself, the pg client runs one statement a round trip; it
 * lets others (pg-cursor is one) speak the protocol on its connection, and this uses the same hooks.
 */
import type { Connection, PoolClient, Submittable } from 'pg';
import type { Scalar } from '../engine/step.js';
import { type ResultColumn, type ResultRow, rowReader } from './result-values.js';
import type { Statement } from './statement-text.js';

type ReadRow = ReturnType<typeof rowReader>;

/** Which statements a session has prepared. */
export interface DatabaseSession {
  readonly client: PoolClient;
  readonly prepared: Set<string>;
  /** False: every statement is parsed again, for poolers that do not know prepared statements. */
  readonly prepares: boolean;
}

/** The results in the order of the statements: a row or undefined, rows, a number of rows, or undefined. */
export type BatchResults = readonly unknown[];

/** The messages of the protocol that a batch sends; the types of pg leave them out. */
interface Wire extends Omit<Connection, 'bind' | 'execute' | 'parse' | 'describe'> {
  parse(message: { name: string; text: string; types: readonly number[] }): void;
  bind(message: { portal: string; statement: string; values: readonly (string | null)[]; binary: boolean }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  sync(): void;
}

/** The columns of each statement, by name: the same in every session. */
const knownRows = new Map<string, ReadRow>();

/** Sends the statements and waits for all results. @throws DatabaseError of the first statement that failed. */
export function runBatch(session: DatabaseSession, statements: readonly Statement[]): Promise<BatchResults> {
  return new Promise((resolve, reject) => {
    session.client.query(new Batch(session, statements, resolve, reject));
  });
}

class Batch implements Submittable {
  readonly #session: DatabaseSession;
  readonly #statements: readonly Statement[];
  readonly #resolve: (results: BatchResults) => void;
  readonly #reject: (error: unknown) => void;
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
    resolve: (results: BatchResults) => void,
    reject: (error: unknown) => void,
  ) {
    this.#session = session;
    this.#statements = statements;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  submit(connection: Connection): void {
    const wire = connection as unknown as Wire;
    wire.on('parseComplete', this.#onParseComplete);
    wire.stream.cork();
    for (const { prepared, args, shape } of this.#statements) {
      const name = this.#prepare(wire, prepared);
      wire.bind({ portal: '', statement: name, values: args.map(asText), binary: false });
      if ((shape === 'one' || shape === 'all') && !knownRows.has(prepared.name)) wire.describe({ type: 'P', name: '' });
      wire.execute({ portal: '', rows: 0 });
    }
    wire.sync();
    wire.stream.uncork();
  }

  handleRowDescription({ fields }: { fields: readonly ResultColumn[] }): void {
    this.#readRow = rowReader(fields);
    const name = this.#current?.prepared.name;
    if (name !== undefined) knownRows.set(name, this.#readRow);
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const { shape, prepared } = this.#current ?? {};
    if (shape !== 'one' && shape !== 'all') return;
    if (shape === 'one' && this.#rows.length > 0) return;
    this.#readRow ??= knownRows.get(prepared?.name ?? '');
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

  handleError(error: Error, connection: Connection): void {
    this.#end(connection);
    this.#reject(error);
  }

  handleReadyForQuery(connection: Connection): void {
    this.#end(connection);
    if (this.#failure === undefined) this.#resolve(this.#results);
    else this.#reject(this.#failure.error);
  }

  get #current(): Statement | undefined {
    return this.#statements[this.#results.length];
  }

  readonly #onParseComplete = (): void => {
    this.#parsed += 1;
  };

  #prepare(wire: Wire, { name, text }: Statement['prepared']): string {
    const { prepared, prepares } = this.#session;
    if (!prepares) {
      wire.parse({ name: '', text, types: [] });
      return '';
    }
    if (!prepared.has(name)) {
      wire.parse({ name, text, types: [] });
      prepared.add(name);
      this.#parsing.push(name);
    }
    return name;
  }

  /** After an error the server has not read the rest: what it did not confirm is not prepared. */
  #end(connection: Connection): void {
    connection.off('parseComplete', this.#onParseComplete);
    for (const name of this.#parsing.slice(this.#parsed)) this.#session.prepared.delete(name);
  }
}

function asText(value: Scalar): string | null {
  return value === null ? null : String(value);
}
