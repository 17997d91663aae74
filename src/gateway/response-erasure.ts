/** Erases an org's stored responses with personal data after one of its customers was anonymized. */
import type { Operation } from '../contract/operation.js';
import type { GatewayDb } from './gateway-db.js';
import { eraseResponses, lastRecordNumber, type RecordRequest } from './idempotency-table.js';
import type { SendOnce } from './send-once.js';
import { verdictOf, verdictOfError, type WriteVerdict } from './stored-responses.js';

const ANONYMIZE = 'customer_anonymize';
const ERASE_BATCH = 200;

/** Whether this write anonymized a customer, or may have. */
export function isErasure({ id }: Operation, verdict: WriteVerdict): boolean {
  return id === ANONYMIZE && (verdict === 'done' || verdict === 'unknown');
}

/**
 * Erases every stored response of an org that holds personal data, up to the idempotency record number `last`. The
 * response of the request `except` stays.
 */
export async function eraseOrgResponses(
  db: GatewayDb,
  except: Pick<RecordRequest, 'orgcode' | 'scope_mac'>,
  last: number,
): Promise<void> {
  while ((await db.write((connection) => eraseResponses(connection, except, last, ERASE_BATCH))) > 0) {
    // a full batch: there may be more
  }
  db.dropErased();
}

/**
 * Sends every write, for an upstream that honours idempotency keys itself. It stores nothing. The database may still
 * hold responses from a time when the gateway ran without that setting, so an anonymization erases them.
 */
export function createSendAlways(db: GatewayDb, onBackgroundError: (error: unknown) => void): SendOnce {
  return async ({ operation, caller }, send) => {
    let verdict: WriteVerdict = 'unknown';
    try {
      const relayed = await send();
      verdict = verdictOf(relayed.envelope);
      return relayed;
    } catch (thrown) {
      verdict = verdictOfError(thrown);
      throw thrown;
    } finally {
      if (isErasure(operation, verdict)) await eraseAllOrgResponses(db, caller.orgcode).catch(onBackgroundError);
    }
  };
}

async function eraseAllOrgResponses(db: GatewayDb, orgcode: string): Promise<void> {
  await eraseOrgResponses(db, { orgcode, scope_mac: '' }, await db.write(lastRecordNumber));
}
