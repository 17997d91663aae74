/** Caller keys and the upstream credentials held for them: exchange, replacement, revocation and encryption. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Credentials } from '../../src/contract/backend.js';
import { errorObject } from '../../src/contract/envelope.js';
import { CrmError, nextStepsOf, notFound } from '../../src/contract/errors.js';
import { placeCredential } from '../../src/gateway/credential-place.js';
import {
  createHeldCredentials,
  HeldCredentialError,
  holdCredential,
  holdForTokens,
  holdsForTokens,
  listCallers,
  replaceCredential,
  revokeCaller,
} from '../../src/gateway/held-credentials.js';
import { fingerprint } from '../../src/secrets/keys.js';
import { bytesOf, openScratchDb, rowsOf, tamper } from '../support/sending.js';
import { errorOf, openWorld } from '../support/world.js';

const UPSTREAM = 'upstream-credential-in-clear';
const STAMP = { request_id: 'r', trace_id: 't', epoch_ms: 0, now: '' };
let scratchDir: ReturnType<typeof openScratchDb>;
beforeEach(() => {
  scratchDir = openScratchDb();
});
afterEach(() => scratchDir.remove());

const hold = (fields: object = {}) =>
  holdCredential(scratchDir.db, { orgcode: 'ACME', kind: 'session', secret: UPSTREAM, name: 'till 1', ...fields });
const exchange = (secret: string, fields: Partial<Credentials> = {}) =>
  createHeldCredentials(scratchDir.db)({ orgcode: 'ACME', kind: 'api_key', secret, ...fields });

function thrownBy(act: () => unknown): CrmError {
  try {
    act();
  } catch (error) {
    if (error instanceof CrmError) return error;
    throw error;
  }
  throw new Error('no error thrown');
}

describe('a verified access token', () => {
  const token = { key: 'k', user: 'ada', scopes: [], expires_ms: 0 };
  const exchangeToken = (orgcode: string) => exchange('k', { orgcode, kind: 'oauth', token });

  test('gets the credential that is set aside for its org, and no other; the token itself has no place upstream', async () => {
    const [one, two] = [await hold({ secret: 'one' }), await hold({ secret: 'two' })];
    await hold({ orgcode: 'OTHER' });
    expect(holdsForTokens(scratchDir.db)).toBe(false);
    expect(thrownBy(() => exchangeToken('ACME'))).toMatchObject({ code: 'crm.not_found' });
    await holdForTokens(scratchDir.db, one.fingerprint);
    expect(exchangeToken('ACME')).toEqual({ orgcode: 'ACME', kind: 'session', secret: 'one' });
    expect(thrownBy(() => exchangeToken('OTHER'))).toMatchObject({ code: 'crm.not_found' });
    await holdForTokens(scratchDir.db, two.fingerprint);
    expect(exchangeToken('ACME')).toMatchObject({ secret: 'two' });
    expect(holdsForTokens(scratchDir.db)).toBe(true);
    expect(
      listCallers(scratchDir.db)
        .map(({ for_tokens }) => for_tokens)
        .sort(),
    ).toEqual([0, 0, 1]);
    await expect(holdForTokens(scratchDir.db, 'unknown')).rejects.toThrow(HeldCredentialError);
    const sent = { orgcode: 'ACME', kind: 'oauth', secret: 'k', token } as const;
    expect(() => placeCredential(sent, undefined)).toThrow(/no place/);
  });
});

describe("a caller's key", () => {
  test('has the format of a store key, is shown once, and is exchanged for the upstream credential', async () => {
    const { caller_key, ...caller } = await hold({ orgcode: ' acme ' });
    expect(caller_key).toMatch(/^g3nk_[A-Za-z0-9_-]{43}$/);
    expect(caller).toEqual({
      fingerprint: fingerprint(caller_key),
      orgcode: 'ACME',
      kind: 'session',
      name: 'till 1',
      created_at: expect.stringMatching(/Z$/),
      replaced_at: null,
      for_tokens: 0,
    });
    expect(exchange(caller_key)).toEqual({ orgcode: 'ACME', kind: 'session', secret: UPSTREAM });
    expect(listCallers(scratchDir.db)).toEqual([caller]);
    expect((await hold()).caller_key).not.toBe(caller_key);
  });

  test('that is unknown or sent as a session is rejected with the same error as in the store', async () => {
    const { caller_key } = await hold();
    const world = await openWorld();
    const storeError = await errorOf(world, 'crm_stat', {}, { 'x-orgcode': 'ACME', 'x-api-key': 'wrong' });
    await world.close();
    const gatewayErrors = [
      thrownBy(() => exchange('wrong')),
      thrownBy(() => exchange(`${caller_key}x`)),
      thrownBy(() => exchange(caller_key, { kind: 'session' })),
      thrownBy(() => exchange(UPSTREAM)),
      thrownBy(() => exchange('')),
    ];
    for (const error of gatewayErrors) {
      const { request_id, trace_id } = storeError;
      expect(errorObject(error, { ...STAMP, request_id, trace_id })).toEqual(storeError);
    }
  });

  test('of one org does not exist in another', async () => {
    const { caller_key } = await hold();
    const error = thrownBy(() => exchange(caller_key, { orgcode: 'OTHER' }));
    expect(errorObject(error, STAMP)).toEqual(errorObject(notFound(), STAMP));
  });

  test('stays valid when its upstream credential is replaced', async () => {
    const { caller_key, ...caller } = await hold();
    const replaced = await replaceCredential(scratchDir.db, caller.fingerprint, 'renewed');
    expect(replaced).toEqual({ ...caller, replaced_at: expect.stringMatching(/Z$/) });
    expect(exchange(caller_key)).toEqual({ orgcode: 'ACME', kind: 'session', secret: 'renewed' });
  });

  test('that is revoked is rejected at once, and its record is deleted', async () => {
    const { caller_key, ...caller } = await hold();
    const exchangeHeld = createHeldCredentials(scratchDir.db);
    const credentials = { orgcode: 'ACME', kind: 'api_key' as const, secret: caller_key };
    expect(exchangeHeld(credentials).secret).toBe(UPSTREAM);
    expect(await revokeCaller(scratchDir.db, caller.fingerprint)).toEqual(caller);
    expect(thrownBy(() => exchangeHeld(credentials)).code).toBe('crm.credentials_invalid');
    expect(listCallers(scratchDir.db)).toEqual([]);
    for (const again of [revokeCaller, (db: typeof scratchDir.db, name: string) => replaceCredential(db, name, 'x')]) {
      await expect(again(scratchDir.db, caller.fingerprint)).rejects.toThrow(HeldCredentialError);
    }
  });

  test('given in place of a fingerprint is not quoted in the error', async () => {
    const { caller_key } = await hold();
    const error = await revokeCaller(scratchDir.db, caller_key).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(HeldCredentialError);
    expect(String(error)).not.toContain(caller_key);
  });

  test.each([
    ['no org code', { orgcode: ' ' }],
    ['an org code with a space', { orgcode: 'A B' }],
    ['an org code longer than a header value can be', { orgcode: 'A'.repeat(65) }],
    ['no secret', { secret: '' }],
    ['a secret with a line break', { secret: 'abc\ndef' }],
    ['a secret with two spaces', { secret: 'Bot abc def' }],
    ['a secret longer than a header value can be', { secret: 's'.repeat(4_097) }],
    ['no name', { name: ' ' }],
    ['a long name', { name: 'n'.repeat(101) }],
  ])('is not created for %s', async (_what, fields) => {
    await expect(hold(fields)).rejects.toThrow(HeldCredentialError);
    expect(listCallers(scratchDir.db)).toEqual([]);
  });

  test('can be created for at most 10,000 callers', async () => {
    const { fingerprint } = await hold();
    await scratchDir.db.write((connection) => {
      connection.run(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
          INSERT INTO held_credential (caller_hash, fingerprint, orgcode, kind, sealed, name, created_at)
          SELECT 'h' || i, 'f' || i, 'ACME', 'session', '', '', '' FROM n`,
      );
    });
    await expect(hold()).rejects.toThrow('10000 credentials are held already');
    await revokeCaller(scratchDir.db, fingerprint);
    await hold();
    expect(listCallers(scratchDir.db)).toHaveLength(10_000);
  });
});

describe('a held credential', () => {
  test('is not readable in the database files, nor is the caller key', async () => {
    const { caller_key, fingerprint } = await hold();
    await replaceCredential(scratchDir.db, fingerprint, `${UPSTREAM}-2`);
    const bytes = bytesOf(scratchDir.directory);
    expect(bytes.includes(fingerprint)).toBe(true); // proves that the search finds existing text
    for (const text of [UPSTREAM, caller_key, caller_key.slice(5)]) expect(bytes.includes(text)).toBe(false);
  });

  const COPIES: [string, string][] = [
    ['of another org', "orgcode = 'OTHER'"],
    ['of another key in the same org', "name = 'till 2'"],
  ];
  test.each(COPIES)('copied from a record %s does not decrypt', async (_what, where) => {
    const { caller_key } = await hold();
    await hold({ orgcode: 'OTHER' });
    await hold({ name: 'till 2' });
    const copied = `(SELECT other.sealed FROM held_credential other WHERE ${where})`;
    tamper(scratchDir.path, `UPDATE held_credential SET sealed = ${copied} WHERE orgcode = 'ACME' AND name = 'till 1'`);
    expect(thrownBy(() => exchange(caller_key))).toMatchObject({ code: 'crm.gateway_credential_unreadable' });
  });

  test.each([
    ['org', "orgcode = 'OTHER'", { orgcode: 'OTHER' }],
    ['kind', "kind = 'api_key'", {}],
  ])('does not decrypt with another %s', async (_what, change, fields) => {
    const { caller_key } = await hold();
    tamper(scratchDir.path, `UPDATE held_credential SET ${change}`);
    expect(thrownBy(() => exchange(caller_key, fields))).toMatchObject({ code: 'crm.gateway_credential_unreadable' });
  });

  test('does not decrypt with any byte altered, and the error only refers to the operator', async () => {
    const { caller_key } = await hold();
    const { sealed } = rowsOf(scratchDir.path, 'SELECT sealed FROM held_credential')[0] as { sealed: string };
    const whole = Buffer.from(sealed, 'base64');
    for (let at = 0; at < whole.length; at += 1) {
      const altered = Buffer.from(whole);
      altered[at] = (altered[at] ?? 0) ^ 1;
      tamper(scratchDir.path, 'UPDATE held_credential SET sealed = ?', altered.toString('base64'));
      const error = thrownBy(() => exchange(caller_key));
      expect(error).toMatchObject({
        code: 'crm.gateway_credential_unreadable',
        tag: 'internal-error',
        status: 500,
        retryable: false,
        details: { outcome: 'not_done' },
      });
      expect(nextStepsOf(error)).toEqual([expect.stringMatching(/^Ask the operator to replace/)]);
      expect(JSON.stringify(error)).not.toContain(UPSTREAM);
    }
    tamper(scratchDir.path, "UPDATE held_credential SET sealed = ''");
    expect(thrownBy(() => exchange(caller_key))).toMatchObject({ code: 'crm.gateway_credential_unreadable' });
  });
});
