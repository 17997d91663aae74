/**
 * The same seeded calls on SQLite and on PostgreSQL, over all tools, errors included: the envelopes are equal byte for
 * byte, but for ids, codes and tokens, which are random. What is random stands for the same record in both.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { fillText } from '../support/filling.js';
import { idArguments, withArgument } from '../support/id-arguments.js';
import { createTenant, exampleFor, invented, type Tenant } from '../support/makers.js';
import { type Data, envelopeOf, openWorld, type World } from '../support/world.js';

const SEED = 20_261_129;
const CALLS = 600;

let now = Date.UTC(2026, 5, 15, 12);

/** A call as both engines get it; the numbers choose among what the tool has. */
const call = fc.record({
  operation: fc.constantFrom(...CONTRACT.operations),
  change: fc.constantFrom('none', 'none', 'none', 'revision', 'unknown', 'ended', 'text', 'page', 'missing'),
  pick: fc.nat(1000),
  text: fc.constantFrom('x', 'Ünïcødé ß', 'a_b%c', '  spaces  ', "O'Neil", '0', '#tag', 'jane', 'ﷺ', '1e9'),
  key: fc.option(fc.nat(5), { nil: undefined }),
  /** Whether records of its own are made for it, as for everything that ends a record. */
  alone: fc.nat(6),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** One engine's world, its records, and the names it has given to random values, in the order they appeared. */
class Side {
  readonly names = new Map<string, string>();
  readonly transcript: string[] = [];
  readonly world: World;
  #records: Tenant;

  constructor(world: World) {
    this.world = world;
    this.#records = this.#newRecords();
  }

  #newRecords(): Tenant {
    return createTenant(async (tool, args) => {
      const envelope = await this.send(tool, args);
      if (!envelope.success) throw new Error(`${tool}: ${this.masked(envelope.error)}`);
      return envelope.data;
    });
  }

  async send(tool: string, args: object): Promise<Envelope> {
    const envelope = await envelopeOf(this.world, tool, args);
    this.transcript.push(`${tool} ${this.masked(envelope)}`);
    return envelope;
  }

  async run(step: Call): Promise<void> {
    if (step.alone === 0 || step.operation.effect === 'destroy') this.#records = this.#newRecords();
    const args = await argsOf(this.#records, step);
    const key =
      step.operation.acceptsIdempotencyKey && step.key !== undefined ? { idempotency_key: `${step.key}` } : {};
    const answer = await this.send(`crm_${step.operation.id}`, { ...args, ...key });
    const current = answer.success ? undefined : answer.error.details?.current_revision;
    if (current !== undefined && step.change === 'none')
      await this.send(`crm_${step.operation.id}`, { ...args, expected_revision: current });
    const token = answer.success ? (answer.data as Data).next_token : undefined;
    if (typeof token === 'string') await this.send(`crm_${step.operation.id}`, { ...args, next_token: token });
  }

  /** JSON in which ids are numbered, and what only this call has is blank. */
  masked(value: unknown): string {
    const json = JSON.stringify(value, (name, inner) => (RANDOM.has(name) && inner !== null ? '*' : inner));
    return json.replace(IDS, (id) => {
      const name = this.names.get(id) ?? `#${this.names.size}`;
      this.names.set(id, name);
      return name;
    });
  }
}

const IDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const RANDOM = new Set([
  ...['request_id', 'trace_id', 'timestamp_utc', 'latency_ms', 'api_key_fingerprint', 'next_token'],
  ...['code', 'pin', 'masked_code'],
]);

async function argsOf(records: Tenant, { operation, change, pick, text }: Call): Promise<Record<string, Data>> {
  const args = await exampleFor(records, operation);
  const { properties = {}, required = [] } = operation.requestSchema as Data;
  const ids = idArguments(operation);
  const id = ids[pick % Math.max(1, ids.length)];
  switch (change) {
    case 'revision':
      return 'expected_revision' in args ? { ...args, expected_revision: pick % 4 } : args;
    case 'unknown':
      return id === undefined ? args : withArgument(operation, args, id, invented(id.field));
    case 'ended': {
      const over = id === undefined ? undefined : await records.ended(id.field);
      return id === undefined || over === undefined ? args : withArgument(operation, args, id, over);
    }
    case 'text':
      return fillText(operation.requestSchema, args, text) as Record<string, Data>;
    case 'page':
      return 'limit' in properties ? { ...args, limit: 1 + (pick % 3) } : args;
    case 'missing':
      return Object.fromEntries(Object.entries(args).filter(([name]) => name !== required[pick % required.length]));
    default:
      return args;
  }
}

let sides: readonly [Side, Side];
beforeAll(async () => {
  const [sqlite, postgres] = await Promise.all([
    openWorld({ engine: 'sqlite', clock: () => now }),
    openWorld({ engine: 'postgres', clock: () => now }),
  ]);
  sides = [new Side(sqlite), new Side(postgres)];
});
afterAll(() => Promise.all((sides ?? []).map(({ world }) => world.close())));

test(`${CALLS} calls of all tools have the same answers`, { timeout: 240_000 }, async () => {
  const [sqlite, postgres] = sides;
  const steps = fc.sample(call, { seed: SEED, numRuns: CALLS });
  for (const [index, step] of [...everyTool(), ...steps].entries()) {
    now += 1 + (index % 50 === 0 ? 3_600_000 : 0);
    const outcomes = await Promise.allSettled(sides.map((side) => side.run(step)));
    const [one, other] = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ran' : String(outcome.reason)));
    expect(other, `${step.operation.id} ${step.change}`).toBe(one);
    expect(postgres.transcript.slice(-9), `${step.operation.id} ${step.change}`).toEqual(sqlite.transcript.slice(-9));
  }
  expect(postgres.transcript).toEqual(sqlite.transcript);
  const succeeded = new Set(sqlite.transcript.filter((line) => line.includes('{"success":true')).map(toolOf));
  expect(CONTRACT.operations.map(({ id }) => `crm_${id}`).filter((tool) => !succeeded.has(tool))).toEqual([]);
  const codes = new Set(sqlite.transcript.flatMap((line) => /"error_code":"([\w.]+)"/.exec(line)?.[1] ?? []));
  expect(codes.size).toBeGreaterThan(10);
  expect([...codes]).not.toContain('crm.internal');
});

/** Every tool once, unchanged, in the contract's order. */
function everyTool(): Call[] {
  const plain = (operation: Operation): Call => ({
    operation,
    change: 'none',
    pick: 0,
    text: 'x',
    key: undefined,
    alone: 1,
  });
  return CONTRACT.operations.map(plain);
}

function toolOf(line: string): string {
  return line.slice(0, line.indexOf(' '));
}
