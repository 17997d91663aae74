/** Calls every operation of the contract once on a store, with records of its own, as the owner of an org. */
import { expect } from 'vitest';
import { createApplication } from '../../src/application.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { createLog } from '../../src/log.js';
import { call } from '../../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import type { Store } from '../../src/store/store.js';
import { toolName } from '../../src/tools/catalogue.js';
import { createTenant, exampleFor } from './makers.js';
import type { Data } from './world.js';

/** A state of the record may answer 409; nothing else may fail. */
export async function callEveryOperation(store: Store, headers: Headers): Promise<void> {
  const { pipeline, catalogue } = createApplication(store, createLog('silent'));
  const parsed = parseHeaders(headers);
  const send = async (tool: string, args: object): Promise<Data> => {
    const operation = catalogue.find(tool)?.operation as Operation;
    return call(pipeline, { operation, arguments: args, headers: parsed });
  };
  for (const operation of CONTRACT.operations) {
    const tenant = createTenant(async (tool, args) => (await send(tool, args)).data);
    const { error } = await send(toolName(operation), await exampleFor(tenant, operation));
    expect([operation.id, error?.http_status ?? 200]).toEqual([operation.id, expect.toBeOneOf([200, 409])]);
  }
}

/** How a test opens a store beside the program. Work in the background that fails, fails the test. */
export const ENGINE_OPTIONS = {
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
  onBackgroundError: (error: unknown) => {
    throw error;
  },
};
