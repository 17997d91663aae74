/** The `admin audit` command: reads the journal of an org, and checks its hash chain. */
import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { type AuditEntry, readAudit, readNewest, sealedNumber } from '../store/admin/audit.js';
import { existingOrg } from '../store/administration.js';
import type { Disagreement } from '../store/engine/disagreement.js';
import { verifyJournal } from '../store/engine/verify-journal.js';
import { onAdmin, orgOption, parseRowLimit, parseTime, parseWhole, type TimeFlag } from './admin-options.js';
import { type AdminFlags, type Administration, administer } from './administer.js';
import { printRecord, printRows, wantsJson } from './output.js';

const DEFAULT_ENTRIES = 100;
const COLUMNS = ['journal_no', 'sealed', 'written_at', 'actor', 'operation', 'target_id', 'fields'];

interface AuditFlags extends AdminFlags {
  readonly org: string;
  readonly since?: TimeFlag;
  readonly until?: TimeFlag;
  readonly actor?: string;
  readonly operation?: string;
  readonly target?: string;
  readonly limit: number;
  readonly all: boolean;
  readonly after?: string;
  readonly reasons: boolean;
  /** False: `--no-verify`. */
  readonly verify: boolean;
}

/** Whether the hash chain holds: the last line. */
interface ChainReport {
  readonly type: 'chain';
  readonly orgcode: string;
  readonly rows: number;
  /** Rows 1 to this one are sealed. */
  readonly sealed_to: number;
  readonly unsealed: number;
  readonly holds: boolean;
  readonly disagreements: readonly Disagreement[];
}

/** Adds the command to `admin`. */
export function addAdminAudit(admin: Command): void {
  const when = 'a span such as 24h, a date or a date-time';
  onAdmin(admin.command('audit'))
    .description(
      'read the journal of an org, one JSON object a line or a table, and check its chain; 1 if it is broken',
    )
    .addOption(orgOption('the org').makeOptionMandatory())
    .addOption(new Option('--since <when>', `from then on: ${when}`).argParser(parseTime))
    .addOption(new Option('--until <when>', `before then: ${when}`).argParser(parseTime))
    .option('--actor <actor>', 'only what this actor did, as in operator:alice')
    .option('--operation <path>', 'only this operation, as in /customer/update or "admin key create"')
    .option('--target <id>', 'only changes of this record or fingerprint')
    .addOption(
      new Option('--limit <count>', 'the newest entries, newest first')
        .argParser((text) => parseRowLimit(text))
        .default(DEFAULT_ENTRIES),
    )
    .option('--all', 'every entry instead, oldest first', false)
    .option('--after <journal_no>', 'every entry after this number instead, oldest first', parseNumber)
    .option('--reasons', 'also print the reasons that callers wrote, which may name people', false)
    .option('--no-verify', 'do not check the chain, which reads the whole journal')
    .action(audit);
}

function audit(flags: AuditFlags): Promise<void> {
  return administer(flags, { readOnly: true }, async (administration) => {
    await administration.readOrg(flags.org, () => existingOrg(flags.org));
    const asJson = wantsJson(flags);
    for await (const entries of pagesOf(administration, flags)) {
      if (!asJson) printRows({ name: 'entries', rows: entries, columns: COLUMNS }, flags);
      else await write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    }
    if (!flags.verify) return;
    const chain = await chainOf(administration, flags.org);
    if (!chain.holds) process.exitCode = 1;
    if (asJson) return await write(`${JSON.stringify(chain)}\n`);
    process.stdout.write('\n');
    printRecord({ ...chain, type: undefined }, flags);
  });
}

/** A page at a time: memory does not grow with the journal. */
async function* pagesOf({ cx, readOrg }: Administration, flags: AuditFlags): AsyncGenerator<readonly AuditEntry[]> {
  const { org, since, until, actor, operation, target, limit, reasons } = flags;
  const filter = { since: since?.(cx.now, 'ago'), until: until?.(cx.now, 'ago'), actor, operation, target };
  if (!flags.all && flags.after === undefined) {
    yield await readOrg(org, () => readNewest(org, filter, limit, reasons));
    return;
  }
  let after: number | undefined = Number(flags.after ?? 0);
  while (after !== undefined) {
    const from: number = after;
    const page = await readOrg(org, () => readAudit(org, filter, from, reasons));
    yield page.entries;
    after = page.next;
  }
}

async function chainOf({ cx, readOrg }: Administration, orgcode: string): Promise<ChainReport> {
  return await readOrg(orgcode, function* () {
    yield* existingOrg(orgcode);
    const disagreements: Disagreement[] = [];
    const { rows, unsealed } = yield* verifyJournal(orgcode, cx.keys, (check, id, stored, computed) => {
      if (stored !== computed && disagreements.length < 100)
        disagreements.push({ check, orgcode, id, stored, computed });
    });
    const sealed_to = yield* sealedNumber(orgcode);
    return { type: 'chain', orgcode, rows, sealed_to, unsealed, holds: disagreements.length === 0, disagreements };
  });
}

/** Waits for a reader that is slower. */
async function write(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}

function parseNumber(text: string): string {
  return String(parseWhole(text, 0, Number.MAX_SAFE_INTEGER));
}
