/** The security of imported operations: where the caller's credential is sent, and what is reported. */
import { describe, expect, test } from 'vitest';
import { sentenceOf } from '../../src/openapi-import/import-report.js';
import { documentOf, imported, type Loose, onlyOperation, SUCCESS } from '../support/openapi.js';

const SCHEMES = {
  bearer: { type: 'http', scheme: 'Bearer' },
  basic: { type: 'http', scheme: 'basic' },
  digest: { type: 'http', scheme: 'digest' },
  oauth2: { type: 'oauth2', flows: {} },
  oidc: { type: 'openIdConnect', openIdConnectUrl: 'https://x.example' },
  header: { type: 'apiKey', in: 'header', name: 'X-Secret' },
  bot: { type: 'apiKey', in: 'header', name: 'Authorization' },
  query: { type: 'apiKey', in: 'query', name: 'token' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'sid' },
  host: { type: 'apiKey', in: 'header', name: 'Host' },
  evil: { type: 'apiKey', in: 'header', name: 'a\r\nb' },
  body: { type: 'apiKey', in: 'body', name: 'a' },
  mtls: { type: 'mutualTLS' },
  linked: { $ref: '#/components/securitySchemes/query' },
  org: { type: 'apiKey', in: 'header', name: 'X-OrgCode' },
  session: { type: 'apiKey', in: 'header', name: 'x-session-guid' },
  key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
};

/** A document of one operation with this security; each name is an alternative, `a+b` are both needed. */
function documentWith(security: readonly string[] | undefined, top?: readonly string[]): Loose {
  const listed = (names: readonly string[]) =>
    names.map((name) => Object.fromEntries(name === '' ? [] : name.split('+').map((scheme) => [scheme, []])));
  const get = { responses: SUCCESS, ...(security === undefined ? {} : { security: listed(security) }) };
  return documentOf(
    { '/p': { get } },
    { components: { securitySchemes: SCHEMES }, ...(top === undefined ? {} : { security: listed(top) }) },
  );
}

const BEARER = { in: 'header', name: 'authorization', scheme: 'Bearer' };

describe('the credential is sent', () => {
  test.each<[string, string[] | undefined, string[] | undefined, object | undefined]>([
    ['as a bearer token', ['bearer'], undefined, BEARER],
    ['as an access token of OAuth2', ['oauth2'], undefined, BEARER],
    ['as an access token of OpenID Connect', ['oidc'], undefined, BEARER],
    ['as user and password', ['basic'], undefined, { in: 'header', name: 'authorization', scheme: 'Basic' }],
    ['in a header', ['header'], undefined, { in: 'header', name: 'x-secret' }],
    ['in the header of another scheme', ['bot', ''], undefined, { in: 'header', name: 'authorization' }],
    ['in the query', ['query'], undefined, { in: 'query', name: 'token' }],
    ['in a cookie', ['cookie'], undefined, { in: 'cookie', name: 'sid' }],
    ['as a referenced scheme says', ['linked'], undefined, { in: 'query', name: 'token' }],
    ['as the document says for all operations', undefined, ['bearer'], BEARER],
    ['as the operation says instead', ['query'], ['bearer'], { in: 'query', name: 'token' }],
    ['in the first way that is possible', ['header+query', 'mtls', 'cookie'], undefined, { in: 'cookie', name: 'sid' }],
    ['once, where two schemes have the same place', ['bearer+oauth2'], undefined, BEARER],
    ['beside the org code', ['org+header'], undefined, { in: 'header', name: 'x-secret' }],
    ['although it is optional', ['', 'bearer'], undefined, BEARER],
    ['nowhere, to a public operation', [], ['bearer'], { in: 'nowhere', name: '' }],
    ['nowhere, when nothing is required', [''], undefined, { in: 'nowhere', name: '' }],
    ['as the contract does, for its schemes', ['org+session', 'org+key'], undefined, undefined],
    ['as the contract does, for a document without security', undefined, undefined, undefined],
    ['as a key alone', ['key'], undefined, { in: 'header', name: 'x-api-key' }],
  ])('%s', (_name, security, top, place) => {
    const document = documentWith(security, top);
    expect(onlyOperation(document).imported?.credential).toEqual(place);
    expect(imported(document).report.omittedPartsCount).toBe(0);
  });

  test.each([
    ['header+query', 'must be 2 at once (header, query), and a caller has one'],
    ['mtls', 'is a client certificate, which cannot be sent'],
    ['digest', 'is of the HTTP scheme digest, which cannot be sent'],
    ['none', 'is not declared'],
    ['host', 'is a header that cannot be set'],
    ['evil', 'cannot be read'],
    ['body', 'cannot be read'],
  ])('as the contract does, and reported, for %s', (name, reason) => {
    const document = documentWith([name]);
    expect(onlyOperation(document).imported).not.toHaveProperty('credential');
    expect(imported(document).report.omittedParts.map(sentenceOf)).toEqual([`credential ${reason}`]);
  });
});
