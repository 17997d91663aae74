/** What the file keeps of answers, and when not: nothing readable, nothing of a customer who was anonymized. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RelayedEnvelope } from '../../src/contract/backend.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { ImportedShape } from '../../src/contract/operation.js';
import { createSendAlways } from '../../src/gateway/response-erasure.js';
import { gatewayError } from '../../src/gateway/upstream-error.js';
import {
  bytesOf,
  callOf,
  type Gateway,
  openGateway,
  openPlace,
  operationOf,
  pending,
  refusal,
  rowsOf,
  success,
  tamper,
} from '../support/sending.js';

const FOREIGN: ImportedShape = { parameters: [], bodiless: false, enveloped: false };
let place: ReturnType<typeof openPlace>;
let gateway: Gateway;
beforeEach(() => {
  place = openPlace();
  gateway = openGateway(place.db);
});
afterEach(() => place.remove());

const kept = (orgcode = 'ACME') =>
  rowsOf(place.path, 'SELECT COUNT(*) AS n FROM receipt WHERE orgcode = ? AND answer IS NOT NULL', orgcode)[0].n;
const anonymize = (input: object = {}) => gateway.call(callOf({ ...input }, { operation: 'customer_anonymize' }));
const create = (idempotency_key: string, orgcode = 'ACME') =>
  callOf({ idempotency_key }, { operation: 'customer_create', orgcode });

describe('the file', () => {
  test('shows no credential, key, body or answer to who reads its bytes', async () => {
    const secrets = [
      'secret-of-the-caller',
      'idempotency-in-clear',
      'body-in-clear',
      'answer-in-clear',
      'code-in-clear',
    ];
    const [secret, idempotency_key, note, told, code] = secrets;
    const call = (operation: string) =>
      callOf({ note, idempotency_key }, { operation, unknown: true, credentials: { secret: secret ?? '' } });
    gateway.upstream = (performance) => success(performance, { told, code });
    await gateway.call(call('giftcard_issue'));
    gateway.upstream = (performance) => refusal(performance, { details: { told } });
    await gateway.call(call('loyalty_redeem'));
    gateway.upstream = () => {
      throw new Error(told);
    };
    await gateway.call(call('loyalty_earn')).catch(() => {});
    expect(kept()).toBe(2);
    const bytes = bytesOf(place.directory);
    expect(bytes.includes('ACME')).toBe(true); // the search can find what is there
    for (const text of secrets) expect([text, bytes.includes(text)]).toEqual([text, false]);
  });

  test('gives no answer that was altered, or kept for somebody else, and says so to who runs it', async () => {
    gateway.upstream = (performance) => success(performance, { of: performance.caller.orgcode });
    for (const orgcode of ['ACME', 'OTHER']) await gateway.call(create('k', orgcode));
    tamper(
      place.path,
      `UPDATE receipt SET answer = (SELECT other.answer FROM receipt other WHERE other.orgcode = 'OTHER')
        WHERE orgcode = 'ACME'`,
    );
    const flip = `UPDATE receipt SET answer = substr(answer, 1, 20) || CASE substr(answer, 21, 1) WHEN 'A' THEN 'B' ELSE 'A' END
        || substr(answer, 22) WHERE orgcode = 'OTHER'`;
    tamper(place.path, flip);
    for (const orgcode of ['ACME', 'OTHER']) {
      expect(await gateway.refused(create('k', orgcode))).toMatchObject({ code: 'crm.answer_not_kept', status: 409 });
    }
    expect(gateway.troubles).toHaveLength(2);
    expect(gateway.sent).toBe(2);
  });
});

test('a receipt that somebody moved to another org is none there', async () => {
  await gateway.call(create('k'));
  tamper(place.path, "UPDATE receipt SET orgcode = 'OTHER'");
  expect((await gateway.call(create('k', 'OTHER'))).envelope.stats.idempotent_replay).toBeUndefined();
  expect(gateway.sent).toBe(2);
});

describe('after an anonymization', () => {
  test("the org's kept answers with personal data are gone, other answers and orgs keep theirs", async () => {
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
    expect(await gateway.refused(create('mine'))).toMatchObject({ code: 'crm.answer_not_kept' });
    expect((await gateway.call(create('theirs', 'OTHER'))).envelope.stats.idempotent_replay).toBe(true);
    expect((await gateway.call(other())).envelope.stats.idempotent_replay).toBe(true);
    expect((await anonymize({ idempotency_key: 'erase' })).envelope.stats.idempotent_replay).toBe(true);
    expect(gateway.sent).toBe(4);
  });

  test('whose own outcome is unknown they are gone too', async () => {
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
    expect(kept()).toBe(0);
  });

  test('that was refused, or never left, they stay', async () => {
    await gateway.call(create('mine'));
    gateway.upstream = (performance) => refusal(performance, {});
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
    expect(kept()).toBe(1);
  });

  test('an answer that was on its way meanwhile is not kept', async () => {
    const answer = pending<void>();
    gateway.upstream = async (performance) => {
      if (performance.operation.id === 'customer_create') await answer.promise;
      return success(performance, {});
    };
    const slow = gateway.call(create('slow'));
    await anonymize();
    answer.resolve();
    await slow;
    expect(kept()).toBe(0);
    expect(await gateway.refused(create('slow'))).toMatchObject({ code: 'crm.answer_not_kept' });
  });

  test('a refusal that showed the record is forgotten: the call is judged anew', async () => {
    gateway.upstream = (performance) => refusal(performance, { conflict_snapshot: { email: 'x@example.com' } });
    await gateway.call(create('stale'));
    gateway.upstream = (performance, number) => success(performance, { number });
    await anonymize();
    const { envelope } = await gateway.call(create('stale'));
    expect(envelope).toMatchObject({ success: true, data: { number: 3 } });
  });

  test('nothing is left, however many answers there were', async () => {
    await Promise.all(Array.from({ length: 450 }, (_, n) => gateway.call(create(`k${n}`))));
    expect(kept()).toBe(450);
    await anonymize();
    expect(kept()).toBe(0);
  });

  test("answers of somebody else's document may all hold personal data", async () => {
    const operation = { ...operationOf('loyalty_earn'), personal: [], imported: FOREIGN };
    await gateway.call(callOf({ idempotency_key: 'k' }, { operation }));
    expect(kept()).toBe(1);
    await anonymize();
    expect(kept()).toBe(0);
  });
});

describe('the database', () => {
  test('has the receipt on disk before the write leaves', async () => {
    const seen: object[] = [];
    gateway.upstream = (performance) => {
      seen.push(...rowsOf(place.path, 'SELECT state FROM receipt'));
      return success(performance, {});
    };
    await gateway.call(create('k'));
    await gateway.call(callOf({ source_ref: 'no key' }));
    expect(seen).toEqual([{ state: 'sent' }, { state: 'done' }, { state: 'sent' }]);
  });

  test('that takes no receipt lets nothing leave', async () => {
    const failing = openGateway({ ...place.db, write: () => Promise.reject(new Error('disk full')) });
    expect(await failing.refused(create('k'))).toMatchObject({
      code: 'crm.storage_unavailable',
      status: 503,
      retryable: true,
      details: { outcome: 'not_done' },
      cause: new Error('disk full'),
    });
    expect(failing.sent).toBe(0);
  });

  test('that fails after the answer came costs the caller nothing; a repetition is not sent', async () => {
    let failing = false;
    const { keys, reader, close } = place.db;
    const write: typeof place.db.write = (work) =>
      failing ? Promise.reject(new Error('disk full')) : place.db.write(work);
    const shaky = openGateway({ keys, reader, close, write });
    shaky.upstream = (performance) => {
      failing = true;
      return success(performance, {});
    };
    expect((await shaky.call(create('k'))).envelope.success).toBe(true);
    expect(shaky.troubles).toEqual([new Error('disk full')]);
    failing = false;
    expect(await shaky.refused(create('k'))).toMatchObject({ details: { outcome: 'unknown' }, retryable: false });
    expect(shaky.sent).toBe(1);
  });
});

describe('in front of an upstream that honours keys, after a time without', () => {
  const always = () => createSendAlways(place.db, (error) => void gateway.troubles.push(error));
  const anonymizing = callOf({}, { operation: 'customer_anonymize' });

  test.each<[string, () => Promise<RelayedEnvelope>, number]>([
    ['that was done', async () => ({ envelope: success(anonymizing, {}) }), 0],
    ['of unknown outcome', () => Promise.reject(new Error('anything')), 0],
    ['that was refused', async () => ({ envelope: refusal(anonymizing, {}) }), 1],
  ])('an anonymize %s leaves so many kept answers of its org', async (_name, send, left) => {
    for (const orgcode of ['ACME', 'OTHER']) await gateway.call(create('k', orgcode));
    expect([kept('ACME'), kept('OTHER')]).toEqual([1, 1]);
    await always()(anonymizing, send).catch(() => {});
    expect([kept('ACME'), kept('OTHER')]).toEqual([left, 1]);
  });

  test('other writes are sent each time, and leave what is kept', async () => {
    await gateway.call(create('k'));
    let sent = 0;
    const send = async () => {
      sent += 1;
      return { envelope: success(create('k'), {}) };
    };
    for (let count = 0; count < 2; count += 1) await always()(create('k'), send);
    expect([sent, kept()]).toEqual([2, 1]);
  });
});
