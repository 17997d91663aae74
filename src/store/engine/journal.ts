/**
 * The append-only journal, and its hash chain, which is sealed in commit order in the background (contract §1, Audit).
 */
import type { Operation } from '../../contract/operation.js';
import { generationOf, type Keys } from '../../secrets/keys.js';
import type { JournalNumbering } from './dialect.js';
import type { Context, Written } from './handler.js';
import { all, lockKey, one, run, type Steps } from './step.js';

export interface JournalRow {
  readonly orgcode: string;
  readonly journal_no: number;
  readonly request_id: string;
  readonly actor: string;
  readonly roles: string;
  readonly context: string;
  readonly endpoint: string;
  readonly target_id: string;
  readonly fields: string;
  readonly reason: string | null;
  readonly reason_code: string | null;
  readonly revision_before: number | null;
  readonly revision_after: number | null;
  readonly written_at: string;
}

export interface SealRow {
  readonly first_no: number;
  readonly last_no: number;
  readonly chain_hash: string;
}

/** The columns after `orgcode` and `journal_no`. */
export const JOURNAL_COLUMNS = `request_id, actor, roles, context, endpoint, target_id, fields, reason, reason_code,
  revision_before, revision_after, written_at`;

const LAST_SEAL = `SELECT first_no, last_no, chain_hash FROM journal_seal
  WHERE orgcode = ? ORDER BY first_no DESC LIMIT 1`;

const UNSEALED = `SELECT orgcode, journal_no, ${JOURNAL_COLUMNS} FROM journal
  WHERE orgcode = ? AND journal_no > ? ORDER BY journal_no LIMIT ?`;

/** A seal covers at most this many rows. */
export const SEAL_BATCH = 1000;

/** Records a change in the transaction that makes it. Of personal data, only the field names are recorded. */
export function* appendJournal(
  cx: Context,
  operation: Operation,
  written: Written<object>,
  input: object,
): Steps<void> {
  const { reason, reason_code } = input as { reason?: string; reason_code?: string };
  const { revision } = written.data as { revision?: number };
  yield* cx.dialect.journal.append([
    cx.orgcode,
    cx.stamp.request_id,
    cx.caller.actor,
    JSON.stringify(cx.caller.owner ? ['owner', ...cx.caller.roles] : cx.caller.roles),
    JSON.stringify(contextOf(cx)),
    operation.path,
    written.target_id,
    JSON.stringify(written.fields),
    reason ?? null,
    reason_code ?? null,
    written.revision_before ?? null,
    revision ?? null,
    cx.stamp.now,
  ]);
}

/** The operating context; a caller with an access token looks like any session of the user but for this. */
function contextOf({ operatingContext, caller: { context_source, fingerprint } }: Context): object {
  return context_source === 'oauth'
    ? { ...operatingContext, context_source, oauth_fingerprint: fingerprint }
    : operatingContext;
}

/** Seals the rows of an org after its last seal. Returns how many; call again while that is `SEAL_BATCH`. */
export function* sealJournal(orgcode: string, keys: Keys, numbering: JournalNumbering, now: string): Steps<number> {
  yield lockKey(orgcode, 'journal_seal');
  const last = yield* one<SealRow>(LAST_SEAL, orgcode);
  yield* numbering.numberRows(orgcode, last?.last_no ?? 0, SEAL_BATCH);
  const rows = yield* all<JournalRow>(UNSEALED, orgcode, last?.last_no ?? 0, SEAL_BATCH);
  const [first] = rows;
  if (first === undefined) return 0;
  const hash = chainHash(keys, last?.chain_hash ?? '', rows);
  yield* run(
    'INSERT INTO journal_seal (orgcode, first_no, last_no, chain_hash, sealed_at) VALUES (?, ?, ?, ?, ?)',
    orgcode,
    first.journal_no,
    first.journal_no + rows.length - 1,
    hash,
    now,
  );
  return rows.length;
}

/**
 * The hash over the previous seal and `rows`. It is keyed, so that editing the file is not enough to forge a seal. To
 * check the seal `like`, by the generation of the key that made it, which may not be older than that of the previous one.
 */
export function chainHash(keys: Keys, previous: string, rows: readonly JournalRow[], like?: string): string {
  const parts = [previous, ...rows.map((row) => JSON.stringify(Object.values(row)))];
  const isBehind = generationOf(previous) > keys.generation; // for a second: another server learnt of a rotation first
  const maker = like ?? (isBehind ? previous : undefined);
  if (maker === undefined) return keys.mac('journal', ...parts);
  const hash = generationOf(maker) < generationOf(previous) ? '' : keys.macLike(maker, 'journal', ...parts);
  if (hash === '' && like === undefined)
    throw new Error('the newest seal is by a generation of the server key that is missing');
  return hash;
}
