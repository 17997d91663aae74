/**
 * What calls do differently on tables that Citus distributes by org (distribution.ts). Only SET LOCAL reaches the
 * workers, whose policies keep orgs apart, not `set_config`; and a statement must be planned with its arguments to be
 * sent to the one worker that has the org. Not run on Citus: see docs/postgres.md.
 */
import type { Step } from '../engine/step.js';
import type { SchemaClient } from './schema-client.js';
import { alonePart, callPart, oncePart, type Part, partOf } from './statement-text.js';

/** SET LOCAL takes no parameter. Neither quotes nor backslashes can be part of the code of an org that exists. */
const SAFE_ORGCODE = /^[\w.:@-]*$/;
const PROPAGATE = `SET LOCAL citus.propagate_set_commands = 'local'`;
const TIMEOUTS = `set_config('statement_timeout', ?, true), set_config('lock_timeout', ?, true),
  set_config('idle_in_transaction_session_timeout', ?, true), set_config('jit', 'off', true)`;

/** Whether the tables of the database are distributed. */
export async function isDistributed(client: SchemaClient): Promise<boolean> {
  const { rows } = await client.query(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`);
  if (rows.length === 0) return false;
  const tables = await client.query(`SELECT 1 FROM citus_tables
    WHERE table_name = to_regclass('customer') AND citus_table_type = 'distributed'`);
  return tables.rows.length > 0;
}

/** The settings of a transaction, after BEGIN. Times are in milliseconds; 0 for no limit. */
export function distributedSettings(orgcode: string, limitMs: number): readonly Part[] {
  const limit = String(limitMs);
  return [alonePart(PROPAGATE), orgSetting(orgcode), callPart(TIMEOUTS, [limit, limit, limit])];
}

/** As `partOf`, for distributed tables. */
export function distributedPartOf(step: Step): Part {
  return step.mode === 'enter-org' ? orgSetting(String(step.args[0])) : partOf(step);
}

/** Each org has a text of its own. A code that no org can have sees no rows. */
function orgSetting(orgcode: string): Part {
  return oncePart(`SET LOCAL "g3n.orgcode" = '${SAFE_ORGCODE.test(orgcode) ? orgcode : ''}'`);
}
