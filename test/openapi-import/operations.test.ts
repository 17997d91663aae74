/** Imported operations: their ids, effects, access classes, texts, and which ones are omitted. */
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../src/contract/operation.js';
import { reportLines } from '../../src/openapi-import/import-report.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { documentOf, imported, jsonBody, type Loose, omission, onlyOperation, SUCCESS } from '../support/openapi.js';

const operation = (rest: Loose = {}): Loose => ({ responses: SUCCESS, ...rest });

/** Imports one operation per operationId, each at its own path, and returns their ids in the given order. */
function idsOf(operationIds: readonly Loose[], pathOf = (index: number) => `/p${index}`): readonly string[] {
  const paths = operationIds.map((operationId, index) => [pathOf(index), { get: operation({ operationId }) }]);
  const { operations } = imported(documentOf(Object.fromEntries(paths))).contract;
  return operationIds.map((_, index) => operations.find(({ path }) => path === pathOf(index))?.id ?? '');
}

describe('operation ids', () => {
  test.each([
    ['listPetsByStatus', 'list_pets_by_status'],
    ['repos/get-content', 'repos_get_content'],
    ['Pets_GET', 'pets_get'],
    ['getHTTPStatus', 'get_http_status'],
    ['ÉtatDuCompte', 'etat_du_compte'],
    ['2faEnable', 'op_2fa_enable'],
    ['customer_create', 'customer_create'],
    ['a\u202Eb\u200Bc', 'a_b_c'],
    ['__proto__', 'proto'],
    ['constructor', 'constructor'],
  ])('%s becomes %s', (operationId, id) => expect(idsOf([operationId])).toEqual([id]));

  test.each([[undefined], [''], [7], [{ a: 1 }], [['a']], [null], ['客户'], ['---']])(
    'an operationId of %j is replaced by method and path',
    (operationId) => expect(idsOf([operationId], () => '/pets/{petId}/toys')).toEqual(['get_pets_pet_id_toys']),
  );

  test('shared by several operations are replaced by method and path', () => {
    expect(idsOf(['list', 'list', 'other'])).toEqual(['get_p0', 'get_p1', 'other']);
  });

  test('that are too long are cut at the end of a word', () => {
    expect(idsOf(['list_all_of_the_subscriptions_of_an_enterprise'])).toEqual(['list_all_of_the_subscriptions_of_an']);
    expect(idsOf(['x'.repeat(100)])).toEqual(['x'.repeat(36)]);
  });

  test('that are cut stay unique and do not depend on the order of the operations', () => {
    const long = (end: string) => `update_the_configuration_of_every_${end}`;
    const ends = ['one', 'two', 'three', 'onetwothree'];
    const ids = idsOf(ends.map(long));
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^update_the_configuration_of_[a-z0-9]{5}$/);
    const reversed = idsOf([...ends].reverse().map(long), (index) => `/p${3 - index}`);
    expect([...reversed].reverse()).toEqual(ids);
  });

  test('may equal an id of our own contract', () => {
    const document = documentOf({ '/a': { get: operation({ operationId: 'customerCreate' }) } });
    const entry = createCatalogue(imported(document).contract).find('crm_customer_create');
    expect(entry?.operation.path).toBe('/a');
  });
});

describe('effects', () => {
  const effectOf = (method: string, rest: Loose = {}, path = '/pets') =>
    onlyOperation(documentOf({ [path]: { [method]: operation(rest) } })).effect;

  test.each([
    ['get', 'read'],
    ['head', 'read'],
    ['post', 'destroy'],
    ['put', 'destroy'],
    ['patch', 'destroy'],
    ['delete', 'destroy'],
    ['options', 'destroy'],
  ])('%s without x-effect is %s by default', (method, effect) => expect(effectOf(method)).toBe(effect));

  test('are taken from x-effect when it is one of the four known values', () => {
    expect(effectOf('post', { 'x-effect': 'append' })).toBe('append');
    expect(effectOf('get', { 'x-effect': 'revise' })).toBe('revise');
    for (const wrong of ['READ', 'nothing', 7, ['read'], { read: true }, null]) {
      expect(effectOf('post', { 'x-effect': wrong }), JSON.stringify(wrong)).toBe('destroy');
    }
  });

  test('are taken from our contract when method and path match one of our operations', () => {
    expect(effectOf('post', {}, '/customer/list')).toBe('read');
    expect(effectOf('post', {}, '/crm/customer/list')).toBe('read');
    expect(effectOf('put', {}, '/customer/list')).toBe('destroy');
  });
});

describe('access', () => {
  const accessOf = (rest: Loose, top: Loose = {}, path = '/pets') => {
    const { operations, roles } = imported(documentOf({ [path]: { post: operation(rest) } }, top)).contract;
    return [operations[0]?.access, roles[operations[0]?.access ?? '']] as const;
  };

  test('is left to the upstream when neither the document nor our contract defines it', () => {
    expect(accessOf({})).toEqual(['session', []]);
    expect(accessOf({ 'x-access': 'nobody-knows' })).toEqual(['session', []]);
    expect(accessOf({ 'x-access': 'constructor' })).toEqual(['session', []]);
  });

  test('is a class of the document’s x-roles table, or of ours', () => {
    expect(accessOf({ 'x-access': 'vet' }, { 'x-roles': { vet: ['doctor'] } })).toEqual(['vet', ['doctor']]);
    expect(accessOf({ 'x-access': 'loyalty' })).toEqual(['loyalty', ['loyalty_admin']]);
    expect(accessOf({}, {}, '/loyalty/earn')).toEqual(['loyalty', ['loyalty_admin']]);
    expect(accessOf({}, { 'x-roles': { vet: ['doctor'] } }, '/loyalty/earn')).toEqual(['session', undefined]);
  });

  test.each([[null], [[]], [{}], [{ vet: 'doctor' }], [{ vet: [7] }], [{ vet: ['Ignore all'] }]])(
    'ignores a table like %j',
    (roles) =>
      expect(accessOf({ 'x-access': 'loyalty' }, { 'x-roles': roles })).toEqual(['loyalty', ['loyalty_admin']]),
  );
});

describe('summaries and descriptions', () => {
  const of = (rest: Loose): Operation => onlyOperation(documentOf({ '/pets': { get: operation(rest) } }));

  test('lose invisible characters, and long ones are cut', () => {
    const { summary, description, family } = of({
      summary: `List\u202E\u200B pets\n${'and '.repeat(40)}`,
      description: `\u0007Safe\u{E0049}. ${'word '.repeat(1000)}`,
      tags: ['Pe\u200Bts'],
    });
    expect(summary).toBe('List pets and and and and and and and and and and and and…');
    expect(description).toMatch(/^Safe\. (word )+word…$/);
    expect(description.length).toBeLessThanOrEqual(600);
    expect(family).toBe('Pets');
  });

  test('that are missing are derived from the texts that are present', () => {
    expect(of({ description: 'Lists pets. All of them.' }).summary).toBe('Lists pets.');
    expect(of({ summary: 'List pets' }).description).toBe('List pets');
    expect(of({})).toMatchObject({ summary: 'GET /pets', description: 'GET /pets', family: 'pets' });
    for (const wrong of [7, null, ['a'], { a: 1 }]) {
      const { summary, description } = of({ summary: wrong, description: wrong, tags: wrong });
      expect([summary, description]).toEqual(['GET /pets', 'GET /pets']);
    }
  });

  test('state that an operation is deprecated', () => {
    expect(of({ deprecated: true, description: 'Lists pets.' }).description).toBe('Deprecated. Lists pets.');
  });
});

describe('an operation is omitted with the reason for', () => {
  test.each([
    ['a path with a query', '/pets?op=list', 'its path is not one that can be called'],
    ['a path with a fragment', '/#Action=List', 'its path is not one that can be called'],
    ['a path with a space', '/a b', 'its path is not one that can be called'],
    ['a path with a line break', '/a\r\nb', 'its path is not one that can be called'],
    ['a path that is too long', `/${'a'.repeat(500)}`, 'its path is not one that can be called'],
    ['a path with a .. segment', '/a/../b', 'its path leads elsewhere'],
    ['a path with a percent-encoded .. segment', '/a/%2e%2E/b', 'its path leads elsewhere'],
  ])('%s', (_name, path, reason) => expect(omission(documentOf({ [path]: { get: operation() } }))).toBe(reason));

  test.each([
    ['TRACE', { trace: operation() }, 'TRACE is for diagnosis'],
    ['an operation that is a list', { get: [] }, 'it is not an object'],
    ['an operation that is null', { get: null }, 'it is not an object'],
    ['a path item that references a missing one', { $ref: '#/paths/~1other' }, '$ref #/paths/~1other leads nowhere'],
    ['a path item that references itself', { $ref: '#/paths/~1pets' }, '$ref #/paths/~1pets leads in a circle'],
    ['a path item that is a string', 'pets', 'it is not an object'],
    [
      'a response of images',
      { get: operation({ responses: { 200: { content: { 'image/png': {} } } } }) },
      'response is image/png, not JSON',
    ],
    [
      'a response of images, whose errors are JSON',
      { get: operation({ responses: { 200: { content: { 'image/png': {} } }, default: SUCCESS[200] } }) },
      'response is image/png, not JSON',
    ],
    [
      'an operation served by another host',
      { get: operation({ servers: [{ url: 'https://elsewhere.example' }] }) },
      'it is served by another server',
    ],
  ])('%s', (_name, item, reason) => {
    expect(omission(documentOf({ '/pets': item }, { servers: [{ url: 'https://api.example.com/v1' }] }))).toBe(reason);
  });

  test('itself alone; the other operations are offered', () => {
    const document = documentOf({
      '/good': {
        get: operation(),
        post: operation({ requestBody: { required: true, content: { 'multipart/mixed': {} } } }),
      },
      '/bad': { get: operation({ parameters: [{ $ref: 'http://example.com/p.json' }] }) },
      'x-note': { get: operation() },
    });
    const { contract, report } = imported(document);
    expect(contract.operations.map(({ id }) => id)).toEqual(['get_good']);
    expect(reportLines(report)).toEqual([
      '3 operations in the document, 1 offered as tools, 2 left out',
      '  POST /good: body is multipart/mixed, which cannot be sent',
      '  GET /bad: $ref http://example.com/p.json leads out of the document',
    ]);
  });

  test('by one line for each reason, with the number of operations and the first of them', () => {
    const many = Array.from({ length: 300 }, (_, index) => [`/p${index}?`, { get: operation() }]);
    const cookie = { name: 'c', in: 'cookie', schema: {} };
    const other = { '/t': { trace: operation() }, '/c': { get: operation({ parameters: [cookie] }) } };
    const { report } = imported(documentOf({ ...Object.fromEntries(many), ...other }));
    expect([report.omitted.length, report.omittedCount, report.omittedPartsCount]).toEqual([301, 301, 1]);
    expect(report.omittedParts).toEqual([{ operation: 'GET /c', part: 'cookie parameter c', reason: 'is a cookie' }]);
    expect(reportLines(report)).toEqual([
      '302 operations in the document, 1 offered as tools, 301 left out',
      '  300 times its path is not one that can be called: GET /p0?, GET /p1?, GET /p2?, and 297 more',
      '  TRACE /t: TRACE is for diagnosis',
      '1 parts of offered operations left out',
      '  GET /c: cookie parameter c is a cookie',
    ]);
    expect(reportLines(report, 1)[2]).toBe('  and 1 more');
  });

  test('in a report of at most 20,000 entries and 500 characters a line', () => {
    const parameters = Array.from({ length: 100 }, (_, index) => ({ name: `c${index}`, in: 'cookie' }));
    const path = (index: number) => `/${'x'.repeat(300)}${index}`;
    const many = Array.from({ length: 300 }, (_, index) => [path(index), { get: operation({ parameters }) }]);
    const { report } = imported(documentOf(Object.fromEntries(many)));
    expect([report.omittedParts.length, report.omittedPartsCount]).toEqual([20_000, 30_000]);
    const lines = reportLines(report);
    expect(lines.at(-1)).toBe('  and 10000 more');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(500);
  });
});

describe('a path', () => {
  test('item that is a reference is resolved, and its own operations are added', () => {
    const document = documentOf(
      { '/pets': { $ref: '#/components/pathItems/Pets', post: operation({ operationId: 'add' }) } },
      { components: { pathItems: { Pets: { get: operation({ operationId: 'list' }) } } } },
    );
    expect(imported(document).contract.operations.map(({ id, path }) => [id, path])).toEqual([
      ['add', '/pets'],
      ['list', '/pets'],
    ]);
  });

  test('item may use a response that is a reference', () => {
    const responses = { 200: { $ref: '#/components/responses/R' } };
    const R = { content: { 'application/json': { schema: { type: 'object', properties: { a: {} } } } } };
    const document = documentOf({ '/p': { get: { responses } } }, { components: { responses: { R } } });
    expect(onlyOperation(document).outputSchema.properties).toMatchObject({ data: { description: 'Fields: a' } });
  });
});

test('an operation gets no import details when its request and response are shaped like ours', () => {
  const envelope = { type: 'object', properties: { success: { type: 'boolean' }, data: { type: 'object' } } };
  const responses = { 200: { content: { 'application/json': { schema: envelope } } } };
  const requestBody = jsonBody({ type: 'object', properties: { a: { type: 'string' } } });
  const of = (method: string, rest: Loose = {}) =>
    onlyOperation(documentOf({ '/p': { [method]: { responses, ...rest } } }));
  expect(of('get').imported).toBeUndefined();
  expect(of('post', { requestBody }).imported).toBeUndefined();
  expect(of('post').imported).toEqual({ parameters: [], bodiless: true, enveloped: true });
  for (const data of [{ type: 'array', items: {} }, { type: 'string' }, {}]) {
    const schema = { type: 'object', properties: { success: { type: 'boolean' }, data } };
    const responsesWithData = { 200: { content: { 'application/json': { schema } } } };
    expect(of('get', { responses: responsesWithData }).imported).toMatchObject({ enveloped: true });
  }
  expect(of('put', { requestBody }).imported).toEqual({ parameters: [], bodiless: false, enveloped: true });
  expect(of('post', { requestBody, responses: SUCCESS }).imported).toMatchObject({ enveloped: false });
});
