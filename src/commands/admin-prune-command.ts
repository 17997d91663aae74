/** The `admin prune` command: deletes expired idempotency records, and credentials that ended long ago. */
import { type Command, Option } from 'commander';
import { ConfigError } from '../config.js';
import {
  countEndedSessions,
  countPrunable,
  type PrunedOfOrg,
  pruneBatch,
  pruneSessions,
} from '../store/admin/prune.js';
import { all } from '../store/engine/step.js';
import { createProgress } from '../terminal/progress.js';
import { onAdmin, parseTime, type TimeFlag } from './admin-options.js';
import { type AdminFlags, type Administration, administer } from './administer.js';
import { printRecord } from './output.js';

const DEFAULT_AGE = '90d';

/** Adds the command to `admin`. */
export function addAdminPrune(admin: Command): void {
  onAdmin(admin.command('prune'))
    .description(
      'delete idempotency records that expired, and keys and sessions that ended, before --older-than; the journal stays',
    )
    .addOption(
      new Option('--older-than <span>', 'what ended so long ago')
        .argParser(parseTime)
        .default(parseTime(DEFAULT_AGE), DEFAULT_AGE),
    )
    .option('--dry-run', 'say how much it would delete, and delete nothing', false)
    .action(prune);
}

interface PruneFlags extends AdminFlags {
  readonly olderThan: TimeFlag;
  readonly dryRun: boolean;
}

function prune({ olderThan, dryRun, ...flags }: PruneFlags): Promise<void> {
  return administer(flags, { readOnly: dryRun }, async (administration) => {
    const { cx } = administration;
    const before = olderThan(cx.now, 'ago');
    if (before > cx.now) throw new ConfigError('--older-than is in the future: only what has ended is deleted');
    const progress = createProgress(process.stderr, 'prune');
    const removed = await pruneOrgs(administration, before, dryRun, progress.step).finally(progress.done);
    const sessions = dryRun
      ? await administration.readAll(() => countEndedSessions(before))
      : await pruneAllSessions(administration, before);
    printRecord({ dry_run: dryRun, before, ...removed, sessions: Math.max(0, ...sessions) }, flags);
  });
}

/** A session is in every group of databases: the numbers of each. */
async function pruneAllSessions({ changeAll }: Administration, before: string): Promise<readonly number[]> {
  let removed: readonly number[] = [];
  for (;;) {
    const batch = await changeAll(() => pruneSessions(before));
    removed = batch.map((count, group) => count + (removed[group] ?? 0));
    if (batch.every((count) => count === 0)) return removed;
  }
}

async function pruneOrgs(
  { cx, readAll, readOrg, inOrg }: Administration,
  before: string,
  dryRun: boolean,
  step: (text: string) => void,
): Promise<PrunedOfOrg> {
  const orgs = await readAll(function* (isHome) {
    const rows = yield* all<{ orgcode: string }>('SELECT orgcode FROM org ORDER BY orgcode');
    return rows.map(({ orgcode }) => orgcode).filter(isHome);
  });
  const total = { idempotency_records: 0, api_keys: 0 };
  for (const orgcode of orgs.flat()) {
    step(orgcode);
    for (;;) {
      const batch = dryRun
        ? await readOrg(orgcode, () => countPrunable(orgcode, before))
        : await inOrg(orgcode, () => pruneBatch(cx, orgcode, before));
      total.idempotency_records += batch.idempotency_records;
      total.api_keys += batch.api_keys;
      if (dryRun || (batch.idempotency_records === 0 && batch.api_keys === 0)) break;
    }
  }
  return total;
}
