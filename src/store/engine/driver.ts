/** The driver port: how the store runs its steps on a database. Each SQL engine implements it; see sqlite/. */
import { CrmError } from '../../contract/errors.js';
import type { BackendMeasures } from '../../contract/measures.js';
import type { Dialect } from './dialect.js';
import type { SearchIndex } from './search-index.js';
import type { Steps } from './step.js';

/** What a driver needs to know about steps besides the steps themselves. */
export interface Scope {
  /** The org that the steps are about. An engine with row-level security shows only its rows; see `enterOrg`. */
  readonly orgcode?: string;
  /** Aborted when nobody waits for the result any more. Only reads end early. */
  readonly signal?: AbortSignal;
  /** How long the work may take in all, in milliseconds, where that is less than the time for a call. */
  readonly deadlineMs?: number;
  /** Work that may take longer than a call, such as `verify`: it has no deadline. */
  readonly isLong?: boolean;
}

/** One unit of work for a writer; all of it is committed, or none. */
export interface Job<T> extends Omit<Scope, 'signal'> {
  /**
   * The statements to run. A driver may start them again from the beginning, for example after a serialization failure
   * or a `ConcurrentChangeError`; only the last run counts. So they have no effect but the steps they yield.
   */
  readonly steps: () => Steps<T>;
  /** After `steps` was rolled back because of this error: the steps that are committed in its place, if any. */
  readonly onError?: (error: CrmError) => Steps<void> | undefined;
  /**
   * Called with the result of `steps`. When it returns steps, `steps` is rolled back and the returned steps read the
   * earlier state; they make the result, and what they write is rolled back, too. Undefined commits `steps`.
   */
  readonly rollBackAndRead?: (value: T) => Steps<T> | undefined;
  /**
   * Whether the job keeps an idempotency record of its result. When the connection is lost during COMMIT, such a job is
   * run again: it then returns the recorded result, or does what was not done.
   */
  readonly keyed?: boolean;
  /** Whether the job erases personal data: after its commit the engine's own files must not keep the earlier bytes. */
  readonly erases?: boolean;
}

/** Runs steps that only read. */
export type SnapshotRead = <T>(steps: () => Steps<T>) => Promise<T>;

/** A database engine with an open database. */
/** What one server does for all: the background work, unless something else is named; or making the demo org. */
export type LedWork = 'housekeeping' | 'demo';

export interface Driver {
  readonly dialect: Dialect;
  readonly search: SearchIndex;
  /** Runs steps that only read, in one snapshot. A synchronous engine returns the value itself. */
  read<T>(steps: () => Steps<T>, scope?: Scope): T | Promise<T>;
  /**
   * A number that changes with every commit of anyone, in this process or another. Where it is missing or undefined,
   * nothing that is read once may be remembered.
   */
  readonly version?: () => number | undefined;
  /** Runs work whose reads all see one snapshot, however long it takes. Nothing is tried again. */
  inSnapshot<T>(work: (read: SnapshotRead) => Promise<T>): Promise<T>;
  /**
   * Resolves only after the COMMIT that carries the job. @throws what `steps` threw, or 503 `crm.storage_unavailable`;
   * its details say `outcome: "unknown"` when a remote engine did not answer the COMMIT and no record settles it.
   */
  write<T>(job: Job<T>): Promise<T>;
  /**
   * Looks at the database's file, and returns why no changes are taken from now on; undefined while they are. The first
   * call remembers the file. Reads go on.
   */
  outage(): CrmError | undefined;
  /** Whether a database on another machine serves calls now. @throws CrmError that says why it does not. */
  readonly probe?: () => Promise<void>;
  /**
   * Runs work that one server at a time does for all; returns at once while another server does it. When the server
   * that does it ends, however it ends, the next caller takes over.
   */
  lead(work: () => Promise<void>, which?: LedWork): Promise<void>;
  /** What the driver counts of its own work. */
  measures(): BackendMeasures;
  close(): Promise<void>;
}

const NOTHING_WRITTEN = {
  code: 'crm.storage_unavailable',
  tag: 'internal-error',
  status: 503,
  message: 'The database did not take the change; nothing was written.',
  retryable: true,
} as const;

/** The database failed, and nothing was written: 503 `crm.storage_unavailable`. */
export function storageUnavailable(cause: unknown): CrmError {
  const error = new CrmError(NOTHING_WRITTEN);
  error.cause = cause;
  return error;
}

/**
 * The database did not confirm the change before the connection or the time ended: it may have happened. With an
 * idempotency key the call can be repeated safely; without one, the caller has to look first.
 */
export function unconfirmedWrite(cause: unknown, keyed: boolean): CrmError {
  const error = new CrmError({
    ...NOTHING_WRITTEN,
    message: 'The database did not confirm the change; it may have been written.',
    retryable: keyed,
    details: { outcome: 'unknown' },
    ...(keyed ? {} : { nextSteps: ['Read the record to see whether the change happened.'] }),
  });
  error.cause = cause;
  return error;
}

/**
 * A row was changed between reading and writing it. An engine with several writers runs the job again: the steps then
 * read the new row, and a caller whose `expected_revision` is stale by now gets the 409 with that row as its snapshot.
 * After too many attempts the caller gets this error, which is a retryable 503. Engines with one writer never see it.
 */
export class ConcurrentChangeError extends CrmError {
  constructor() {
    super(NOTHING_WRITTEN);
  }
}
