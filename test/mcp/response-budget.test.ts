/** The response budget: no tool result exceeds it, and everything that was truncated can be read by further calls. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BackendCall } from '../../src/contract/backend.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import type { Application } from '../../src/mcp/server.js';
import { truncateToFit } from '../../src/mcp/truncate.js';
import { createCatalogue, toolName } from '../../src/tools/catalogue.js';
import { estimateTokens } from '../../src/tools/token-estimate.js';
import { dataWith } from '../support/answers.js';
import { RESPONSES } from '../support/responses.js';
import { costOf } from '../support/tokenizers.js';
import { type Use, used } from '../support/tool-use.js';
import { type Data, newCustomer, ok, openWorld, type World } from '../support/world.js';

const BUDGET = 2_000;
const SENTENCE = 'The customer asked for a refund because the parcel came late, and was friendly about it. ';

let world: World;
/** The application of the world, with a response budget that its results exceed. */
let budgeted: Application;
/** The calls that reached the backend. */
let performed: BackendCall[];
beforeAll(async () => {
  world = await openWorld();
  budgeted = withSpy(world.application);
});
afterAll(() => world.close());

function withSpy(application: Application, answer?: (performance: BackendCall) => object): Application {
  const { backend } = application.pipeline;
  const spy = {
    ...backend,
    kind: backend.kind,
    identify: backend.identify.bind(backend),
    async perform(performance: BackendCall) {
      performed.push(performance);
      return answer === undefined ? backend.perform(performance) : { data: answer(performance) };
    },
  };
  return { ...application, answerTokens: BUDGET, pipeline: { ...application.pipeline, backend: spy } };
}

async function ask(tool: string, args: object, application = budgeted): Promise<Use> {
  performed = [];
  const use = await used(application, tool, args, await world.headers());
  expect(costOf(use.text), tool).toBeLessThanOrEqual(BUDGET);
  if (!use.isError) expect(use.answer).toEqual(use.structured);
  return use;
}

/** Returns the value with every list in it extended to a hundred items. */
function withLongLists(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from({ length: 100 }, () => withLongLists(value[0]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, withLongLists(child)]));
}

describe('a result with a hundred items in every list stays within the budget', () => {
  test.each(CONTRACT.operations.map((operation) => [toolName(operation), operation] as const))(
    '%s',
    async (name, it) => {
      const data = withLongLists(dataWith(RESPONSES.get(it.id) ?? {}, SENTENCE)) as { items?: object[] };
      const pages = 'next_token' in ((it.inputSchema.properties ?? {}) as object);
      const application = withSpy(world.application, ({ input }) =>
        pages ? { ...data, items: data.items?.slice(0, Number(input.limit ?? 100)), next_token: 'token' } : data,
      );
      const { structured } = await ask(name, it.examples[0]?.value ?? {}, application);
      expect(structured.success).toBe(true);
      if (it.effect !== 'read') expect(performed).toHaveLength(1);
      if (structured.truncated === undefined) return;
      const nextStep = structured.next_steps[0];
      for (const { field, shown } of structured.truncated.slice(0, 5)) {
        if (it.effect === 'read') expect(nextStep).toContain(`"${field}[${shown}:]"`);
        else expect(nextStep).toContain('Read the record');
      }
    },
  );
});

describe('a list', () => {
  let customer_id: string;
  let written: string[];
  beforeAll(async () => {
    customer_id = await newCustomer(world, { caption: 'Much written about' });
    written = [];
    for (let count = 0; count < 60; count += 1) {
      const comment = { target_type: 'customer', target_id: customer_id, body: SENTENCE.repeat(1 + (count % 7)) };
      written.unshift((await ok(world, 'crm_comment', { comment })).comment_id);
    }
  });
  const list = (args: object) => ask('crm_comment_list', { target_type: 'customer', target_id: customer_id, ...args });

  test('too long for the budget is returned as a smaller page with its own next_token', async () => {
    const { structured } = await list({ limit: 60 });
    expect(structured.data.items.length).toBeGreaterThan(3);
    expect(structured.data.items.length).toBeLessThan(60);
    expect(structured.data.next_token).toEqual(expect.any(String));
    expect(structured.next_steps).toEqual([expect.stringContaining('next_token')]);
    expect(structured).not.toHaveProperty('truncated');
  });

  test('is read completely through its next_tokens: each item once, in order', async () => {
    const found: string[] = [];
    let next_token: string | null | undefined;
    do {
      const { structured } = await list({ limit: 60, ...(next_token ? { next_token } : {}) });
      found.push(...structured.data.items.map((item: Data) => item.comment_id));
      next_token = structured.data.next_token;
    } while (next_token !== null);
    expect(found).toEqual(written);
  });

  test('that fits is fetched once, and has next steps only if there are more items', async () => {
    const { structured } = await list({ limit: 2, fields: ['author'] });
    expect(performed).toHaveLength(1);
    expect(structured.next_steps).toEqual([expect.stringContaining('next_token')]);
    const { structured: whole } = await list({ limit: 60, hashtag: 'nowhere' });
    expect(whole).toEqual({ success: true, data: { items: [], next_token: null } });
  });

  test('whose single item is too long is truncated within the item, and keeps its next_token', async () => {
    const body = SENTENCE.repeat(110);
    const comment = { target_type: 'customer', target_id: customer_id, body };
    await ok(world, 'crm_comment', { comment });
    const { structured } = await list({});
    const [item] = structured.data.items;
    expect(structured.data.items).toHaveLength(1);
    expect(structured.data.next_token).toEqual(expect.any(String));
    expect(structured.truncated).toEqual([{ field: 'body', shown: item.body.length, total: body.length }]);
    expect(structured.next_steps[0]).toContain(`limit 1 and fields ["body[${item.body.length}:]"]`);
    const parts = [item.body];
    while (parts.join('').length < body.length) {
      const rest = await list({ limit: 1, fields: [`body[${parts.join('').length}:]`] });
      parts.push(rest.structured.data.items[0].body);
    }
    expect(parts.join('')).toBe(body);
  });
});

test('a page whose items never fit shrinks to one item and its next_token, so no item is lost', async () => {
  const cost = (limit: number) => (limit === 1 ? 10 : Math.ceil((BUDGET * 1.3) / limit));
  const application = withSpy(world.application, ({ input }) => {
    const limit = Number(input.limit ?? 100);
    const items = Array.from({ length: limit }, (_, at) => ({
      comment_id: `${at}`,
      body: 'word '.repeat(cost(limit)),
    }));
    return { items, next_token: `after ${limit}` };
  });
  const { structured } = await ask('crm_comment_list', {}, application);
  expect(structured.data.items).toHaveLength(1);
  expect(structured.data.next_token).toBe('after 1');
  expect(structured).not.toHaveProperty('truncated');
});

test('a truncated text with invisible characters can be read to the last character', async () => {
  const body = Array.from({ length: 400 }, (_, at) => `${SENTENCE}\u200b\u200b\u200b${at}`).join('');
  const application = withSpy(world.application, () => ({ body }));
  const visible = body.replaceAll('\u200b', '');
  let collected = '';
  for (let more = true; more; ) {
    const rest = collected === '' ? {} : { fields: [`body[${collected.length}:]`] };
    const { structured } = await ask('crm_comment_get', { comment_id: 'x', ...rest }, application);
    if (collected === '')
      expect(structured.truncated).toMatchObject([{ shown: structured.data.body.length, total: visible.length }]);
    collected += structured.data.body;
    more = structured.truncated !== undefined;
  }
  expect(collected).toBe(visible);
});

describe('a record', () => {
  test('is truncated in its longest list, and the rest can be read with fields, to the last item', async () => {
    const customer_id = await newCustomer(world, { caption: 'Changed their mind' });
    for (let count = 0; count < 40; count += 1) {
      const consents = { profiling: count % 2 === 0 ? 'granted' : 'denied' };
      const revision = count === 0 ? {} : { expected_revision: count };
      await ok(world, 'crm_customer_consent_set', {
        customer_id,
        consents,
        ...revision,
        reason: `${count}: ${SENTENCE}`,
      });
    }
    const whole = await ok(world, 'crm_customer_consent_get', { customer_id, include_history: true });
    const history: object[] = [];
    let fields: string[] | undefined;
    do {
      const args = { customer_id, include_history: true, ...(fields ? { fields } : {}) };
      const { structured } = await ask('crm_customer_consent_get', args);
      history.push(...structured.data.history);
      const step: string | undefined = structured.next_steps?.[0];
      fields = step === undefined ? undefined : JSON.parse(step.slice(step.indexOf('['), step.lastIndexOf(']') + 1));
      if (fields !== undefined) expect(fields).toEqual([`history[${history.length}:]`]);
    } while (fields !== undefined);
    expect(history).toEqual(whole.history);
  });

  test('is truncated in a map too, and the rest can be read with fields', async () => {
    const attributes = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`note_${at}`, SENTENCE.repeat(3)]));
    const customer_id = await newCustomer(world, { attributes });
    const found: object[] = [];
    let fields = ['attributes'];
    while (Object.keys(Object.assign({}, ...found)).length < 50) {
      const { structured } = await ask('crm_customer_get', { customer_id, fields });
      found.push(structured.data.attributes);
      fields = [`attributes[${Object.keys(Object.assign({}, ...found)).length}:]`];
      if (structured.truncated) expect(structured.next_steps[0]).toContain(JSON.stringify(fields));
    }
    expect(Object.assign({}, ...found)).toEqual(attributes);
  });

  test('returned by a write is truncated with a hint to read it; the write runs once', async () => {
    const attributes = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`note_${at}`, SENTENCE.repeat(3)]));
    const { structured } = await ask('crm_customer_create', { customer: { caption: 'Long', attributes } });
    expect(performed).toHaveLength(1);
    expect(structured.truncated.length).toBeGreaterThan(0);
    expect(structured.next_steps[0]).toContain('Read the record');
    const kept = await ok(world, 'crm_customer_get', { customer_id: structured.data.customer_id });
    expect(kept.attributes).toEqual(attributes);
  });

  test('in an error result is truncated too', async () => {
    const customer_id = await newCustomer(world, {
      attributes: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`note_${at}`, SENTENCE.repeat(3)])),
    });
    const stale = { customer_id, customer: { company: 'x' }, expected_revision: 7 };
    const { answer, isError } = await ask('crm_customer_update', stale);
    expect(isError).toBe(true);
    expect(answer.conflict_snapshot.customer_id).toBe(customer_id);
    expect(answer.next_steps.at(-1)).toContain('cut to fit');
  });
});

test('a list whose backend ignores the limit is fetched at most four times, then truncated', async () => {
  const items = Array.from({ length: 100 }, (_, at) => ({ comment_id: `${at}`, body: SENTENCE }));
  const application = withSpy(world.application, () => ({ items, next_token: null }));
  const found: Data[] = [];
  let fields: string[] | undefined;
  do {
    const { structured } = await ask('crm_comment_list', fields ? { fields } : {}, application);
    expect(performed.length).toBeLessThanOrEqual(4);
    found.push(...structured.data.items);
    const [step] = structured.next_steps ?? [];
    fields = step === undefined ? undefined : JSON.parse(step.slice(step.indexOf('['), step.lastIndexOf(']') + 1));
  } while (fields !== undefined);
  expect(found).toEqual(items);
});

test('a read with its own fields argument advises narrower arguments, and never reports a write', async () => {
  const catalogue = createCatalogue({ ...CONTRACT, operations: CONTRACT.operations.map(withOwnFieldsArgument) });
  const items = Array.from({ length: 100 }, (_, at) => ({ id: `${at}`, body: SENTENCE }));
  const application = { ...withSpy(world.application, () => ({ items })), catalogue };
  const { structured } = await ask('crm_comment_report', {}, application);
  expect(structured.truncated).toEqual([{ field: 'items', shown: structured.data.items.length, total: 100 }]);
  expect(structured.next_steps).toEqual([expect.stringContaining('by the arguments of this call')]);
});

function withOwnFieldsArgument(operation: Operation): Operation {
  const { inputSchema } = operation;
  return {
    ...operation,
    inputSchema: { ...inputSchema, properties: { ...(inputSchema.properties ?? {}), fields: {} } },
  };
}

describe('a read that counts failed attempts', () => {
  test('is never repeated to shrink its result', async () => {
    const counting = CONTRACT.operations.map((operation) => ({ ...operation, countsFailures: true }));
    const catalogue = createCatalogue({ ...CONTRACT, operations: counting });
    const data = { items: Array.from({ length: 200 }, () => ({ body: SENTENCE })), next_token: null };
    await ask('crm_comment_list', {}, { ...withSpy(world.application, () => data), catalogue });
    expect(performed).toHaveLength(1);
  });
});

describe('truncateToFit', () => {
  const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => typeof value === 'object' && value !== null);

  test('keeps a prefix of every list and text, and everything else unchanged', () => {
    fc.assert(
      fc.property(json, fc.integer({ min: 1, max: 200 }), (value, tokens) => {
        const { data, cuts } = truncateToFit(value as object, tokens, { maps: [] });
        expect(isPrefix(data, value)).toBe(true);
        if (cuts.length === 0) expect(data).toEqual(value);
        for (const { shown, total } of cuts) expect(shown).toBeLessThan(total);
      }),
      { numRuns: 500 },
    );
  });

  test('never splits a character, and never truncates tokens and ids', () => {
    const long = '😀'.repeat(500);
    for (let tokens = 3_000; tokens < 3_040; tokens += 1) {
      const { data } = truncateToFit({ body: long, next_token: long, customer_id: long }, tokens, { maps: [] });
      const { body, ...kept } = data as Data;
      expect(body.length).toBeLessThan(long.length);
      expect([...body].every((character) => character === '😀')).toBe(true);
      expect(kept).toEqual({ next_token: long, customer_id: long });
    }
  });
});

function isPrefix(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string') return typeof whole === 'string' && whole.startsWith(part);
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((item, index) => isPrefix(item, whole[index]));
  if (typeof part !== 'object' || part === null) return Object.is(part, whole);
  const names = Object.keys(whole as object);
  return (
    Object.keys(part).length === names.length &&
    names.every((name) => isPrefix((part as Data)[name], (whole as Data)[name]))
  );
}

test('token counts and estimates are bounded by the byte length of a text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      expect(costOf(text)).toBeLessThanOrEqual(text.length * 3);
      expect(estimateTokens(text)).toBeLessThanOrEqual(Math.ceil(text.length * 3 * 1.1));
    }),
  );
});
