/** When a customer was anonymized, what is kept of answers about people in that org goes too. */
import type { Operation } from '../contract/operation.js';
import type { GatewayDb } from './gateway-db.js';
import { lastRecord, type RecordRequest, wipeAnswers } from './idempotency-table.js';
import type { SendOnce } from './send-once.js';
import { type AnswerVerdict, verdictOf, verdictOfError } from './stored-responses.js';

const ANONYMIZE = 'customer_anonymize';
const WIPE_AT_ONCE = 200;

/** Whether such a write may have erased somebody. */
export function isErasure({ id }: Operation, verdict: AnswerVerdict): boolean {
  return id === ANONYMIZE && (verdict === 'done' || verdict === 'unknown');
}

/** Empties every kept answer of an org with personal data up to the receipt `last`, except one's own. */
export async function wipeOrg(
  db: GatewayDb,
  except: Pick<RecordRequest, 'orgcode' | 'scope_mac'>,
  last: number,
): Promise<void> {
  while ((await db.write((connection) => wipeAnswers(connection, except, last, WIPE_AT_ONCE))) > 0) {
    // there may be more
  }
}

/**
 * Sends every write, in front of an upstream that honours keys itself. Nothing is remembered; but answers may be kept
 * from a time when it was not known to, and an erasure is no less one.
 */
export function createSendAlways(db: GatewayDb, onBackgroundError: (error: unknown) => void): SendOnce {
  return async ({ operation, caller }, send) => {
    let verdict: AnswerVerdict = 'unknown';
    try {
      const relayed = await send();
      verdict = verdictOf(relayed.envelope);
      return relayed;
    } catch (thrown) {
      verdict = verdictOfError(thrown);
      throw thrown;
    } finally {
      if (isErasure(operation, verdict)) await wipeAll(db, caller.orgcode).catch(onBackgroundError);
    }
  };
}

async function wipeAll(db: GatewayDb, orgcode: string): Promise<void> {
  await wipeOrg(db, { orgcode, scope_mac: '' }, await db.write(lastRecord));
}
