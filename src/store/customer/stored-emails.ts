/** Rewrites and checks the e-mail addresses of an org's customers and contacts by the rules in domain/email.ts. */
import { normalizeEmail } from '../../domain/email.js';
import type { ReportDisagreement } from '../engine/disagreement.js';
import { all, one, run, type Steps } from '../engine/step.js';

interface Addressed {
  readonly id: string;
  readonly email: string;
}

const BATCH = 500;
const TABLES = [
  { table: 'customer', id: 'customer_id' },
  { table: 'account_contact', id: 'account_contact_id' },
] as const;
const SAME_ADDRESS = `SELECT COUNT(*) AS customers FROM customer
  WHERE orgcode = ? AND email = ? AND status = 'active'`;

/** How many addresses were rewritten, and how many of those several active customers have now. */
export interface RewrittenEmails {
  readonly rewritten: number;
  readonly shared: number;
}

/**
 * Rewrites the addresses that the rules write otherwise. The revision of a record stays: it is the same address. Two
 * active customers may have one address afterwards; they are listed as duplicates, and a person decides.
 */
export function* rewriteEmails(orgcode: string): Steps<RewrittenEmails> {
  let rewritten = 0;
  const addresses = new Set<string>();
  for (const { table, id } of TABLES) {
    const change = `UPDATE ${table} SET email = ? WHERE orgcode = ? AND ${id} = ?`;
    yield* eachEmail(orgcode, table, id, function* (row) {
      const email = normalizeEmail(row.email);
      if (email === row.email) return;
      yield* run(change, email, orgcode, row.id);
      rewritten += 1;
      if (table === 'customer') addresses.add(email);
    });
  }
  let shared = 0;
  for (const email of addresses) {
    const found = yield* one<{ customers: number }>(SAME_ADDRESS, orgcode, email);
    if ((found?.customers ?? 0) > 1) shared += 1;
  }
  return { rewritten, shared };
}

/** Checks that every address is stored as the rules write it. */
export function* verifyEmails(orgcode: string, report: ReportDisagreement): Steps<void> {
  for (const { table, id } of TABLES) {
    // biome-ignore lint/correctness/useYield: the rewriting of addresses yields
    yield* eachEmail(orgcode, table, id, function* (row) {
      if (normalizeEmail(row.email) !== row.email) report(`${table}.email`, row.id, 'another notation', 'normalised');
    });
  }
}

function* eachEmail(orgcode: string, table: string, id: string, visit: (row: Addressed) => Steps<void>): Steps<void> {
  const page = `SELECT ${id} AS id, email FROM ${table}
    WHERE orgcode = ? AND ${id} > ? AND email IS NOT NULL ORDER BY ${id} LIMIT ${BATCH}`;
  let after = '';
  for (;;) {
    const rows = yield* all<Addressed>(page, orgcode, after);
    for (const row of rows) yield* visit(row);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}
