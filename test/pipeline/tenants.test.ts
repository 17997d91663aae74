/**
 * Tenant isolation: every tool, every argument that names a record, and every resource, with another tenant's record, a
 * closed record of that tenant, and a record that never existed. The responses are byte-identical; nothing is written.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { recordsOf, variablesOf } from '../../src/mcp/record-resources.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { fillText } from '../support/filling.js';
import { idArguments, withArgument } from '../support/id-arguments.js';
import { createTenant, exampleFor, invented, type Tenant } from '../support/makers.js';
import { openTestTransport, type TestTransport } from '../support/transports.js';
import { type Data, envelopeOf, openWorld, timeless, type World } from '../support/world.js';

/** Part of every text in the other tenant's records. */
const CANARY = 'kestrelcanary';
/** Lists filtered by a missing record. A list may also return 404, if it always does. */
const NOTHING = { success: true, data: { items: [], next_token: null } };
const NOT_FOUND = { success: false, error: { http_status: 404, error_code: 'crm.not_found' } };

let world: World;
let mine: Headers;
let theirs: Tenant;
let now = Date.now();
beforeAll(async () => {
  world = await openWorld({ clock: () => now });
  mine = await world.headers('owner', 'ACME');
  theirs = tenantOf(await world.headers('owner', 'OTHER'), CANARY);
});
afterAll(() => world.close());

/** A tenant; when `text` is given, every text of its records contains it and a number. */
function tenantOf(headers: Headers, text?: string): Tenant {
  let count = 0;
  return createTenant(async (tool, args) => {
    count += 1;
    const { requestSchema } = operationOf(tool);
    const filled = text === undefined ? args : fillText(requestSchema, args, `${text} ${count}`);
    const envelope = await envelopeOf(world, tool, filled, headers);
    if (!envelope.success) throw new Error(`${tool}: ${JSON.stringify(envelope.error)}`);
    return envelope.data;
  });
}

const rows = CONTRACT.operations.flatMap((operation) =>
  idArguments(operation).map((id) => ({ tool: `crm_${operation.id}`, operation, id, argument: id.path })),
);

test('arguments that name records are found, including nested ones and lists', () => {
  const found = rows.map(({ tool, argument }) => `${tool} ${argument}`);
  expect(found).toContain('crm_customer_get customer_id');
  expect(found).toContain('crm_giftcard_redeem code');
  expect(found).toContain('crm_customer_search external_ref');
  expect(found).not.toContain('crm_giftcard_issue code');
});

describe('a record of another tenant looks like one that never existed', () => {
  test.each(rows)('$tool, $argument', async ({ tool, operation, id }) => {
    const own = tenantOf(mine);
    const args = await currentArgs(operation, own);
    const answerTo = async (value: Data) => {
      now += 11 * 60_000; // past the window in which wrong card codes are counted
      const before = await digest();
      const envelope = await envelopeOf(world, tool, withArgument(operation, args, id, value), mine);
      expect(await digest(), 'something was written').toEqual(before);
      return envelope;
    };
    const another = await answerTo(await theirs.id(id.field));
    const over = await theirs.ended(id.field);
    const answers = [another, await answerTo(over ?? (await theirs.id(id.field))), await answerTo(invented(id.field))];
    expect(another).toMatchObject(another.success && id.filter ? NOTHING : NOT_FOUND);
    const bytes = answers.map((answer) => JSON.stringify(timeless(answer)));
    expect(bytes).toEqual([bytes[0], bytes[0], bytes[0]]);
    expect(bytes.join()).not.toContain(CANARY);

    const known = await envelopeOf(world, tool, withArgument(operation, args, id, await own.id(id.field)), mine);
    const status = known.success ? 200 : known.error.http_status;
    expect([200, 409], `its own record: ${known.success || JSON.stringify(known.error)}`).toContain(status);
  });
});

describe('a resource of another tenant looks like one that never existed', () => {
  let transport: TestTransport;
  beforeAll(async () => {
    transport = await openTestTransport(world);
  });
  afterAll(() => transport.close());

  const records = recordsOf({ catalogue: createCatalogue(CONTRACT) }).flatMap((record) =>
    variablesOf(record).map((variable) => ({ address: record.uri, variable })),
  );

  test.each(records)('$address', async ({ address, variable }) => {
    const own = tenantOf(mine);
    const answerTo = async (id: string) => {
      now += 11 * 60_000;
      const before = await digest();
      const uri = address.replace(`{${variable}}`, id);
      const reply = await transport.ask(mine, 'resources/read', { uri });
      expect(await digest(), 'something was written').toEqual(before);
      return { reply, bytes: JSON.stringify(timeless(reply)).replaceAll(uri, 'URI') };
    };
    const another = await answerTo(await theirs.id(variable));
    const answers = [another, await answerTo(await theirs.ended(variable)), await answerTo(invented(variable))];
    expect(another.reply).toMatchObject({ error: { code: -32602, data: { uri: expect.any(String) } } });
    expect(answers.map(({ bytes }) => bytes)).toEqual(Array(3).fill(another.bytes));
    expect(another.bytes).not.toContain(CANARY);
    expect((await answerTo(await own.id(variable))).reply.result.contents).toHaveLength(1);
  });
});

test('lists and searches of one tenant contain nothing of another', async () => {
  for (const operation of CONTRACT.operations.filter(({ effect }) => effect === 'read')) {
    const args = await exampleFor(tenantOf(mine), operation);
    const answer = await envelopeOf(world, `crm_${operation.id}`, { ...args, ...searchFor(operation) }, mine);
    expect(JSON.stringify(answer), operation.id).not.toContain(CANARY);
  }
});

/** Searches use the word that only the other tenant's records contain. */
function searchFor({ requestSchema }: Operation): object {
  const { properties } = requestSchema as { properties?: object };
  return 'q' in (properties ?? {}) ? { q: CANARY } : {};
}

/** The example with the tenant's own records and their current revision. */
async function currentArgs(operation: Operation, own: Tenant): Promise<Record<string, Data>> {
  const args = await exampleFor(own, operation);
  if (!('expected_revision' in args)) return args;
  const trial = await exampleFor(tenantOf(mine), operation);
  const envelope = await envelopeOf(world, `crm_${operation.id}`, trial, mine);
  const current = envelope.success ? undefined : envelope.error.details?.current_revision;
  return current === undefined ? args : { ...args, expected_revision: current };
}

function operationOf(tool: string): Operation {
  const operation = CONTRACT.operations.find(({ id }) => `crm_${id}` === tool);
  if (operation === undefined) throw new Error(`no tool ${tool}`);
  return operation;
}

/** Tables written even by rejected calls: failed card codes, by contract; seals and horizons, by the clock. */
const WRITTEN_ANYWAY = new Set(['giftcard_failure', 'journal_seal', 'receipt_horizon']);

/** A hash of the rows of every table. */
async function digest(): Promise<Readonly<Record<string, string>>> {
  const hashes = Object.entries(await world.digest());
  return Object.fromEntries(hashes.filter(([table]) => !WRITTEN_ANYWAY.has(table)));
}
