/** The server key of a gateway's database is rotated while gateways run, and an old generation is retired. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGatewayDb } from '../../src/gateway/gateway-db.js';
import {
  activateGatewayKey,
  gatewayKeyUses,
  prepareGatewayKey,
  retireGatewayKey,
} from '../../src/gateway/gateway-key-rotation.js';
import { createHeldCredentials, holdCredential, replaceCredential } from '../../src/gateway/held-credentials.js';
import { callOf, openGateway, openScratchDb, pending, rowsOf, success, tamper } from '../support/sending.js';

let scratchDir: ReturnType<typeof openScratchDb>;
let keyPath: string;
/** Another gateway on the same file. */
let other: ReturnType<typeof openGatewayDb>;
beforeEach(() => {
  scratchDir = openScratchDb();
  keyPath = `${scratchDir.path}.key`;
  other = openGatewayDb({ path: scratchDir.path });
});
afterEach(async () => {
  await other.close();
  await scratchDir.remove();
});

const hold = () =>
  holdCredential(scratchDir.db, { orgcode: 'ACME', kind: 'session', secret: 'of-the-upstream', name: 'till' });
const exchange = (secret: string, db = scratchDir.db) =>
  createHeldCredentials(db)({ orgcode: 'ACME', kind: 'api_key', secret }).secret;
const held = () => rowsOf(scratchDir.path, 'SELECT caller_hash, sealed FROM held_credential ORDER BY created_at');
const uses = (generation: number, now = Date.now()) => gatewayKeyUses(scratchDir.db.reader, generation, now);
const NEW = expect.stringMatching(/^1:/);
const OLD = expect.stringMatching(/^[^:]+$/);

async function rotate(): Promise<void> {
  await prepareGatewayKey(scratchDir.db, keyPath);
  other.outage(); // what each process does every second
  await activateGatewayKey(scratchDir.db);
  other.outage();
}

test('credentials are encrypted again at once, callers keep their keys, which are hashed again when they are used', async () => {
  const { caller_key } = await hold();
  await rotate();
  expect(held()).toEqual([{ caller_hash: OLD, sealed: NEW }]);
  expect(exchange(caller_key, other)).toBe('of-the-upstream');
  await other.write(() => {});
  expect(held()).toEqual([{ caller_hash: NEW, sealed: NEW }]);
  expect(exchange(caller_key)).toBe('of-the-upstream');
  expect([uses(0), uses(1)]).toEqual([
    { caller_keys: 0, upstream_credentials: 0, idempotency_records: 0 },
    { caller_keys: 1, upstream_credentials: 1, idempotency_records: 0 },
  ]);
  const again = openGatewayDb({ path: scratchDir.path });
  expect(exchange(caller_key, again)).toBe('of-the-upstream');
  await again.close();
});

test('a gateway that has not looked yet makes nothing with the old generation', async () => {
  await prepareGatewayKey(scratchDir.db, keyPath);
  await activateGatewayKey(scratchDir.db); // the other one knows nothing of it
  const { fingerprint } = await holdCredential(other, { orgcode: 'A', kind: 'api_key', secret: 's', name: 'n' });
  await replaceCredential(other, fingerprint, 't');
  await openGateway(other).call(callOf({ points: 1, idempotency_key: 'k' }));
  expect(held()).toEqual([{ caller_hash: NEW, sealed: NEW }]);
  expect(rowsOf(scratchDir.path, 'SELECT scope_mac, request_mac, answer FROM receipt')).toEqual([
    { scope_mac: NEW, request_mac: NEW, answer: NEW },
  ]);
});

test('a write of before the rotation is not sent again after it, and another body is a mismatch', async () => {
  const [first, second] = [openGateway(scratchDir.db), openGateway(other)];
  const earn = callOf({ points: 1, idempotency_key: 'k' });
  const sent = await first.call(earn);
  await rotate();
  for (const gateway of [first, second]) {
    const repeated = await gateway.call(callOf({ points: 1, idempotency_key: 'k' }));
    expect(repeated.envelope).toMatchObject({ success: true, data: (sent.envelope as { data: object }).data });
    expect((await gateway.errorOf(callOf({ points: 2, idempotency_key: 'k' }))).code).toBe('crm.idempotency_mismatch');
  }
  expect([first.sent, second.sent]).toEqual([1, 0]);
  expect(uses(0).idempotency_records).toBe(1);
  expect(uses(0, Date.now() + 25 * 3_600_000).idempotency_records).toBe(0);
});

test('a repeated call that comes while the first is in flight waits for it across a rotation', async () => {
  const gateway = openGateway(scratchDir.db);
  const gate = pending<void>();
  const reached = pending<void>();
  gateway.upstream = async (call, number) => {
    reached.resolve();
    await gate.promise;
    return success(call, { number }, number);
  };
  const call = () => gateway.call(callOf({ points: 1, idempotency_key: 'k' }));
  const first = call();
  await reached.promise;
  await rotate();
  const second = call();
  gate.resolve();
  expect([(await first).envelope, (await second).envelope]).toMatchObject(Array(2).fill({ data: { number: 1 } }));
  expect(gateway.sent).toBe(1);
});

test('an old generation is retired only when no row needs it; --forget ends the rest', async () => {
  const { caller_key } = await hold();
  const call = () => openGateway(scratchDir.db).call(callOf({ points: 1, idempotency_key: 'k' }));
  await call();
  await rotate();
  const retire = (forget: boolean, generation = 0) =>
    retireGatewayKey(scratchDir.db, keyPath, generation, { forget, now: Date.now() });
  await expect(retire(false)).rejects.toThrow('still needed by 1 caller_keys, 1 idempotency_records: wait');
  await expect(retire(false, 1)).rejects.toThrow('generation 1 is current');
  exchange(caller_key);
  tamper(scratchDir.path, 'UPDATE receipt SET expires_ms = 1');
  expect(await retire(false)).toEqual({});
  expect(readFileSync(keyPath, 'utf8')).toMatch(/^g3n-server-key 2\n0 journal [0-9a-f]{64}\n1 [0-9a-f]{64}\n$/);
  expect([exchange(caller_key), exchange(caller_key, other)]).toEqual(Array(2).fill('of-the-upstream'));

  await call();
  await prepareGatewayKey(scratchDir.db, keyPath);
  await activateGatewayKey(scratchDir.db);
  expect(await retire(true, 1)).toEqual({ caller_keys: 1, idempotency_records: 1 });
  expect(() => exchange(caller_key)).toThrow(/credential/i);
});

test('a rotation that was killed is continued, without another generation', async () => {
  const { caller_key } = await hold();
  expect(await prepareGatewayKey(scratchDir.db, keyPath)).toBe(1); // killed before it was made current
  expect(exchange(caller_key)).toBe('of-the-upstream');
  expect(await prepareGatewayKey(scratchDir.db, keyPath)).toBe(1);
  expect(await activateGatewayKey(scratchDir.db)).toEqual({ current: 1, encrypted: 1 });
  expect(await activateGatewayKey(scratchDir.db)).toEqual({ current: 1, encrypted: 0 });
});

test('a gateway whose key file lacks the generation in use takes no writes, until it has it', async () => {
  const first = readFileSync(keyPath, 'utf8');
  const lateKey = copyOf('late', first);
  const late = openGatewayDb({ path: scratchDir.path, keyPath: lateKey });
  await rotate();
  const now = readFileSync(keyPath, 'utf8');
  expect(late.outage()).toMatchObject({ status: 503, code: 'crm.storage_unavailable' });
  await expect(late.write(() => {})).rejects.toThrow('uses generation 1 of the server key');
  writeFileSync(lateKey, now);
  expect(late.outage()).toBeUndefined();
  await late.write(() => {});
  await late.close();
  expect(() => openGatewayDb({ path: scratchDir.path, keyPath: copyOf('first', first) })).toThrow('uses generation 1');
});

function copyOf(name: string, text: string): string {
  const path = `${scratchDir.path}.${name}.key`;
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}
