/** What a verification reports: a stored value that differs from the one recomputed. */

export interface Disagreement {
  readonly check: string;
  readonly orgcode: string;
  readonly id: string;
  readonly stored: unknown;
  readonly computed: unknown;
}

/** Reports a disagreement about the record `id` when `stored` and `computed` differ. */
export type ReportDisagreement = (check: string, id: string, stored: unknown, computed: unknown) => void;
