/**
 * No text in any field of any tool makes the server fail: every call succeeds or is rejected with an error that names
 * what to correct. Text is put into every string of every request, and into the names of maps.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { isDateTime } from '../../src/contract/date-time.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { JsonSchema, Operation } from '../../src/contract/operation.js';
import { createCallTool } from '../../src/mcp/server.js';
import { type CallHeaders, parseHeaders } from '../../src/pipeline/headers.js';
import { toolName } from '../../src/tools/catalogue.js';
import { type Act, createTenant, exampleFor, type Tenant } from '../support/makers.js';
import { unmark } from '../support/marks.js';
import { branches } from '../support/responses.js';
import { useWorld } from '../support/use-world.js';
import { type Data, ok } from '../support/world.js';

const SEED = 20_261_129;
const RUNS = 2_000;

/** Texts that have broken parsers, each of another kind. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r',
  '\n\t',
  '\uFEFF',
  '\uD800',
  '\uDC00\uD800',
  'x\uDFFF',
  '\u202Eabc\u202C',
  '\u200F\u200E',
  'é'.normalize('NFD'),
  '𝕏'.repeat(20),
  'ﷺ',
  'İıſK',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'x'.repeat(70_000),
  'null',
  'NaN',
  '-0',
  '1e999',
  '9007199254740993',
  '0x10',
  '2016-12-31T23:59:60Z',
  '2016-12-31T18:59:60-05:00',
  '2030-01-01T00:00:00+01',
  '2030-01-01T00:00:00+0100',
  '2030-01-01T24:00:00Z',
  '2030-02-30T00:00:00Z',
  '2030-01-01t00:00:00.123456789012z',
  '2030-01-01\u00A000:00:00Z',
  '0000-01-01T00:00:00+23:59',
  '9999-12-31T23:59:59-23:59',
  '0000-01-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
  '2024-02-30',
  '0000-00-00',
  '9999-12-31',
  '(a+)+$',
  '[',
  '%00',
  '%_\\',
  "' OR 1=1 --",
  '" NEAR( *',
  'AND OR NOT',
  '*',
  '{{x}}',
  '<script>',
  '../../etc/passwd',
  '\u{10FFFF}',
  '@',
  'a@',
  '@b.c',
  `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}`,
  'a@xn--a.com',
  '+',
  '+1',
  '+99999999999999999999',
  '00000000-0000-7000-8000-000000000000',
  'bm90IGEgdG9rZW4',
];

const world = useWorld();
let headers: CallHeaders;
const act: Act = (tool, args) => ok(world, tool, args);

beforeAll(async () => {
  headers = parseHeaders(await world.headers());
});

/** Where a text goes: the names and items on the way. The last step may be `{}`: a name in a map. */
type Place = readonly string[];

interface Target {
  readonly operation: Operation;
  readonly place: Place;
}

/** Every place of a text in a request. Items of a list are `[]`, values of a map `*`, names of a map `{}`. */
function placesOf(schema: JsonSchema): readonly Place[] {
  const below = (step: string, child: unknown) => placesOf(child as JsonSchema).map((place) => [step, ...place]);
  const { properties, items, additionalProperties: values } = schema;
  return [
    ...([schema.type].flat().includes('string') ? [[]] : []),
    ...Object.entries((properties as object | undefined) ?? {}).flatMap(([name, child]) => below(name, child)),
    ...(typeof items === 'object' ? below('[]', items) : []),
    ...(typeof values === 'object' ? [['{}'], ...below('*', values)] : []),
    ...branches(schema).flatMap(placesOf),
  ];
}

/** A copy of `value` with a text in that place; what is missing on the way is created. */
function put(value: Data, [step, ...rest]: Place, text: string): Data {
  if (step === undefined) return text;
  if (step === '[]') return [put(Array.isArray(value) ? value[0] : undefined, rest, text)];
  const copy = { ...value };
  const name = step === '{}' ? text : step === '*' ? 'name' : step;
  const inner = step === '{}' ? (Object.values(copy)[0] ?? 1) : put(copy[name], rest, text);
  return Object.defineProperty(copy, name, { value: inner, enumerable: true, configurable: true, writable: true });
}

const TARGETS: readonly Target[] = CONTRACT.operations.flatMap((operation) => {
  const places = new Map(placesOf(operation.requestSchema).map((place) => [place.join('.'), place]));
  return [...places.values()].map((place) => ({ operation, place }));
});

async function callWith(records: Tenant, { operation, place }: Target, text: string) {
  const args = put(await exampleFor(records, operation), place, text);
  const result = await createCallTool(world.application)(toolName(operation), args, headers);
  const [{ text: answer }] = (result?.content ?? []) as unknown as [{ text: string }];
  const error = result?.isError === true ? (unmark(answer).answer as Data) : undefined;
  return { error, name: `${operation.id} ${place.join('.')} ${JSON.stringify(text)}` };
}

/** What a call was when it failed; undefined when it succeeded or was rejected. */
async function fault(records: Tenant, target: Target, text: string): Promise<string | undefined> {
  const { error, name } = await callWith(records, target, text);
  return error === undefined || error.http_status < 500 ? undefined : name.slice(0, 100);
}

test('the requests have hundreds of places for text', () => {
  expect(TARGETS.length).toBeGreaterThan(350);
  expect(new Set(TARGETS.map(({ operation }) => operation.id)).size).toBeGreaterThan(50);
});

test('no text makes a tool fail', { timeout: 60_000 }, async () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 });
  const random = units.map((codes) => String.fromCharCode(...codes));
  const text = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...TEXTS) }, { weight: 1, arbitrary: random });
  const cases = fc.sample(fc.tuple(fc.constantFrom(...TARGETS), text), { numRuns: RUNS, seed: SEED });
  const faults: (string | undefined)[] = [];
  for (const [target, given] of cases) faults.push(await fault(createTenant(act), target, given));
  expect(faults.filter((found) => found !== undefined)).toEqual([]);
});

test('U+0000 is rejected with its path: PostgreSQL cannot store it', async () => {
  const target = TARGETS.find(({ place }) => place.join('.') === 'customer.caption') as Target;
  const { error } = await callWith(createTenant(act), target, 'a\0b');
  expect(error).toMatchObject({ http_status: 400, details: { issues: [{ path: 'customer.caption' }] } });
});

test('every date-time is accepted, or rejected with the path of its field', { timeout: 60_000 }, async () => {
  const dateTimes = TARGETS.filter(({ operation, place }) => formatAt(operation.requestSchema, place) === 'date-time');
  expect(dateTimes.length).toBeGreaterThan(10);
  const wrong: string[] = [];
  for (const target of dateTimes) {
    const tenant = createTenant(act);
    for (const text of TEXTS.filter((candidate) => /^\d{4}-/.test(candidate))) {
      const { error, name } = await callWith(tenant, target, text);
      const issues: readonly { path: string }[] = error?.details?.issues ?? [];
      const named = issues.some(({ path }) => path === target.place.join('.'));
      if (!isDateTime(text) && !(error?.http_status === 400 && named)) wrong.push(name);
      if (error?.http_status === 500) wrong.push(name);
    }
  }
  expect(wrong).toEqual([]);
});

function formatAt(schema: JsonSchema, [step, ...rest]: Place): unknown {
  if (step === undefined) return schema.format;
  const child = (schema.properties as Record<string, JsonSchema> | undefined)?.[step];
  return child === undefined ? undefined : formatAt(child, rest);
}
