/** An answer about another org, or another record than the one asked for, is refused in every mode. */
import { describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { JsonSchema, Operation } from '../../src/contract/operation.js';
import { exampleOf, operationOf } from '../support/gateway.js';
import { imported } from '../support/openapi.js';
import { RESPONSES } from '../support/responses.js';
import { STAT, successOf } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { open } = closingUpstreams();
const schemaOf = ({ id }: Operation) => RESPONSES.get(id);

/** An object that has `value` at a path. */
function dataWith(path: string, value: unknown): unknown {
  return path.split('.').reduceRight((inner, step) => (step === '*' ? [inner] : { [step]: inner }), value);
}

const BAD_REPLY = { error_code: 'crm.gateway_bad_reply', http_status: 502, retryable: false };

describe.each(['warn', 'strict', 'off'] as const)('in mode %s, an answer', (responseValidation) => {
  /** Opens a gateway whose upstream gives the answer that `ask` is called with. */
  const openAsking = async () => {
    let reply: object = {};
    const { upstream, gateway } = await open(({ answer }) => answer(200, reply), {
      responseValidation,
      dataSchemaOf: schemaOf,
    });
    return async (operation: Operation, data: unknown, more: object = {}) => {
      reply = successOf(data, more);
      const before = upstream.received.length;
      const envelope = await gateway.envelopeOf(operation);
      return { envelope, sent: upstream.received.slice(before).filter(({ path }) => path !== '/crm/stat').length };
    };
  };

  test('with the org code of another org is refused, for every operation whose records have one', async () => {
    const operations = CONTRACT.operations.filter(({ id, orgcodes = [] }) => id !== 'stat' && orgcodes.length > 0);
    expect(operations.length).toBeGreaterThan(40);
    const ask = await openAsking();
    for (const operation of operations) {
      const [path = ''] = operation.orgcodes ?? [];
      const { envelope, sent } = await ask(operation, dataWith(path, 'OTHER'));
      const outcome = operation.effect === 'read' ? {} : { outcome: 'unknown' };
      const details = { reason: 'other_org', path, ...outcome };
      expect(envelope, operation.id).toMatchObject({ success: false, error: { ...BAD_REPLY, details } });
      expect(sent, operation.id).toBe(1);
      expect(JSON.stringify(envelope)).not.toContain('OTHER');
    }
  });

  test('about another record than the one asked for is refused, for every operation that takes an id', async () => {
    const operations = CONTRACT.operations.filter(({ recordIds }) => recordIds !== undefined);
    expect(operations.length).toBeGreaterThan(30);
    const ask = await openAsking();
    for (const operation of operations) {
      const [[field, path] = ['', '']] = Object.entries(operation.recordIds ?? {});
      const args = exampleOf(operation) as Record<string, unknown>;
      if (args[field] === undefined) continue;
      const { envelope } = await ask(operation, dataWith(path, 'another'));
      expect(envelope, operation.id).toMatchObject({
        error: { ...BAD_REPLY, details: { reason: 'other_record', path } },
      });
      const same = await ask(operation, { ...(dataWith(path, args[field]) as object), orgcode: ' acme' });
      if (responseValidation !== 'strict') expect(same.envelope.success, operation.id).toBe(true);
    }
  });

  test('whose stats name another org is refused', async () => {
    const ask = await openAsking();
    const { envelope } = await ask(operationOf('customer_list'), {}, { stats: { orgcode: 'OTHER' } });
    expect(envelope).toMatchObject({ error: { ...BAD_REPLY, details: { path: 'stats.orgcode' } } });
  });
});

describe('an answer', () => {
  test('that leaves the fields out, or has null in them, is not refused', async () => {
    for (const data of [{}, { customer_id: null, orgcode: null }, { customer_id: {}, orgcode: [] }]) {
      const { gateway } = await open(({ answer }) => answer(200, successOf(data)));
      expect(await gateway.ok('customer_get', { customer_id: 'c' })).toEqual(data);
    }
  });

  test('of a list is refused when any of its items is another org’s', async () => {
    const items = [{ orgcode: 'ACME' }, { orgcode: 'ACME' }, { orgcode: 'OTHER', email: 'erika@example.com' }];
    const { gateway } = await open(({ answer }) => answer(200, successOf({ items, next_token: null })));
    const error = await gateway.errorOf('customer_list', {});
    expect(error).toMatchObject({ ...BAD_REPLY, details: { reason: 'other_org', path: 'items.*.orgcode' } });
    expect(error.details).not.toHaveProperty('outcome');
    expect(JSON.stringify([error, gateway.logged])).not.toMatch(/OTHER|erika/);
  });

  test('to a write says that the outcome is unknown, and where to look', async () => {
    const { gateway } = await open(({ answer }) => answer(200, successOf({ customer_id: 'another' })));
    const error = await gateway.errorOf('loyalty_earn', { customer_id: 'mine', points: 5 });
    expect(error).toMatchObject({ ...BAD_REPLY, details: { reason: 'other_record', outcome: 'unknown' } });
    expect(error.next_steps?.join()).toContain('crm_loyalty_');
  });

  test('that is a conflict with a record of another org does not show it', async () => {
    const snapshot = { customer_id: 'c', orgcode: 'OTHER', email: 'erika@example.com' };
    const conflict = { error_code: 'crm.conflict_revision', http_status: 409, major: { tag: 'conflict' } };
    const { gateway } = await open(({ answer }) =>
      answer(409, { success: false, error: { ...conflict, conflict_snapshot: snapshot } }),
    );
    const error = await gateway.errorOf('customer_anonymize');
    expect(error).toMatchObject({ ...BAD_REPLY, details: { reason: 'other_org', outcome: 'unknown' } });
    expect(JSON.stringify(error)).not.toContain('erika');
  });

  test('of GET /stat about another org gives the caller none of its roles', async () => {
    const stat = { ...STAT, org: { orgcode: 'OTHER', status: 'verified' } };
    const { upstream, gateway } = await open(undefined, {}, { stat: ({ answer }) => answer(200, successOf(stat)) });
    const error = await gateway.errorOf('customer_create');
    expect(error).toMatchObject({ ...BAD_REPLY, details: { reason: 'other_org', outcome: 'not_done' } });
    expect(upstream.received).toHaveLength(1);
  });
});

test('every operation whose request and response name the same id declares it, and no list does', () => {
  const propertiesOf = (schema: JsonSchema | undefined) => Object.keys((schema?.properties ?? {}) as object);
  for (const operation of CONTRACT.operations) {
    const data = propertiesOf(RESPONSES.get(operation.id));
    const ids = propertiesOf(operation.requestSchema).filter((name) => /_id$/.test(name) && data.includes(name));
    const declared = Object.keys(operation.recordIds ?? {});
    expect(declared, operation.id).toEqual(ids);
    for (const path of Object.values(operation.recordIds ?? {})) expect(data, operation.id).toContain(path);
    const orgs = data.includes('orgcode') ? ['orgcode'] : [];
    expect(operation.orgcodes ?? [], operation.id).toEqual(expect.arrayContaining(orgs));
  }
});

describe('an imported document', () => {
  const documentOf = (operation: object, org: object) => ({
    openapi: '3.1.0',
    info: { title: 'Any', version: '1' },
    paths: {
      '/things/{id}': {
        get: {
          operationId: 'thing',
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: {
            200: {
              description: 'ok',
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    properties: { id: { type: 'string' }, orgcode: { type: 'string', ...org } },
                  },
                },
              },
            },
          },
          ...operation,
        },
      },
    },
  });
  const answerTo = async (document: object) => {
    const { contract } = imported(document);
    const [thing] = contract.operations;
    if (thing === undefined) throw new Error('not imported');
    const { gateway } = await open(({ answer }) => answer(200, { id: 'b', orgcode: 'OTHER' }));
    return gateway.envelopeOf(thing, { id: 'a' });
  };

  test('that declares neither is not checked', async () => {
    expect(await answerTo(documentOf({}, {}))).toMatchObject({ success: true, data: { id: 'b', orgcode: 'OTHER' } });
  });

  test('that declares its ids or its orgs is checked by them', async () => {
    expect(await answerTo(documentOf({ 'x-record-id': { id: 'id' } }, {}))).toMatchObject({
      error: { ...BAD_REPLY, details: { reason: 'other_record', path: 'id' } },
    });
    expect(await answerTo(documentOf({}, { 'x-org': true }))).toMatchObject({
      error: { ...BAD_REPLY, details: { reason: 'other_org', path: 'orgcode' } },
    });
  });

  test.each([[{ id: 5 }], [[]], ['id'], [{ id: '' }], [{ id: 'a b' }], [{}]])(
    'whose declaration is %j is imported without it',
    async (declared) => {
      expect(await answerTo(documentOf({ 'x-record-id': declared }, {}))).toMatchObject({ success: true });
    },
  );
});
