/** What a backend measures of itself. It counts all the time, which costs nothing; an operator's metrics read it. */

/** How many events had at most a given size; the last bound is infinite. */
export interface SizeCounts {
  /** Each bound with the events up to it, those of smaller bounds included. */
  readonly buckets: readonly { readonly most: number; readonly count: number }[];
  readonly sum: number;
  readonly count: number;
}

/** The writes of an engine with one writer. */
export interface WriteQueueMeasures {
  /** Writes that wait for the next transaction. */
  readonly waiting: number;
  /** Transactions by their number of writes. */
  readonly groups: SizeCounts;
}

/** A database that is reached through a pool of connections. The counts are since the start. */
export interface DatabaseMeasures {
  /** The name of its group; `main` where there is one database. */
  readonly database: string;
  readonly connections: {
    readonly inUse: number;
    readonly idle: number;
    readonly waiting: number;
    readonly most: number;
  };
  readonly transactions: number;
  /** Work that ran again because others got in the way. */
  readonly repeated: number;
  /** Work that ran again on another connection. */
  readonly reconnected: number;
  /** Writes of which it is not known whether they were committed. */
  readonly unknownOutcomes: number;
}

/** A gateway's upstream. The counts are since the start. */
export interface UpstreamMeasures {
  /** Requests by how they ended: `answered`, or the reason why there was no answer. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Requests that were sent again. */
  readonly retries: number;
  readonly breakerOpen: boolean;
}

export interface BackendMeasures {
  readonly writeQueue?: WriteQueueMeasures;
  readonly databases?: readonly DatabaseMeasures[];
  readonly upstream?: UpstreamMeasures;
}

const BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128];

/** Counts sizes in powers of two up to 128. */
export class SizeCounter {
  readonly #counts = new Array<number>(BOUNDS.length + 1).fill(0);
  #sum = 0;

  /** @param size at least 1 */
  add(size: number): void {
    const index = Math.min(32 - Math.clz32(size - 1), BOUNDS.length);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += size;
  }

  read(): SizeCounts {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      return { most: BOUNDS[index] ?? Number.POSITIVE_INFINITY, count };
    });
    return { buckets, sum: this.#sum, count };
  }
}

/** How much `verify` looked at. */
export interface VerifiedTotals {
  readonly orgs: number;
  readonly ledger_entries: number;
  readonly giftcard_entries: number;
  readonly credit_entries: number;
  readonly journal_rows: number;
  readonly unsealed_rows: number;
}
