/**
 * Imports customers: each row becomes the calls that an API client would make for it, checked and performed as theirs,
 * in one transaction. A bad row is reported and loses nothing else; `loadCustomer` says what happens to one that is there.
 */
import { CrmError } from '../contract/errors.js';
import { apart, type Steps } from '../store/engine/step.js';
import { type LoadedRow, storedRef } from '../store/import/load-customer.js';
import type { PerformSteps, Store } from '../store/store.js';
import { callsOf, type ExternalRef, type RowCalls } from './row-calls.js';
import type { MappedColumn } from './row-mapping.js';
import { planRow, type RowContext } from './row-plan.js';
import { issuesOfError, type ReportFile, type RowIssue } from './row-report.js';
import type { SourceRow } from './row-source.js';

export interface CustomerImport extends RowContext {
  readonly store: Pick<Store, 'combine'>;
  readonly rows: AsyncIterable<SourceRow>;
  readonly mapping: readonly MappedColumn[];
  readonly refSystem: string;
  readonly dryRun: boolean;
  /** Stop when more rows than this have failed. */
  readonly maxErrors: number;
  readonly uniqueFields: readonly ('email' | 'phone')[];
  /** Rows of one transaction, and transactions under way at once; see `pacing`. */
  readonly batchRows: number;
  readonly inFlight: number;
  readonly report: ReportFile;
  readonly onProgress: (counts: ImportCounts, bytes: number) => void;
}

export interface ImportCounts {
  rows: number;
  created: number;
  existing: number;
  failed: number;
  opening_balances: number;
}

export interface ImportResult extends ImportCounts {
  /** False when it stopped because too many rows had failed. */
  readonly complete: boolean;
  /** The first issues, for a table. */
  readonly issues: readonly RowIssue[];
}

const SHOWN_ISSUES = 20;
const PROGRESS_ROWS = 256;

/**
 * SQLite has one writer: it takes batches one by one, each short enough for servers to write in between. With many
 * writers, a transaction for each row keeps their locks in order. The rows of a dry run must not see each other.
 */
export function pacing(hasManyWriters: boolean, dryRun: boolean): Pick<CustomerImport, 'batchRows' | 'inFlight'> {
  if (hasManyWriters) return { batchRows: 1, inFlight: 64 };
  return dryRun ? { batchRows: 1, inFlight: 128 } : { batchRows: 128, inFlight: 1 };
}

/** @throws CrmError when the database does not take changes; run again, it goes on where it was. */
export async function importCustomers(options: CustomerImport): Promise<ImportResult> {
  return await new Run(options).run();
}

/** A row whose calls are checked. */
interface CheckedRow {
  readonly row: SourceRow;
  readonly steps: (perform: PerformSteps) => Steps<LoadedRow>;
}

class Run {
  readonly #options: CustomerImport;
  readonly #counts: ImportCounts = { rows: 0, created: 0, existing: 0, failed: 0, opening_balances: 0 };
  readonly #shown: RowIssue[] = [];
  /** Rows by what must not be twice in the file. */
  readonly #seen = new Map<string, number>();
  readonly #columns: ReadonlySet<string>;
  #batch: CheckedRow[] = [];
  #underWay = 0;
  #freed: (() => void) | undefined;
  #fatal: { readonly error: unknown } | undefined;

  constructor(options: CustomerImport) {
    this.#options = options;
    this.#columns = new Set(options.mapping.map(({ column }) => column));
  }

  async run(): Promise<ImportResult> {
    const { rows, batchRows, inFlight, maxErrors, onProgress } = this.#options;
    const counts = this.#counts;
    for await (const row of rows) {
      counts.rows += 1;
      this.#check(row);
      if (this.#batch.length >= batchRows) this.#send();
      if (this.#underWay >= inFlight) await this.#free();
      if (this.#fatal !== undefined || counts.failed > maxErrors) break;
      if (counts.rows % PROGRESS_ROWS === 0) onProgress(counts, row.bytes);
    }
    this.#send();
    while (this.#underWay > 0) await this.#free();
    if (this.#fatal !== undefined) throw this.#fatal.error;
    return { ...counts, complete: counts.failed <= maxErrors, issues: this.#shown };
  }

  #check(row: SourceRow): void {
    const { mapping, refSystem } = this.#options;
    try {
      if (row.fault !== undefined) throw new RowError('import.unreadable_row', row.fault, 'Correct the row.');
      this.#requireKnown(row);
      const calls = callsOf(row.values, mapping, refSystem);
      this.#batch.push({ row, steps: planRow(this.#options, row.no, calls, this.#requireRef(row, calls)) });
    } catch (error) {
      this.#fail(row, error);
    }
  }

  /** Objects of JSON lines can have columns that those before them, which were mapped, did not have. */
  #requireKnown({ values }: SourceRow): void {
    const column = Object.keys(values).find((name) => !this.#columns.has(name));
    if (column === undefined) return;
    const fix = 'Say in --map what the column is, or to ignore it.';
    throw new RowError('import.unknown_column', 'the column was not there when columns were mapped', fix, { column });
  }

  #send(): void {
    const batch = this.#batch.splice(0);
    if (batch.length === 0) return;
    this.#underWay += 1;
    this.#load(batch)
      .catch((error: unknown) => {
        this.#fatal ??= { error };
      })
      .finally(() => {
        this.#underWay -= 1;
        this.#freed?.();
      });
  }

  /** Resolves when a batch has ended. */
  #free(): Promise<void> {
    return new Promise((resolve) => {
      this.#freed = resolve;
    });
  }

  /** Loads a batch in one transaction. When a row fails, those before it, that row, and the rest are loaded apart. */
  async #load(batch: readonly CheckedRow[]): Promise<void> {
    if (batch.length === 0 || this.#fatal !== undefined) return;
    const { store, caller, dryRun } = this.#options;
    let at = 0;
    const steps = function* (perform: PerformSteps): Steps<LoadedRow[]> {
      const loaded: LoadedRow[] = [];
      for (at = 0; at < batch.length; at += 1) loaded.push(yield* apart((batch[at] as CheckedRow).steps(perform)));
      return loaded;
    };
    try {
      const loaded = await store.combine({ orgcode: caller.orgcode, dryRun, repeatable: true, steps });
      for (const [index, result] of loaded.entries()) this.#count((batch[index] as CheckedRow).row, result);
    } catch (error) {
      const failed = batch[at];
      if (failed === undefined) throw error;
      if (batch.length === 1) return this.#fail(failed.row, error);
      await this.#load(batch.slice(0, at));
      await this.#load([failed]);
      await this.#load(batch.slice(at + 1));
    }
  }

  #count(row: SourceRow, loaded: LoadedRow): void {
    const { dryRun, uniqueFields } = this.#options;
    try {
      if (loaded.outcome === 'created' && dryRun)
        for (const field of uniqueFields) this.#requireFirst(row, field, loaded[field]);
      this.#counts[loaded.outcome] += 1;
      if (loaded.points === 'posted') this.#counts.opening_balances += 1;
    } catch (error) {
      this.#fail(row, error);
    }
  }

  #requireRef(row: SourceRow, { ref }: RowCalls): ExternalRef {
    if (ref === undefined)
      throw new RowError(REF_MISSING, 'the row has no external_ref', 'Give one.', { target: 'external_ref' });
    const stored = storedRef(ref);
    this.#requireFirst(row, 'external_ref', JSON.stringify([stored.system, stored.ref]));
    return stored;
  }

  /** The rows of a dry run do not see each other: what must be unique is compared here. */
  #requireFirst({ no }: SourceRow, target: string, value: string | null): void {
    if (value === null) return;
    const key = `${target} ${value}`;
    const first = this.#seen.get(key);
    if (first === undefined) this.#seen.set(key, no);
    else
      throw new RowError('import.duplicate_row', `row ${first} has the same ${target}`, 'Keep one of the rows.', {
        target,
      });
  }

  /** @throws nothing: an error that is no row's own ends the run. */
  #fail(row: SourceRow, error: unknown): void {
    const issues = this.#issuesOf(row, error);
    if (issues === undefined) {
      this.#fatal ??= { error };
      return;
    }
    this.#counts.failed += 1;
    this.#options.report.add(issues);
    this.#shown.push(...issues.slice(0, SHOWN_ISSUES - this.#shown.length));
  }

  #issuesOf({ no, line }: SourceRow, error: unknown): readonly RowIssue[] | undefined {
    const { mapping } = this.#options;
    const place = { row: no, line };
    if (error instanceof RowError) {
      const { code, message, fix, about } = error;
      const column = about.column ?? mapping.find(({ target }) => target === about.target)?.column ?? about.target;
      return [{ ...place, ...(column === undefined ? {} : { column }), code, message, fix }];
    }
    const isOfRow = error instanceof CrmError && !error.retryable && error.tag !== 'org-write-blocked';
    return isOfRow ? issuesOfError(place, error, mapping) : undefined;
  }
}

const REF_MISSING = 'import.external_ref_missing';

/** A column, or what it was mapped to. */
type About = { readonly column?: string; readonly target?: string };

/** What is wrong with a row before any call is made for it. */
class RowError extends Error {
  readonly code: string;
  readonly fix: string;
  readonly about: About;

  constructor(code: string, message: string, fix: string, about: About = {}) {
    super(message);
    this.code = code;
    this.fix = fix;
    this.about = about;
  }
}
