/** What MCP clients see through a gateway: answers that drifted, refusals, tools of a document that others publish. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnyClient, CLIENTS } from '../support/clients.js';
import { scratch } from '../support/program.js';
import { type Line, openUpstream, successOf, type TestUpstream } from '../support/upstream.js';

const REAL = 'node_modules/@readme/oas-examples/3.0/json/star-trek.json';
const env = { G3N_ORGCODE: 'ACME', G3N_API_KEY: 'key' };

/** What the upstream says to the next call. */
let say: (line: Line) => void = () => {};
let upstream: TestUpstream;
const place = scratch();
const enveloped = join(place.directory, 'enveloped.json');
beforeAll(async () => {
  upstream = await openUpstream({ play: { onRequest: (line) => say(line) } });
  writeFileSync(enveloped, JSON.stringify(ENVELOPED));
});
afterAll(async () => {
  await upstream.close();
  place.remove();
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

/** Answers that keep to no schema, and the data a client must see. */
const DRIFTS: readonly [string, unknown, object, object][] = [
  ['a revision that is text', record, { revision: '4' }, record],
  ['a revision that is text in the record', { ...record, revision: '4' }, {}, { revision: '4' }],
  ['a revision that is nothing', record, { revision: null }, record],
  ['no field that was promised', {}, {}, {}],
  ['fields of other types', { customer_id: 7, tags: 'a', size: {} }, {}, { customer_id: 7, tags: 'a', size: {} }],
  ['fields that are null', { customer_id: null, tags: null, size: null }, {}, { customer_id: null }],
  ['fields nobody knows', { ...record, more: [1] }, { beside: { a: 1 } }, { more: [1] }],
];

describe.each(Object.entries(CLIENTS))('%s', (_name, connect) => {
  const open = async (...more: string[]): Promise<AnyClient> => {
    const args = ['--gateway', upstream.base.href, '--gateway-db', ':memory:', ...more];
    return connect({ kind: 'stdio', args, env });
  };

  describe.each([
    ['our contract', 'crm_customer_get', { customer_id: 'c-1' }, []],
    ['a document of envelopes', 'crm_thing', {}, ['--openapi', enveloped]],
  ] as const)('by %s', (_which, tool, args, more) => {
    let client: AnyClient;
    beforeAll(async () => {
      client = await open(...more);
      expect(await client.toolNames()).toContain(tool); // from here on it checks what tools promised
    });
    afterAll(() => client.close());

    test.each(DRIFTS)('is given an answer with %s', async (_drift, value, beside, seen) => {
      say = ({ answer }) => answer(200, successOf(value, beside));
      const { isError, text, structured } = await client.call(tool, args);
      expect(isError).toBe(false);
      expect(structured).toMatchObject({ success: true, data: seen, ...beside });
      expect(text).toMatchObject({ success: true, data: seen, ...beside });
    });

    test.each([
      ['nothing', null],
      ['a list', [1, 2]],
    ])('hears that data which are an object by promise are %s', async (_what, value) => {
      say = ({ answer }) => answer(200, successOf(value));
      const { isError, text, structured } = await client.call(tool, args);
      expect([isError, structured]).toEqual([true, undefined]);
      expect(text).toMatchObject({ error_code: 'crm.gateway_bad_reply', details: { reason: 'no_data' } });
    });

    test('hears a refusal of the upstream, and one of ours', async () => {
      const error = { error_code: 'crm.conflict_revision', http_status: 409, major: { tag: 'conflict' } };
      say = ({ answer }) => answer(409, { success: false, error });
      const refused = await client.call(tool, args);
      expect([refused.isError, refused.text.error_code]).toEqual([true, 'crm.conflict_revision']);
      say = ({ answer }) => answer(200, '<html>', { 'content-type': 'text/html' });
      const unreadable = await client.call(tool, args);
      expect([unreadable.isError, unreadable.text.error_code]).toEqual([true, 'crm.gateway_bad_reply']);
    });
  });

  test('is given data that are no object, where the document does not promise one', async () => {
    const client = await open('--openapi', enveloped);
    expect(await client.toolNames()).toContain('crm_things');
    for (const [value, seen] of [
      [[1, 2], { items: [1, 2] }],
      [null, {}],
      ['word', { value: 'word' }],
    ] as const) {
      say = ({ answer }) => answer(200, successOf(value));
      const { structured } = await client.call('crm_things');
      expect(structured).toEqual({ success: true, data: seen });
    }
    await client.close();
  });

  test('lists every tool of a document that others publish, and calls one', async () => {
    const client = await open('--openapi', REAL);
    const names = await client.toolNames();
    expect(names).toHaveLength(120);
    expect(names).toContain('crm_get_character');
    for (const body of [{ character: { uid: 7 } }, [1], null, 'word']) {
      say = ({ answer }) => answer(200, JSON.stringify(body));
      const { isError, structured } = await client.call('crm_get_character', { uid: 'CHMA0000015364' });
      expect([isError, structured?.success]).toEqual([false, true]);
    }
    await client.close();
  });
});
