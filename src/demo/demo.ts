/** Creates org DEMO once, through the same handlers that serve agents. Its data comes from the seed files. */
import type { BackendResult, Caller, Input } from '../contract/backend.js';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Operation } from '../contract/operation.js';
import { createIdMint } from '../ids.js';
import type { Headers } from '../pipeline/headers.js';
import { generationOf } from '../secrets/keys.js';
import { type AdminContext, createKey, createOrg } from '../store/administration.js';
import { isOneOf, one, type Steps } from '../store/engine/step.js';
import type { Store } from '../store/store.js';
import { type CallAt, CUSTOMERS, seedDemoOrg } from './seed.js';

export interface Demo {
  readonly orgcode: string;
  readonly customers: number;
  /** One key per role, and one for the owner. */
  readonly keys: readonly { readonly role: string; readonly api_key: string }[];
  /** Request headers of the owner, with facility and channel. */
  readonly headers: Headers;
}

const ORGCODE = 'DEMO';
const OWNER = 'owner';
/** While another server makes the demo org, this one waits. */
const LOOK_AGAIN_MS = 100;
export const DEMO_CONTEXT = { logical_guid: 'store-001', channel_code: 'pos' };

/**
 * Seeds org DEMO if it does not exist, and returns its keys and the headers to connect with. Several servers may do
 * this at the same time: one seeds, the others wait for it.
 * @throws Error when an earlier seeding was interrupted.
 */
export async function ensureDemo(store: Store, now: Date): Promise<Demo> {
  const roles = [OWNER, ...new Set(Object.values(CONTRACT.roles).flat())].sort();
  const keys = roles.map((role) => ({ role, api_key: demoKey(store, role) }));
  const owner = demoKey(store, OWNER);
  while (!(await keyExists(store, owner))) {
    let isSeeded = false;
    const seedOnce = async () => {
      await seedOrg(store, now, keys, owner);
      isSeeded = true;
    };
    await store.driver.lead(seedOnce, 'demo');
    if (!isSeeded) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  return { orgcode: ORGCODE, customers: CUSTOMERS, keys, headers: connectionHeaders(owner) };
}

function connectionHeaders(apiKey: string): Headers {
  return {
    'x-orgcode': ORGCODE,
    'x-api-key': apiKey,
    'x-logical-guid': DEMO_CONTEXT.logical_guid,
    'x-channel-code': DEMO_CONTEXT.channel_code,
  };
}

/**
 * Derives a demo key from the oldest generation of the server key: it can be printed at every start although only its
 * hash is stored, and a rotation does not change it.
 */
function demoKey(store: Store, role: string): string {
  const [oldest = ''] = [...store.keys.macs('demo-key', role)].sort((a, b) => generationOf(a) - generationOf(b));
  return `g3nk_demo_${Buffer.from(oldest.slice(-64), 'hex').toString('base64url')}`;
}

/** Runs on one server at a time: an org without keys was left by one that ended. */
async function seedOrg(store: Store, now: Date, keys: Demo['keys'], owner: string): Promise<void> {
  if (await keyExists(store, owner)) return;
  if (await orgExists(store))
    throw new Error('seeding the demo was interrupted: start again with an empty database, or another file');
  await seed(store, now, keys);
}

async function seed(store: Store, now: Date, keys: Demo['keys']): Promise<void> {
  const mint = createIdMint();
  const cx: AdminContext = { keys: store.keys, now: now.toISOString(), newId: () => mint(now.getTime()) };
  await store.driver.write({ steps: () => createOrg(cx, ORGCODE, 'verified') });
  const ownerId = cx.newId();
  await seedDemoOrg(createCallAt(store), now.getTime(), `service_account_guid:${ownerId}`);
  await store.driver.write({ steps: () => createDemoKeys(cx, keys, ownerId) });
}

/**
 * Creates the keys. This is the last step, in one transaction: existing keys mean that the seeding was completed. The
 * owner's service account gets the id that already wrote comments.
 */
function* createDemoKeys(cx: AdminContext, keys: Demo['keys'], ownerId: string): Steps<void> {
  for (const { role, api_key } of keys) {
    const grant = role === OWNER ? { owner: true, roles: [] } : { owner: false, roles: [role] };
    const account = role === OWNER ? { ...cx, newId: () => ownerId } : cx;
    yield* createKey(account, ORGCODE, `demo ${role}`, grant, api_key);
  }
}

function createCallAt(store: Store): CallAt {
  const mint = createIdMint();
  const operations = new Map(CONTRACT.operations.map((operation) => [operation.id, operation]));
  const caller: Caller = {
    orgcode: ORGCODE,
    org_status: 'verified',
    owner: true,
    roles: [],
    actor: 'system:demo',
    context_source: 'api_key',
    fingerprint: '0'.repeat(16),
  };
  return async (id: string, input: Input, at: number, actor = caller.actor): Promise<BackendResult['data']> => {
    const operation = operations.get(id) as Operation;
    const stamp = { request_id: mint(at), trace_id: '0'.repeat(32), epoch_ms: at, now: new Date(at).toISOString() };
    const as = { ...caller, actor };
    const result = await store.perform({ operation, input, caller: as, context: DEMO_CONTEXT, stamp });
    return result.data;
  };
}

async function orgExists(store: Store): Promise<boolean> {
  return store.driver.read(() => rowExists('SELECT 1 AS found FROM org WHERE orgcode = ?', ORGCODE));
}

async function keyExists({ driver, keys }: Store, key: string): Promise<boolean> {
  const hashes = keys.macs('credential', 'api_key', key);
  const sql = `SELECT 1 AS found FROM api_key k WHERE ${isOneOf('k.credential_hash', hashes.length)}`;
  return driver.read(() => rowExists(sql, ...hashes));
}

function* rowExists(sql: string, ...keys: readonly string[]): Steps<boolean> {
  return (yield* one(sql, ...keys)) !== undefined;
}
