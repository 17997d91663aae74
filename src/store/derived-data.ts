/**
 * Stored data that rules in domain/ computed from other fields. Each rule set has a version; when a database was
 * written with another version, the data is computed again when the database is opened.
 */
import { KEY_RULES } from '../domain/dedupe.js';
import { EMAIL_RULES } from '../domain/email.js';
import { rebuildDuplicateKeys } from './customer/rebuild-duplicates.js';
import { type RewrittenEmails, rewriteEmails } from './customer/stored-emails.js';
import type { Dialect } from './engine/dialect.js';
import { all, enterOrg, lockKey, run, type Steps } from './engine/step.js';

/** What is summed up by month, and how. */
const MONTH_RULES = 1;

const VERSIONS: Readonly<Record<string, number>> = {
  email: EMAIL_RULES,
  duplicate_keys: KEY_RULES,
  loyalty_month: MONTH_RULES,
};

const STORED = 'SELECT name, version FROM derived_data ORDER BY name';
const STORE = `INSERT INTO derived_data (name, version, built_at) VALUES (?, ?, ?)
  ON CONFLICT (name) DO UPDATE SET version = excluded.version, built_at = excluded.built_at`;
const ORGS = 'SELECT orgcode FROM org ORDER BY orgcode';

/** The names of the rule sets that the database was not written with. */
export function* outdatedData(): Steps<readonly string[]> {
  const stored = new Map(
    (yield* all<{ name: string; version: number }>(STORED)).map(({ name, version }) => [name, version]),
  );
  return Object.keys(VERSIONS).filter((name) => stored.get(name) !== VERSIONS[name]);
}

/** Computes outdated data again; to be run in one transaction. Keys are made from addresses, so they follow them. */
export function* refreshDerivedData({ months }: Pick<Dialect, 'months'>, now: string): Steps<RewrittenEmails> {
  yield lockKey('', 'derived_data');
  const outdated = yield* outdatedData();
  let [rewritten, shared] = [0, 0];
  if (outdated.length === 0) return { rewritten, shared };
  for (const { orgcode } of yield* all<{ orgcode: string }>(ORGS)) {
    yield* enterOrg(orgcode);
    if (outdated.includes('email')) {
      const emails = yield* rewriteEmails(orgcode);
      rewritten += emails.rewritten;
      shared += emails.shared;
    }
    if (outdated.includes('email') || outdated.includes('duplicate_keys')) yield* rebuildDuplicateKeys(orgcode);
    if (outdated.includes('loyalty_month')) yield* months.rebuild(orgcode);
  }
  for (const name of outdated) yield* run(STORE, name, VERSIONS[name] ?? 0, now);
  return { rewritten, shared };
}
