/**
 * The next steps of errors can be followed: for every error of openapi/errors.yaml a script makes the calls that they
 * tell, with all tools and with the three of lean mode, until one works; or they end with the person whom the atlas
 * names. Errors of HTTP and of a gateway are in test/transport and test/gateway.
 */
import { describe, expect, test } from 'vitest';
import type { Application } from '../../src/mcp/server.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { ATLAS } from '../support/atlas.js';
import { ACCOUNTS } from '../support/error-cases/accounts.js';
import { type ErrorCase, type FailingCall, NO_RECORD, type Scene } from '../support/error-cases/case.js';
import { CUSTOMERS } from '../support/error-cases/customers.js';
import { DIALOGUE_CODES, GATEWAY_CODES, HTTP_CODES } from '../support/error-cases/elsewhere.js';
import { EVERY_CALL } from '../support/error-cases/every-call.js';
import { GIFT_CARDS } from '../support/error-cases/giftcards.js';
import { LOYALTY } from '../support/error-cases/loyalty.js';
import { NOTES } from '../support/error-cases/notes.js';
import { expectPerson } from '../support/person.js';
import { type Send, Told } from '../support/told.js';
import { used } from '../support/tool-use.js';
import { useWorld } from '../support/use-world.js';
import { newCustomer, ok } from '../support/world.js';

const CASES = [EVERY_CALL, CUSTOMERS, LOYALTY, GIFT_CARDS, ACCOUNTS, NOTES].flat();
const LEAN_ONLY = /^crm_(call|find_operations|describe_operation)$/;

let now = Date.parse('2026-03-04T10:00:00.000Z');
const world = useWorld({ clock: () => now, atEnd: 'ledgers' });
const scene: Scene = {
  world,
  pass: (milliseconds) => {
    now += milliseconds;
  },
  act: (tool, args) => ok(world, tool, args),
  customer: (fields) => newCustomer(world, fields),
};

/** Sends calls as an agent does: to tools, or to the three of lean mode. */
function sender(application: Application, headers: Headers, lean: boolean): Send {
  return async ({ tool, args }) => {
    const direct = !lean || LEAN_ONLY.test(tool);
    const call = direct ? { name: tool, args } : { name: 'crm_call', args: { operation: tool, arguments: args } };
    const { isError, answer, structured } = await used({ ...application, lean }, call.name, call.args, headers);
    return isError ? { error: answer } : { data: structured.data };
  };
}

/** Makes the failing call, and follows what it tells. */
async function walk({ code, call, follow }: ErrorCase, lean: boolean): Promise<void> {
  const failing: FailingCall = await call(scene);
  const send = sender(failing.application ?? world.application, failing.headers ?? (await world.headers()), lean);
  const { error, data } = await send(failing);
  expect(error?.error_code, JSON.stringify(error ?? data)).toBe(code);
  if (error === undefined) return;
  if (follow === undefined) return expectPerson(error);
  const told = new Told(error, { tool: failing.tool, args: failing.args }, send);
  await follow(told, scene);
  expect(told.succeeded, 'calls that worked').toBeGreaterThan(0);
}

const nameOf = ({ code, which }: ErrorCase) => (which === undefined ? code : `${code}, ${which}`);

describe('with a tool of its own for each operation, the next steps', () => {
  const cases = CASES.filter(({ lean }) => lean !== true);
  test.each(cases.map((each) => [nameOf(each), each] as const))('of %s can be followed', (_, each) =>
    walk(each, false),
  );
});

describe('over the three tools of lean mode, the next steps', () => {
  test.each(CASES.map((each) => [nameOf(each), each] as const))('of %s can be followed', (_, each) => walk(each, true));
});

describe('the atlas', () => {
  test('has no error without a case', () => {
    const codes = [...CASES.map(({ code }) => code), ...HTTP_CODES, ...GATEWAY_CODES, ...DIALOGUE_CODES];
    expect([...new Set(codes)].sort()).toEqual(Object.keys(ATLAS).sort());
  });

  test('names a person exactly for the errors that end with one', () => {
    const ending = CASES.filter(({ follow }) => follow === undefined).map(({ code }) => code);
    const elsewhere = [...HTTP_CODES, ...GATEWAY_CODES, ...DIALOGUE_CODES];
    const named = Object.keys(ATLAS).filter((code) => ATLAS[code]?.ask !== undefined && !elsewhere.includes(code));
    expect([...new Set(ending)].sort()).toEqual(named.sort());
  });
});

describe('next steps name the tools of the caller', () => {
  const update = async () => ({ customer_id: await newCustomer(world), customer: { caption: 'New Name' } });
  const stepsFor = async (tool: string, args: object, headers: Headers) =>
    (await used(world.application, tool, args, headers)).answer.next_steps as string[];

  test('and only those that read: a caller without one is told whom to ask', async () => {
    const reader = await stepsFor('crm_customer_update', await update(), await world.headers('crm_manage'));
    expect(reader[0]).toMatch(/^Read the record with crm_customer_get or/);
    const writer = await stepsFor('crm_customer_update', await update(), await world.headers('crm_edit'));
    expect(writer[0]).toBe('Read the record.');
    expect(writer.at(-1)).toMatch(/^You have no tool that reads it: ask the operator/);
  });

  test('a tool that the connection lacks is said to be lacking', async () => {
    const headers = { ...(await world.headers()), 'x-mcp-tools': 'crm_customer_create' };
    const customer = { caption: 'Test Person', email: 'twice@example.com' };
    await newCustomer(world, customer);
    const lacking = await stepsFor('crm_customer_create', { customer }, headers);
    expect(lacking.at(-1)).toMatch(/^You do not have crm_customer_get here: ask the operator/);
    expect(await stepsFor('crm_customer_create', { customer }, await world.headers())).toEqual([lacking[0]]);
  });

  test('of a 404 are the same for a member and an outsider', async () => {
    const outsider = { ...(await world.headers('owner', 'OTHER')), 'x-orgcode': 'ACME' };
    const args = { giftcard_id: NO_RECORD };
    const steps = await stepsFor('crm_giftcard_get', args, await world.headers());
    expect(await stepsFor('crm_giftcard_get', args, outsider)).toEqual(steps);
  });
});
