/** Where the caller's credential stands in a request to the upstream of an imported document. */
import { describe, expect, test } from 'vitest';
import { CrmError } from '../../src/contract/errors.js';
import type { CredentialPlace } from '../../src/contract/operation.js';
import { placeCredential } from '../../src/gateway/credential-place.js';
import { createRedaction } from '../../src/gateway/credential-redaction.js';
import { SECRET } from '../support/gateway.js';
import { documentOf, type Loose, onlyOperation, SUCCESS } from '../support/openapi.js';
import { closingUpstreams } from '../support/upstreams.js';

const { open } = closingUpstreams();

const placed = (secret: string, place: CredentialPlace | undefined, kind: 'api_key' | 'session' = 'api_key') =>
  placeCredential({ orgcode: 'ACME', kind, secret }, place);

const header = (scheme?: 'Bearer' | 'Basic'): CredentialPlace => ({
  in: 'header',
  name: 'authorization',
  ...(scheme === undefined ? {} : { scheme }),
});

describe('a credential', () => {
  test.each<[string, CredentialPlace | undefined, object, string | undefined]>([
    ['s3cret', undefined, { 'x-api-key': 's3cret' }, undefined],
    ['s3cret', header('Bearer'), { authorization: 'Bearer s3cret' }, undefined],
    ['bearer s3cret', header('Bearer'), { authorization: 'bearer s3cret' }, undefined],
    ['Bot s3cret', header(), { authorization: 'Bot s3cret' }, undefined],
    ['user:pa:ss', header('Basic'), { authorization: `Basic ${btoa('user:pa:ss')}` }, undefined],
    ['s3cret', header('Basic'), { authorization: `Basic ${btoa('s3cret:')}` }, undefined],
    ['a&b=c ', { in: 'query', name: 'k[y]' }, {}, 'k%5By%5D=a%26b%3Dc%20'],
    ['s3cret', { in: 'cookie', name: 'sid' }, { cookie: 'sid=s3cret' }, undefined],
    ['s3cret', { in: 'nowhere', name: '' }, {}, undefined],
  ])('%s goes into %j as %j', (secret, place, headers, query) => {
    expect(placed(secret, place)).toEqual({ headers: { 'x-orgcode': 'ACME', ...headers }, query });
  });

  test('of a session has its own header only where the document says nothing', () => {
    expect(placed('s', undefined, 'session').headers).toHaveProperty('x-session-guid', 's');
    expect(placed('s', header('Bearer'), 'session').headers).toEqual({
      'x-orgcode': 'ACME',
      authorization: 'Bearer s',
    });
  });

  test.each(['a\r\nx: y', 'a\0', '\u20ac'])('%j is never sent', (secret) => {
    for (const place of [undefined, header('Bearer'), { in: 'query', name: 'k' } as const]) {
      expect(() => placed(secret, place)).toThrow(CrmError);
    }
  });

  test.each(['a;b', 'a,b', 'a b', 'a"b', 'a\\b'])('%j is never sent in a cookie', (secret) => {
    expect(() => placed(secret, { in: 'cookie', name: 'sid' })).toThrow(CrmError);
  });
});

test.each(['user:passw0rd-12', 'Bot passw0rd-12'])('the secret part of %s is replaced in answers too', (secret) => {
  const { redact } = createRedaction(secret);
  const answer = { error: `bad passw0rd-12 or ${btoa('passw0rd-12')}`, user: 'user' };
  expect(redact(answer)).toEqual({ error: expect.not.stringMatching(/passw0rd|cGFzc3cwcmQ/), user: 'user' });
});

test('the upstream receives it in the place of its document, and in no other', async () => {
  const securitySchemes = {
    token: { type: 'http', scheme: 'bearer' },
    key: { type: 'apiKey', in: 'query', name: 'key' },
  };
  const operationWith = (security: Loose) => {
    const parameters = [{ name: 'q', in: 'query', schema: { type: 'string' } }];
    const get = { parameters, security, responses: SUCCESS };
    return onlyOperation(documentOf({ '/p': { get } }, { components: { securitySchemes } }));
  };
  const { upstream, gateway } = await open(({ answer }) => answer(200, {}));
  await gateway.envelopeOf(operationWith([{ token: [] }]), {});
  await gateway.envelopeOf(operationWith([{ key: [] }]), { q: 'a' });
  await gateway.envelopeOf(operationWith([]), {});
  const requests = upstream.requestsAfterStat();
  expect(requests[0]?.headers).toMatchObject({ authorization: `Bearer ${SECRET}`, 'x-orgcode': 'ACME' });
  expect(requests[1]?.path).toBe(`/crm/p?q=a&key=${SECRET}`);
  expect(requests.map(({ raw }) => raw.split(SECRET).length - 1)).toEqual([1, 1, 0]);
});
