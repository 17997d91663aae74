/**
 * 64-bit integers of imported operations: they reach the upstream with every digit, as the document says, and come back
 * so; and answers that are lists or scalars satisfy the schema that declares them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../src/contract/operation.js';
import { createValidate, issuesOf } from '../../src/contract/validate.js';
import { buildRequest } from '../../src/gateway/upstream-request.js';
import { HEADERS } from '../support/gateway.js';
import { answerDocument, bodyDocument, documentOf, jsonBody, onlyOperation, SUCCESS } from '../support/openapi.js';
import { closingUpstreams } from '../support/upstreams.js';
import type { Data } from '../support/world.js';

const { open } = closingUpstreams();

const INT64 = { type: 'integer', format: 'int64' };
const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';

const validators = new WeakMap<Operation, ReturnType<typeof createValidate>>();

function validate(operation: Operation, input: object): void {
  const own = validators.get(operation) ?? createValidate();
  validators.set(operation, own);
  own(operation, input);
}

/** The request of an operation, after validation. */
function requestOf(operation: Operation, input: object): { readonly path: string; readonly body: string | undefined } {
  validate(operation, input);
  const credentials = { orgcode: 'ACME', kind: 'api_key', secret: 'x' } as const;
  const stamp = { trace_id: 'a'.repeat(32) } as never;
  const request = buildRequest('', { operation, input: input as never, credentials, context: {}, stamp }, () => 1);
  return { path: request.path, body: request.body?.toString() };
}

function issuesOfCall(operation: Operation, input: object): Data {
  try {
    validate(operation, input);
    return [];
  } catch (error) {
    return (error as Data).details.issues;
  }
}

describe('an argument', () => {
  const put = onlyOperation(
    documentOf({
      '/things/{id}': {
        put: {
          parameters: [
            { name: 'id', in: 'path', required: true, schema: INT64 },
            { name: 'after', in: 'query', schema: { type: 'array', items: INT64 } },
          ],
          requestBody: jsonBody({
            type: 'object',
            properties: {
              owner: INT64,
              plain: { type: 'integer', minimum: 0 },
              amount: { type: 'number' },
              list: { type: 'array', items: { type: 'object', properties: { n: { ...INT64, nullable: true } } } },
              map: { type: 'object', additionalProperties: INT64 },
              name: { type: 'string' },
              either: { oneOf: [INT64, { type: 'string' }] },
              small: { ...INT64, maximum: 100 },
            },
          }),
          responses: SUCCESS,
        },
      },
    }),
  );

  test('of 64 bits is offered as an integer or as digits', () => {
    const { properties } = put.inputSchema as Data;
    const digits = { type: 'string', pattern: '^(0|-?[1-9]\\d{0,18})$' };
    expect(properties.owner).toEqual({ anyOf: [INT64, digits] });
    expect(properties.after.items).toEqual({ anyOf: [INT64, digits] });
    expect(properties.plain).toEqual({ type: 'integer', minimum: 0 });
    expect(properties.small).toEqual({ ...INT64, maximum: 100 });
  });

  test('as digits travels as the document says: a number in JSON, text elsewhere', () => {
    const digits = { owner: MAX, plain: '12345678901234567890', amount: '98765432109876543210', map: { a: MIN, b: 7 } };
    const more = { list: [{ n: MIN }, { n: 5 }, { n: '5' }, { n: null }], name: MAX, either: MAX };
    const { path, body } = requestOf(put, { id: MAX, after: [MIN, 1], ...digits, ...more });
    expect(path).toBe(`/things/${MAX}?after=${MIN}&after=1`);
    expect(body).toBe(
      `{"owner":${MAX},"plain":12345678901234567890,"amount":98765432109876543210,"map":{"a":${MIN},"b":7},` +
        `"list":[{"n":${MIN}},{"n":5},{"n":5},{"n":null}],"name":"${MAX}","either":"${MAX}"}`,
    );
  });

  test('of any 64-bit integer arrives with the same digits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: BigInt(MIN), max: BigInt(MAX) }), (integer) => {
        expect(requestOf(put, { id: 1, owner: String(integer) }).body).toBe(`{"owner":${integer}}`);
      }),
    );
  });

  test.each([
    { owner: '1.5' },
    { owner: '007' },
    { owner: 'ten' },
    { owner: '' },
    { owner: '-0' },
    { owner: `${MAX}0` },
    { plain: '5' },
    { plain: -1 },
    { small: '12345678901234567890' },
    { small: 101 },
    { map: { a: '1e3' } },
  ])('%j is not valid', (input) => {
    const [issue] = issuesOfCall(put, { id: 1, ...input });
    expect(issue.path.split('.')[0]).toBe(Object.keys(input)[0]);
  });

  test('in a union becomes a number only in the branch that the value fits', () => {
    const branch = (kind: string, id: object) => ({
      type: 'object',
      properties: { kind: { type: 'string', enum: [kind] }, id },
      required: ['kind', 'id'],
    });
    const shapes = onlyOperation(bodyDocument({ oneOf: [branch('a', INT64), branch('b', { type: 'string' })] }));
    const sent = (kind: string) => requestOf(shapes, { body: { kind, id: MAX } }).body;
    expect(sent('a')).toBe(`{"kind":"a","id":${MAX}}`);
    expect(sent('b')).toBe(`{"kind":"b","id":"${MAX}"}`);
  });

  test('in a request with our envelope becomes a number too', () => {
    const data = { type: 'object', properties: { done: { type: 'boolean' } } };
    const schema = { type: 'object', properties: { success: { type: 'boolean' }, data } };
    const responses = { 200: { description: 'OK', content: { 'application/json': { schema } } } };
    const post = { requestBody: jsonBody({ type: 'object', properties: { n: INT64 } }), responses };
    const shaped = onlyOperation(documentOf({ '/thing': { post } }));
    expect(shaped.imported).toBeUndefined();
    expect(requestOf(shaped, { n: MAX }).body).toBe(`{"n":${MAX}}`);
  });
});

/** Calls the only operation of a document whose upstream answers with this text. */
async function answerTo(schema: object, text: string, validation: 'warn' | 'strict' = 'strict') {
  const operation = onlyOperation(answerDocument(schema));
  const { gateway } = await open(({ answer }) => answer(200, Buffer.from(text)), {
    responseValidation: validation,
    dataSchemaOf: ({ dataSchema }) => dataSchema,
  });
  const envelope = await gateway.envelopeOf(operation, {}, { headers: HEADERS });
  const { outputSchema } = operation;
  if (envelope.success) expect(issuesOf(outputSchema, { success: true, data: envelope.data })).toEqual([]);
  return { envelope, events: gateway.events };
}

describe('an answer', () => {
  const record = {
    type: 'object',
    properties: { id: INT64, n: { type: 'integer' }, ids: { type: 'array', items: INT64 } },
  };

  test('with integers beyond 2^53 has them as text, declared or not, and no drift is reported', async () => {
    const text = `{"id":${MAX},"n":12345678901234567890,"ids":[1,${MIN}],"other":${MAX},"small":5}`;
    const { envelope, events } = await answerTo(record, text);
    expect(envelope).toMatchObject({
      success: true,
      data: { id: MAX, n: '12345678901234567890', ids: [1, MIN], other: MAX, small: 5 },
    });
    expect(events).toEqual([]);
  });

  test.each([
    ['a list', { type: 'array', items: record }, `[{"id":1},{"id":${MAX}}]`, { items: [{ id: 1 }, { id: MAX }] }],
    ['an empty list', { type: 'array', items: record }, '[]', { items: [] }],
    ['text', { type: 'string' }, '"x"', { value: 'x' }],
    ['a number', { type: 'integer' }, MAX, { value: MAX }],
    ['a list or null', { type: 'array', nullable: true, items: record }, 'null', {}],
    ['a record or a list', { oneOf: [record, { type: 'array', items: record }] }, '[{"id":1}]', { items: [{ id: 1 }] }],
    ['a record or a list', { oneOf: [record, { type: 'array', items: record }] }, '{"id":1}', { id: 1 }],
  ])('declared as %s is no drift', async (_name, schema, text, data) => {
    const { envelope, events } = await answerTo({ ...schema }, text);
    expect(events).toEqual([]);
    expect(envelope).toMatchObject({ success: true, data });
  });

  test.each([
    [{ type: 'array', items: record }, '[{"id":"x"}]'],
    [{ type: 'array', items: record }, '{"id":1}'],
    [{ ...record, required: ['id'] }, '[{"id":1}]'],
    [{ type: 'string' }, '5'],
    [{ type: 'integer' }, '"12"'],
  ])('that is not what %j declares still is: %s', async (schema, text) => {
    const refused = await answerTo(schema, text);
    expect(refused.events.map(({ kind }) => kind)).toEqual(['schema_drift']);
    expect(refused.envelope.success).toBe(false);
  });

  test('that is a list declares so in its output schema, and is untrusted text where it holds text', () => {
    const named = { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } };
    const operation = onlyOperation(answerDocument({ type: 'array', items: named }));
    expect(JSON.stringify(operation.outputSchema)).toContain('a list in the field items');
    expect(operation.trusted).toEqual(['items.*.id']);
  });
});
