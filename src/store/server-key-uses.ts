/** Counts the rows that need a generation of the server key: whose hashes it made, and which are still used. */
import { madeBy } from '../secrets/keys.js';
import { hasStatus } from './credential-status.js';
import { all, enterOrg, one, type Steps } from './engine/step.js';

/** What the key makes. Journal seals are checked by what is kept of a retired generation. */
export const KEY_USES = [
  'api_keys',
  'sessions',
  'giftcard_codes',
  'giftcard_pins',
  'fraud_identifiers',
  'idempotency_records',
  'journal_seals',
] as const;
export type HashKind = (typeof KEY_USES)[number];

export type UsesByGeneration = ReadonlyMap<number, Readonly<Record<HashKind, number>>>;

interface Use {
  readonly name: HashKind;
  readonly table: string;
  readonly column: string;
  /** Rows that are still used; `?` is the time. */
  readonly where: string;
  readonly args: (now: string) => readonly string[];
}

const NONE = () => [];
const NOW = (now: string) => [now];
const OPEN_CARD = `status = 'active' AND (expires_at IS NULL OR expires_at > ?)`;
const LIVE = { column: 'credential_hash', where: hasStatus('active'), args: NOW };
const ALL_ORGS: readonly Use[] = [
  { name: 'api_keys', table: 'api_key', ...LIVE },
  { name: 'sessions', table: 'session', ...LIVE },
];
const OF_ORG: readonly Use[] = [
  { name: 'giftcard_codes', table: 'giftcard', column: 'code_hash', where: OPEN_CARD, args: NOW },
  {
    name: 'giftcard_pins',
    table: 'giftcard',
    column: 'pin_hash',
    where: `pin_hash IS NOT NULL AND ${OPEN_CARD}`,
    args: NOW,
  },
  { name: 'fraud_identifiers', table: 'fraud_identifier', column: 'identifier_hash', where: '1 = 1', args: NONE },
  { name: 'idempotency_records', table: 'receipt', column: 'request_mac', where: 'expires_at > ?', args: NOW },
  { name: 'journal_seals', table: 'journal_seal', column: 'chain_hash', where: '1 = 1', args: NONE },
];

/** Counts over all orgs. Reads whole tables. */
export function* countKeyUses(generations: readonly number[], now: string): Steps<UsesByGeneration> {
  const uses = new Map(generations.map((no) => [no, { ...EMPTY }]));
  const add = function* (use: Use, orgcode?: string) {
    for (const no of generations) {
      const sums = uses.get(no);
      if (sums !== undefined) sums[use.name] += yield* countOf(use, no, now, orgcode);
    }
  };
  for (const use of ALL_ORGS) yield* add(use);
  for (const { orgcode } of yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode')) {
    yield* enterOrg(orgcode);
    for (const use of OF_ORG) yield* add(use, orgcode);
  }
  return uses;
}

const EMPTY = Object.fromEntries(KEY_USES.map((name) => [name, 0])) as Record<HashKind, number>;

function* countOf({ table, column, where, args }: Use, no: number, now: string, orgcode?: string): Steps<number> {
  const ofOrg = orgcode === undefined ? '' : 'orgcode = ? AND ';
  const sql = `SELECT COUNT(*) AS found FROM ${table} WHERE ${ofOrg}${madeBy(column, no)} AND ${where}`;
  const found = yield* one<{ found: number }>(sql, ...(orgcode === undefined ? [] : [orgcode]), ...args(now));
  return Number(found?.found ?? 0);
}
