/**
 * Copies all records of a database into an empty one of another engine, in batches, and checks the result. A copy that
 * was interrupted goes on where it stopped. The receiver cannot be opened by servers until everything agrees.
 */
import type { Keys } from '../../secrets/keys.js';
import type { Driver, SnapshotRead } from '../engine/driver.js';
import type { Scalar, Steps } from '../engine/step.js';
import { type Verification, verifyStore } from '../verify-store.js';
import { type CopyPart, planCopy, tablesToCopy } from './copy-plan.js';
import { type CopyState, endCopy, moveState, resumedState } from './copy-progress.js';
import { type CopiedRow, readRows, writeRows } from './copy-rows.js';
import { type ComparedTotal, type CopyTotals, compareTotals, digestOf, readTotals, rowsOf } from './copy-totals.js';

export interface CopyOptions {
  /** The database that is copied; nothing is written to it. */
  readonly source: Driver;
  readonly receiver: Driver;
  /** The keys of both databases. */
  readonly keys: Keys;
  /** Called often: with the rows that are copied and the rows that there are; without, while something is checked. */
  readonly onProgress: (text: string, rows?: { readonly copied: number; readonly of: number }) => void;
}

export interface CopyReport {
  /** Rows that were copied, by this run and those that it continues. */
  readonly rows: number;
  /** Rows that earlier runs had copied. */
  readonly resumed: number;
  readonly compared: readonly ComparedTotal[];
  readonly verified: { readonly source: Verification; readonly receiver: Verification };
  /** Whether the source was changed while it was copied: the receiver has its earlier state. */
  readonly sourceChanged: boolean;
  /** Whether the receiver can be opened. */
  readonly complete: boolean;
}

const LONG = { isLong: true } as const;
const LEAD_PAUSE_MS = 100;
/** A batch has about so many characters of text, and at least a row. */
const BATCH_TEXT = 400_000;
const MAX_ROWS = 2000;
const FIRST_ROWS = 100;

/**
 * Copies and checks. No other server does housekeeping in the receiver meanwhile.
 * @throws DatabaseFileError when the receiver has other records, or the databases do not have the same tables.
 */
export async function copyDatabase(options: CopyOptions): Promise<CopyReport> {
  let report: CopyReport | undefined;
  while (report === undefined) {
    await options.receiver.lead(async () => {
      report = await copyAndCheck(options);
    });
    if (report === undefined) await new Promise((resolve) => setTimeout(resolve, LEAD_PAUSE_MS));
  }
  return report;
}

async function copyAndCheck({ source, receiver, keys, onProgress }: CopyOptions): Promise<CopyReport> {
  const readReceiver: SnapshotRead = async (steps) => await receiver.read(steps, LONG);
  const keyCheck = keys.mac('key-check');
  const copied = await source.inSnapshot(async (read) => {
    const tables = tablesToCopy(
      await read(() => source.dialect.catalogue.tables()),
      await readReceiver(() => receiver.dialect.catalogue.tables()),
    );
    const totals = await read(() => readTotals(tables, onProgress));
    const digest = digestOf(totals, keyCheck);
    const state = await receiver.write({
      steps: () => resumedState(receiver.dialect, digest),
      keyed: true,
      ...LONG,
    });
    const plan = planCopy(tables, source.dialect);
    const rows = await new Copying(read, receiver, totals, state, onProgress).run(plan);
    await receiver.write({ steps: () => receiver.dialect.catalogue.analyze(), ...LONG });
    const verify =
      (whose: string, { search, dialect }: Pick<Driver, 'search' | 'dialect'>) =>
      () =>
        verifyStore(keys, { search, dialect, onStep: (text) => onProgress(`verifying the ${whose}, ${text}`) });
    const received = await readReceiver(() => readTotals(tables, onProgress));
    return {
      tables,
      digest,
      rows,
      resumed: state?.copied ?? 0,
      compared: compareTotals(totals, received),
      verified: {
        source: await read(verify('source', source)),
        receiver: await readReceiver(verify('receiver', receiver)),
      },
    };
  });
  const { tables, digest, ...results } = copied;
  const now = await source.inSnapshot((read) => read(() => readTotals(tables, onProgress)));
  const sourceChanged = digestOf(now, keyCheck) !== digest;
  const clean = Object.values(results.verified).every(({ disagreements }) => disagreements.length === 0);
  const complete = clean && !sourceChanged && results.compared.every(({ equal }) => equal);
  if (complete) await receiver.write({ steps: endCopy, keyed: true, ...LONG });
  return { ...results, sourceChanged, complete };
}

/** One run of a copy. While a batch is written, the next one is read. */
class Copying {
  readonly #read: SnapshotRead;
  readonly #receiver: Driver;
  readonly #totals: CopyTotals;
  readonly #onProgress: CopyOptions['onProgress'];
  readonly #of: number;
  #resumed: CopyState | undefined;
  #copied: number;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    read: SnapshotRead,
    receiver: Driver,
    totals: CopyTotals,
    state: CopyState | undefined,
    onProgress: CopyOptions['onProgress'],
  ) {
    this.#read = read;
    this.#receiver = receiver;
    this.#totals = totals;
    this.#of = rowsOf(totals);
    this.#resumed = state;
    this.#copied = state?.copied ?? 0;
    this.#onProgress = onProgress;
  }

  /** Copies what is left. Returns the number of rows copied, in all. */
  async run(plan: readonly CopyPart[]): Promise<number> {
    const ofOrgs = plan.filter(({ ofOrg }) => ofOrg);
    const first = plan.filter(({ ofOrg }, index) => !ofOrg && index === 0);
    const last = plan.filter(({ ofOrg }, index) => !ofOrg && index > 0);
    for (const part of first) await this.#copyPart(part, '');
    for (const orgcode of this.#totals.orgs) for (const part of ofOrgs) await this.#copyPart(part, orgcode);
    for (const part of last) await this.#copyPart(part, '');
    await this.#writing;
    return this.#copied;
  }

  async #copyPart(part: CopyPart, orgcode: string): Promise<void> {
    const resumed = this.#resumed;
    const isResumed = resumed?.part === part.name && resumed.orgcode === orgcode;
    if (resumed !== undefined && !isResumed) return; // done by an earlier run
    this.#resumed = undefined;
    if (this.#totals.counts.get(`${orgcode}/${part.table.name}`) === 0) return;
    let after = resumed?.after;
    if (after !== undefined && part.order.length === 0) return;
    for (let size = FIRST_ROWS; ; ) {
      const rows = await this.#read(() => readRows(part, orgcode, after, size));
      const last = rows.at(-1);
      if (last === undefined) return;
      after = part.order.map((column) => last[column] ?? null);
      await this.#write(part, orgcode, rows, after);
      if (part.order.length === 0) return;
      size = nextSize(rows);
    }
  }

  async #write(part: CopyPart, orgcode: string, rows: readonly CopiedRow[], after: readonly Scalar[]): Promise<void> {
    await this.#writing;
    const from = this.#copied;
    const to = { orgcode, part: part.name, after, copied: from + rows.length };
    const receiver = this.#receiver;
    this.#copied = to.copied;
    this.#writing = receiver.write({
      steps: () => writeBatch(part, orgcode, rows, receiver, from, to),
      keyed: true,
      ...LONG,
    });
    this.#writing.catch(() => {}); // the next await of it throws
    this.#onProgress(orgcode === '' ? part.name : `${part.name} of ${orgcode}`, { copied: from, of: this.#of });
  }
}

function* writeBatch(
  part: CopyPart,
  orgcode: string,
  rows: readonly CopiedRow[],
  receiver: Driver,
  from: number,
  to: CopyState,
): Steps<void> {
  if (yield* moveState(from, to)) yield* writeRows(part, orgcode, rows, receiver);
}

/** How many rows the next batch has, by the text in this one. */
function nextSize(rows: readonly CopiedRow[]): number {
  const text = rows.reduce((sum, row) => {
    for (const value of Object.values(row)) sum += typeof value === 'string' ? value.length : 8;
    return sum;
  }, 0);
  return Math.max(1, Math.min(MAX_ROWS, Math.floor((rows.length * BATCH_TEXT) / text)));
}
