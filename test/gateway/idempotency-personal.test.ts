/** Stored responses: encrypted in the database, and erased after a customer was anonymized. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RelayedEnvelope } from '../../src/contract/backend.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { ImportedShape } from '../../src/contract/operation.js';
import { createSendAlways } from '../../src/gateway/response-erasure.js';
import { gatewayError } from '../../src/gateway/upstream-error.js';
import {
  bytesOf,
  callOf,
  errorEnvelope,
  type Gateway,
  openGateway,
  openScratchDb,
  operationOf,
  pending,
  rowsOf,
  success,
  tamper,
} from '../support/sending.js';

const IMPORTED: ImportedShape = { parameters: [], bodiless: false, enveloped: false };
let scratchDir: ReturnType<typeof openScratchDb>;
let gateway: Gateway;
beforeEach(() => {
  scratchDir = openScratchDb();
  gateway = openGateway(scratchDir.db);
});
afterEach(() => scratchDir.remove());

const storedCount = (orgcode = 'ACME') =>
  rowsOf(scratchDir.path, 'SELECT COUNT(*) AS n FROM receipt WHERE orgcode = ? AND answer IS NOT NULL', orgcode)[0].n;
const anonymize = (input: object = {}) => gateway.call(callOf({ ...input }, { operation: 'customer_anonymize' }));
const create = (idempotency_key: string, orgcode = 'ACME') =>
  callOf({ idempotency_key }, { operation: 'customer_create', orgcode });

describe('the database file', () => {
  test('contains no credential, idempotency key, body or response in clear', async () => {
    const secrets = [
      'secret-of-the-caller',
      'idempotency-in-clear',
      'body-in-clear',
      'answer-in-clear',
      'code-in-clear',
    ];
    const [secret, idempotency_key, note, text, code] = secrets;
    const call = (operation: string) =>
      callOf({ note, idempotency_key }, { operation, unknown: true, credentials: { secret: secret ?? '' } });
    gateway.upstream = (performance) => success(performance, { text, code });
    await gateway.call(call('giftcard_issue'));
    gateway.upstream = (performance) => errorEnvelope(performance, { details: { text } });
    await gateway.call(call('loyalty_redeem'));
    gateway.upstream = () => {
      throw new Error(text);
    };
    await gateway.call(call('loyalty_earn')).catch(() => {});
    expect(storedCount()).toBe(2);
    const bytes = bytesOf(scratchDir.directory);
    expect(bytes.includes('ACME')).toBe(true); // proves that the search finds existing text
    for (const text of secrets) expect([text, bytes.includes(text)]).toEqual([text, false]);
  });

  test('returns no response that was altered or copied from another org, and reports it to the operator', async () => {
    gateway.upstream = (performance) => success(performance, { of: performance.caller.orgcode });
    for (const orgcode of ['ACME', 'OTHER']) await gateway.call(create('k', orgcode));
    tamper(
      scratchDir.path,
      `UPDATE receipt SET answer = (SELECT other.answer FROM receipt other WHERE other.orgcode = 'OTHER')
        WHERE orgcode = 'ACME'`,
    );
    const flip = `UPDATE receipt SET answer = substr(answer, 1, 20) || CASE substr(answer, 21, 1) WHEN 'A' THEN 'B' ELSE 'A' END
        || substr(answer, 22) WHERE orgcode = 'OTHER'`;
    tamper(scratchDir.path, flip);
    for (const orgcode of ['ACME', 'OTHER']) {
      expect(await gateway.errorOf(create('k', orgcode))).toMatchObject({ code: 'crm.answer_not_kept', status: 409 });
    }
    expect(gateway.troubles).toHaveLength(2);
    expect(gateway.sent).toBe(2);
  });
});

test('an idempotency record moved to another org is ignored there', async () => {
  await gateway.call(create('k'));
  tamper(scratchDir.path, "UPDATE receipt SET orgcode = 'OTHER'");
  expect((await gateway.call(create('k', 'OTHER'))).envelope.stats.idempotent_replay).toBeUndefined();
  expect(gateway.sent).toBe(2);
});

describe('after an anonymization', () => {
  test("the org's stored responses with personal data are erased, and no others", async () => {
    await gateway.call(create('mine'));
    await gateway.call(create('theirs', 'OTHER'));
    const impersonal = CONTRACT.operations.find(
      ({ effect, personal, acceptsIdempotencyKey }) =>
        effect !== 'read' && personal.length === 0 && acceptsIdempotencyKey,
    );
    expect(impersonal).toBeDefined();
    const other = () => callOf({ idempotency_key: 'other' }, { operation: impersonal ?? '' });
    await gateway.call(other());
    await anonymize({ idempotency_key: 'erase' });
    expect(await gateway.errorOf(create('mine'))).toMatchObject({ code: 'crm.answer_not_kept' });
    expect((await gateway.call(create('theirs', 'OTHER'))).envelope.stats.idempotent_replay).toBe(true);
    expect((await gateway.call(other())).envelope.stats.idempotent_replay).toBe(true);
    expect((await anonymize({ idempotency_key: 'erase' })).envelope.stats.idempotent_replay).toBe(true);
    expect(gateway.sent).toBe(4);
  });

  test('with an unknown outcome, stored responses are erased too', async () => {
    await gateway.call(create('mine'));
    gateway.upstream = () => {
      throw gatewayError({
        code: 'crm.gateway_timeout',
        message: 'x',
        status: 504,
        retryable: false,
        outcome: 'unknown',
      });
    };
    await anonymize().catch(() => {});
    expect(storedCount()).toBe(0);
  });

  test('that was rejected or never sent, stored responses stay', async () => {
    await gateway.call(create('mine'));
    gateway.upstream = (performance) => errorEnvelope(performance, {});
    await anonymize();
    gateway.upstream = () => {
      throw gatewayError({
        code: 'crm.gateway_unavailable',
        message: 'x',
        status: 503,
        retryable: true,
        outcome: 'not_done',
      });
    };
    await anonymize().catch(() => {});
    expect(storedCount()).toBe(1);
  });

  test('the response of a call that was in flight during it is not stored', async () => {
    const answer = pending<void>();
    gateway.upstream = async (performance) => {
      if (performance.operation.id === 'customer_create') await answer.promise;
      return success(performance, {});
    };
    const slow = gateway.call(create('slow'));
    await anonymize();
    answer.resolve();
    await slow;
    expect(storedCount()).toBe(0);
    expect(await gateway.errorOf(create('slow'))).toMatchObject({ code: 'crm.answer_not_kept' });
  });

  test('a stored error with a conflict snapshot is erased, and the call is sent again', async () => {
    gateway.upstream = (performance) => errorEnvelope(performance, { conflict_snapshot: { email: 'x@example.com' } });
    await gateway.call(create('stale'));
    gateway.upstream = (performance, number) => success(performance, { number });
    await anonymize();
    const { envelope } = await gateway.call(create('stale'));
    expect(envelope).toMatchObject({ success: true, data: { number: 3 } });
  });

  test('no file keeps the bytes of a stored response', async () => {
    await gateway.call(create('mine'));
    const [{ answer }] = rowsOf(scratchDir.path, 'SELECT answer FROM receipt');
    expect(bytesOf(scratchDir.directory).includes(answer)).toBe(true);
    await anonymize();
    expect(bytesOf(scratchDir.directory).includes(answer)).toBe(false);
  });

  test('all stored responses are erased, however many there are', async () => {
    await Promise.all(Array.from({ length: 450 }, (_, n) => gateway.call(create(`k${n}`))));
    expect(storedCount()).toBe(450);
    await anonymize();
    expect(storedCount()).toBe(0);
  });

  test('responses of imported operations are treated as personal data', async () => {
    const operation = { ...operationOf('loyalty_earn'), personal: [], imported: IMPORTED };
    await gateway.call(callOf({ idempotency_key: 'k' }, { operation }));
    expect(storedCount()).toBe(1);
    await anonymize();
    expect(storedCount()).toBe(0);
  });
});

describe('the idempotency record', () => {
  test('is on disk before the write is sent', async () => {
    const seen: object[] = [];
    gateway.upstream = (performance) => {
      seen.push(...rowsOf(scratchDir.path, 'SELECT state FROM receipt'));
      return success(performance, {});
    };
    await gateway.call(create('k'));
    await gateway.call(callOf({ source_ref: 'no key' }));
    expect(seen).toEqual([{ state: 'sent' }, { state: 'done' }, { state: 'sent' }]);
  });

  test('that cannot be stored stops the write from being sent', async () => {
    const failing = openGateway({ ...scratchDir.db, write: () => Promise.reject(new Error('disk full')) });
    expect(await failing.errorOf(create('k'))).toMatchObject({
      code: 'crm.storage_unavailable',
      status: 503,
      retryable: true,
      details: { outcome: 'not_done' },
      cause: new Error('disk full'),
    });
    expect(failing.sent).toBe(0);
  });

  test('that cannot be completed after the response does not fail the call; a repeated call is not sent', async () => {
    let failing = false;
    const { db } = scratchDir;
    const write: typeof db.write = (work) => (failing ? Promise.reject(new Error('disk full')) : db.write(work));
    const partlyFailing = openGateway({
      keys: db.keys,
      reader: db.reader,
      write,
      dropErased: () => db.dropErased(),
      outage: () => db.outage(),
      close: () => db.close(),
    });
    partlyFailing.upstream = (performance) => {
      failing = true;
      return success(performance, {});
    };
    expect((await partlyFailing.call(create('k'))).envelope.success).toBe(true);
    expect(partlyFailing.troubles).toEqual([new Error('disk full')]);
    failing = false;
    expect(await partlyFailing.errorOf(create('k'))).toMatchObject({
      details: { outcome: 'unknown' },
      retryable: false,
    });
    expect(partlyFailing.sent).toBe(1);
  });
});

describe('with an upstream that honours idempotency keys, and responses stored before it did', () => {
  const sendAlways = () => createSendAlways(scratchDir.db, (error) => void gateway.troubles.push(error));
  const anonymizing = callOf({}, { operation: 'customer_anonymize' });

  test.each<[string, () => Promise<RelayedEnvelope>, number]>([
    ['that succeeded', async () => ({ envelope: success(anonymizing, {}) }), 0],
    ['with an unknown outcome', () => Promise.reject(new Error('anything')), 0],
    ['that was rejected', async () => ({ envelope: errorEnvelope(anonymizing, {}) }), 1],
  ])(
    'an anonymization %s erases stored responses of its org only when it may have happened',
    async (_name, send, left) => {
      for (const orgcode of ['ACME', 'OTHER']) await gateway.call(create('k', orgcode));
      expect([storedCount('ACME'), storedCount('OTHER')]).toEqual([1, 1]);
      await sendAlways()(anonymizing, send).catch(() => {});
      expect([storedCount('ACME'), storedCount('OTHER')]).toEqual([left, 1]);
    },
  );

  test('other writes are sent every time and leave stored responses unchanged', async () => {
    await gateway.call(create('k'));
    let sent = 0;
    const send = async () => {
      sent += 1;
      return { envelope: success(create('k'), {}) };
    };
    for (let count = 0; count < 2; count += 1) await sendAlways()(create('k'), send);
    expect([sent, storedCount()]).toEqual([2, 1]);
  });
});
