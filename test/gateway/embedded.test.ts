/** A gateway to the embedded store: what the store answers arrives as it left, in the shape the contract promises. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type GatewayWorld, openGateway, operationOf } from '../support/gateway.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { RESPONSES } from '../support/responses.js';
import { type Line, openUpstream, type TestUpstream } from '../support/upstream.js';
import { envelopeOf, openWorld, type World } from '../support/world.js';

let world: World;
let upstream: TestUpstream;
let gateway: GatewayWorld;
/** What the store said last. */
let said: Envelope | undefined;

beforeAll(async () => {
  world = await openWorld();
  const serve = async ({ answer, request }: Line) => {
    const tool = `crm_${request.path.slice('/crm/'.length).replaceAll('/', '_')}`;
    const args = request.body === '' ? {} : JSON.parse(request.body);
    said = await envelopeOf(world, tool, args, request.headers);
    answer(said.success ? 200 : said.error.http_status, said);
  };
  const play = (line: Line) => void serve(line);
  upstream = await openUpstream({ play: { onRequest: play }, stat: play });
  gateway = openGateway(upstream.base, {
    responseValidation: 'warn',
    dataSchemaOf: ({ id }) => RESPONSES.get(id),
  });
});
afterAll(async () => {
  await gateway.backend.close();
  await upstream.close();
  await world.close();
});

test.each(CONTRACT.operations.map(({ id }) => id))(
  '%s: the example arrives, and its answer comes back whole',
  async (id) => {
    const operation = operationOf(id);
    const headers = await world.headers();
    const tenant = createTenant((tool, args) => gateway.ok(tool.slice('crm_'.length), args, headers));
    const args = await exampleFor(tenant, operation);
    const envelope = await gateway.envelopeOf(operation, args, { headers });
    expect(envelope).toEqual(said);
    expect(gateway.events).toEqual([]);
  },
);

test('what the store refuses comes back as it refused it', async () => {
  const headers = await world.headers();
  const error = await gateway.refused('customer_get', { customer_id: 'nobody' }, headers);
  expect(said).toMatchObject({ success: false, error });
  expect(error.error_code).toBe('crm.not_found');
});
