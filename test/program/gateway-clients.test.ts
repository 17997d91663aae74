/** What MCP clients see through a gateway: drifted responses, errors, and tools of imported OpenAPI documents. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnyClient, CLIENTS } from '../support/clients.js';
import { scratch } from '../support/program.js';
import { type Exchange, openUpstream, successOf, type TestUpstream } from '../support/upstream.js';

const REAL = 'node_modules/@readme/oas-examples/3.0/json/star-trek.json';
const env = { G3N_ORGCODE: 'ACME', G3N_API_KEY: 'key' };

/** How the upstream responds to the next call. */
let respond: (exchange: Exchange) => void = () => {};
let upstream: TestUpstream;
const workspace = scratch();
const enveloped = join(workspace.directory, 'enveloped.json');
beforeAll(async () => {
  upstream = await openUpstream({ behaviour: { onRequest: (exchange) => respond(exchange) } });
  writeFileSync(enveloped, JSON.stringify(ENVELOPED));
});
afterAll(async () => {
  await upstream.close();
  workspace.remove();
});

const data = { type: 'object', required: ['size'], properties: { size: { type: 'integer' }, tags: { type: 'array' } } };
const envelopeOf = (of: object) => ({
  type: 'object',
  properties: { success: { type: 'boolean' }, data: of, revision: { type: 'integer' } },
});
const get = (operationId: string, of: object) => ({
  get: {
    operationId,
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: envelopeOf(of) } } } },
  },
});
const ENVELOPED = {
  openapi: '3.1.0',
  info: { title: 'Things', version: '1' },
  paths: { '/thing': get('thing', data), '/things': get('things', { type: 'array', items: data }) },
};

const record = { customer_id: 'c-1', caption: 'Mia Berg', revision: 4, tags: ['a'] };

/** Responses that violate the schema, and the data that a client must receive. */
const DRIFTS: readonly [string, unknown, object, object][] = [
  ['a revision that is text', record, { revision: '4' }, record],
  ['a revision that is text in the record', { ...record, revision: '4' }, {}, { revision: '4' }],
  ['a null revision', record, { revision: null }, record],
  ['missing required fields', {}, {}, {}],
  ['fields of other types', { caption: 7, tags: 'a', size: {} }, {}, { caption: 7, tags: 'a', size: {} }],
  ['fields that are null', { customer_id: null, tags: null, size: null }, {}, { customer_id: null }],
  ['unknown fields', { ...record, more: [1] }, { extra: { a: 1 } }, { more: [1] }],
];

describe.each(Object.entries(CLIENTS))('%s', (_name, connect) => {
  const open = async (...more: string[]): Promise<AnyClient> => {
    const args = ['--gateway', upstream.base.href, '--gateway-db', ':memory:', ...more];
    return connect({ kind: 'stdio', args, env });
  };

  describe.each([
    ['the built-in contract', 'crm_customer_get', { customer_id: 'c-1' }, []],
    ['a document of envelopes', 'crm_thing', {}, ['--openapi', enveloped]],
  ] as const)('with %s', (_which, tool, args, more) => {
    let client: AnyClient;
    beforeAll(async () => {
      client = await open(...more);
      expect(await client.toolNames()).toContain(tool); // from here on the client validates against output schemas
    });
    afterAll(() => client.close());

    if (tool === 'crm_thing') {
      test('receives data that are not an object if the document does not declare one', async () => {
        expect(await client.toolNames()).toContain('crm_things');
        for (const [value, seen] of [
          [[1, 2], { items: [1, 2] }],
          [null, {}],
          ['word', { value: 'word' }],
        ] as const) {
          respond = ({ answer }) => answer(200, successOf(value));
          const { structured } = await client.call('crm_things');
          expect(structured).toEqual({ success: true, data: seen });
        }
      });
    }

    test.each(DRIFTS)('receives a response with %s', async (_drift, value, extra, seen) => {
      respond = ({ answer }) => answer(200, successOf(value, extra));
      const { isError, text, structured } = await client.call(tool, args);
      expect(isError).toBe(false);
      expect(structured).toMatchObject({ success: true, data: seen, ...extra });
      expect(text).toMatchObject({ success: true, data: seen, ...extra });
    });

    test.each([
      ['nothing', null],
      ['a list', [1, 2]],
    ])('receives an error if data must be an object and are %s', async (_what, value) => {
      respond = ({ answer }) => answer(200, successOf(value));
      const { isError, text, structured } = await client.call(tool, args);
      expect([isError, structured]).toEqual([true, undefined]);
      expect(text).toMatchObject({ error_code: 'crm.gateway_bad_reply', details: { reason: 'no_data' } });
    });

    test('receives errors of the upstream and errors of the gateway', async () => {
      const error = { error_code: 'crm.conflict_revision', http_status: 409, major: { tag: 'conflict' } };
      respond = ({ answer }) => answer(409, { success: false, error });
      const refused = await client.call(tool, args);
      expect([refused.isError, refused.text.error_code]).toEqual([true, 'crm.conflict_revision']);
      respond = ({ answer }) => answer(200, '<html>', { 'content-type': 'text/html' });
      const unreadable = await client.call(tool, args);
      expect([unreadable.isError, unreadable.text.error_code]).toEqual([true, 'crm.gateway_bad_reply']);
    });
  });

  test('lists every tool of a published OpenAPI document, and calls one', async () => {
    const client = await open('--openapi', REAL);
    const names = await client.toolNames();
    expect(names).toHaveLength(120);
    expect(names).toContain('crm_get_character');
    for (const body of [{ character: { uid: 7 } }, [1], null, 'word']) {
      respond = ({ answer }) => answer(200, JSON.stringify(body));
      const { isError, structured } = await client.call('crm_get_character', { uid: 'CHMA0000015364' });
      expect([isError, structured?.success]).toEqual([false, true]);
    }
    await client.close();
  });
});
