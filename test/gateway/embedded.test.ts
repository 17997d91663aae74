/** A gateway in front of the embedded store relays its responses unchanged, and they match the contract's schemas. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type GatewayWorld, openGateway, operationOf } from '../support/gateway.js';
import { createTenant, exampleFor } from '../support/makers.js';
import { RESPONSES } from '../support/responses.js';
import { type Exchange, openUpstream, type TestUpstream } from '../support/upstream.js';
import { envelopeOf, openWorld, type World } from '../support/world.js';

let world: World;
let upstream: TestUpstream;
let gateway: GatewayWorld;
/** The last response of the store. */
let lastResponse: Envelope | undefined;

beforeAll(async () => {
  world = await openWorld();
  const serve = async ({ answer, request }: Exchange) => {
    const tool = `crm_${request.path.slice('/crm/'.length).replaceAll('/', '_')}`;
    const args = request.body === '' ? {} : JSON.parse(request.body);
    lastResponse = await envelopeOf(world, tool, args, request.headers);
    answer(lastResponse.success ? 200 : lastResponse.error.http_status, lastResponse);
  };
  const onRequest = (exchange: Exchange) => void serve(exchange);
  upstream = await openUpstream({ behaviour: { onRequest }, stat: onRequest });
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
  '%s: the gateway forwards the example request and returns the complete response',
  async (id) => {
    const operation = operationOf(id);
    const headers = await world.headers();
    const tenant = createTenant((tool, args) => gateway.ok(tool.slice('crm_'.length), args, headers));
    const args = await exampleFor(tenant, operation);
    const envelope = await gateway.envelopeOf(operation, args, { headers });
    expect(envelope).toEqual(lastResponse);
    expect(gateway.events).toEqual([]);
  },
);

test('an error of the store is relayed unchanged', async () => {
  const headers = await world.headers();
  const error = await gateway.errorOf('customer_get', { customer_id: 'nobody' }, headers);
  expect(lastResponse).toMatchObject({ success: false, error });
  expect(error.error_code).toBe('crm.not_found');
});
