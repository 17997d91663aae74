/** Validation of upstream responses against the contract's schemas: the modes warn, strict and off. */
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../src/contract/operation.js';
import { operationOf } from '../support/gateway.js';
import { RESPONSES } from '../support/responses.js';
import { successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { open } = closingUpstreams();

const schemaOf = ({ id }: Operation) => RESPONSES.get(id);
const PERSON = 'Erika Mustermann';

describe('in mode warn, the gateway', () => {
  test('relays a response that violates its schema, and reports where without personal data', async () => {
    const data = { items: [{ customer_id: 5, caption: PERSON, attributes: { [PERSON]: [] } }], next_token: null };
    const { gateway } = await open(({ answer }) => answer(200, successOf(data)), {
      responseValidation: 'warn',
      dataSchemaOf: schemaOf,
    });
    expect(await gateway.ok('customer_list')).toEqual(data);
    expect(gateway.events).toEqual([
      {
        kind: 'schema_drift',
        operation: 'customer_list',
        count: 1,
        at: expect.stringMatching(/^#\/properties\/items\//),
        keyword: expect.any(String),
      },
    ]);
    expect(JSON.stringify([gateway.events, gateway.logged])).not.toContain('Mustermann');
  });

  test('counts the violations of each operation, and reports the first three', async () => {
    const { gateway } = await open(({ answer }) => answer(200, successOf({})), {
      responseValidation: 'warn',
      dataSchemaOf: schemaOf,
    });
    for (let call = 0; call < 5; call += 1) await gateway.ok('customer_get');
    await gateway.ok('account_get');
    expect(gateway.events.map((event) => 'count' in event && [event.operation, event.count])).toEqual([
      ['customer_get', 1],
      ['customer_get', 2],
      ['customer_get', 3],
      ['account_get', 1],
    ]);
  });

  test('does not check operations without a schema, and reports an unusable schema once', async () => {
    const withoutSchema = await open(undefined, { responseValidation: 'warn', dataSchemaOf: () => undefined });
    await withoutSchema.gateway.ok('customer_get');
    expect(withoutSchema.gateway.events).toEqual([]);
    for (const dataSchemaOf of [
      () => ({ type: 'no-such-type' }),
      () => Promise.reject(new Error('gone')),
      () => {
        throw new Error('gone');
      },
    ]) {
      const { gateway } = await open(undefined, { responseValidation: 'warn', dataSchemaOf });
      for (let call = 0; call < 3; call += 1) await gateway.ok('customer_get');
      expect(gateway.events).toEqual([{ kind: 'schema_unusable', operation: 'customer_get' }]);
    }
  });

  test('ignores OpenAPI annotations and extensions anywhere in a schema', async () => {
    const schema = {
      type: 'object',
      example: {},
      'x-origin': 'y',
      properties: { done: { type: 'boolean', 'x-personal': true, xml: {} } },
    };
    const { gateway } = await open(undefined, { responseValidation: 'warn', dataSchemaOf: () => schema });
    await gateway.ok('customer_get');
    expect(gateway.events).toEqual([]);
  });
});

describe('in mode strict, the gateway', () => {
  test('fails a read whose response violates its schema, and reports the location in the schema', async () => {
    const { upstream, gateway } = await open(({ answer }) => answer(200, successOf({ caption: PERSON })), {
      responseValidation: 'strict',
      dataSchemaOf: schemaOf,
    });
    const error = await gateway.errorOf('customer_get');
    expect(error).toMatchObject({
      error_code: 'crm.gateway_bad_reply',
      http_status: 502,
      retryable: false,
      details: { reason: 'schema', path: '#/required' },
    });
    expect(JSON.stringify(error)).not.toContain('Mustermann');
    expect(upstream.requestsAfterStat()).toHaveLength(1);
  });

  test('never fails a write, because it has already happened', async () => {
    const { gateway } = await open(undefined, { responseValidation: 'strict', dataSchemaOf: schemaOf });
    expect(await gateway.ok('customer_create')).toEqual({ done: true });
    expect(gateway.events).toMatchObject([{ kind: 'schema_drift', operation: 'customer_create' }]);
  });

  test('does not check error responses', async () => {
    const { gateway } = await open(({ answer }) => answer(404, { success: false, error: { http_status: 404 } }), {
      responseValidation: 'strict',
      dataSchemaOf: schemaOf,
    });
    expect((await gateway.errorOf('customer_get')).http_status).toBe(404);
    expect(gateway.events).toEqual([]);
  });
});

test('in mode off, the gateway requests no schema', async () => {
  const { gateway } = await open(undefined, {
    responseValidation: 'off',
    dataSchemaOf: () => {
      throw new Error('asked for');
    },
  });
  expect(await gateway.ok('customer_get')).toEqual({ done: true });
  expect(operationOf('customer_get').effect).toBe('read');
  expect(gateway.events).toEqual([]);
});
