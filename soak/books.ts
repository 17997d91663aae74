/** What the soak knows to be true: every write that a server acknowledged. The final checks look for each. */

export interface CustomerBook {
  readonly id: string;
  /** Customers with a ledger are never merged; the others may be. */
  readonly kind: 'ledger' | 'mergeable';
  readonly email: string | undefined;
  /** Every revision that a change returned, with the mark of the change. */
  readonly revisions: Map<number, string>;
  /** The newest revision seen. */
  revision: number;
  merged: boolean;
}

export interface EntryBook {
  readonly id: string;
  readonly mark: string;
  readonly customer_id: string;
  readonly kind: string;
  readonly points: number;
}

export interface CardBook {
  readonly id: string;
  readonly mark: string;
  readonly customer_id: string;
  readonly issued: number;
  readonly redeemed: Map<string, { readonly mark: string; readonly amount: number }>;
}

export interface AccountBook {
  readonly id: string;
  used: number;
}

export interface CommentBook {
  readonly id: string;
  readonly mark: string;
  readonly target_id: string;
}

export interface MergeBook {
  readonly mark: string;
  readonly survivor: string;
  readonly losers: readonly string[];
}

export interface Fault {
  readonly check: string;
  readonly what: string;
}

export class Books {
  readonly customers = new Map<string, CustomerBook>();
  readonly entries = new Map<string, EntryBook>();
  readonly cards = new Map<string, CardBook>();
  readonly accounts: AccountBook[] = [];
  readonly comments = new Map<string, CommentBook>();
  readonly merges: MergeBook[] = [];
  /** Marks of calls that a server refused: their writes must not exist. */
  readonly refused = new Set<string>();
  readonly faults: Fault[] = [];
  readonly #prefix: string;
  #marks = 0;

  /** @param prefix of the marks: two books of one org need two */
  constructor(prefix = 'soak') {
    this.#prefix = prefix;
  }

  /** A text that is in one write only. */
  newMark(): string {
    this.#marks += 1;
    return `${this.#prefix}-${this.#marks}`;
  }

  customersOf(kind: CustomerBook['kind']): CustomerBook[] {
    return [...this.customers.values()].filter((customer) => customer.kind === kind && !customer.merged);
  }

  fault(check: string, what: string): void {
    this.faults.push({ check, what });
  }

  /** Notes a changed customer. Two changes must never return the same revision. */
  revised(customer: CustomerBook, revision: number, mark: string): void {
    const other = customer.revisions.get(revision);
    if (other !== undefined && other !== mark)
      this.fault('revision', `customer ${customer.id}: ${other} and ${mark} both returned revision ${revision}`);
    customer.revisions.set(revision, mark);
    customer.revision = Math.max(customer.revision, revision);
  }
}
