/** A SQLite database with rows in every table, made by calls, to copy to another engine; and what was called. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createApplication } from '../../src/application.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { ensureDemo } from '../../src/demo/demo.js';
import { createIdMint } from '../../src/ids.js';
import { createLog } from '../../src/log.js';
import { call } from '../../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { addOAuthOrg } from '../../src/store/admin/oauth-orgs.js';
import { createKey, createOrg, createSession } from '../../src/store/administration.js';
import { openStore, type Store } from '../../src/store/store.js';

/** How stores are opened in these tests. */
export const STORE_OPTIONS = {
  roles: CONTRACT.roles,
  settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
  onBackgroundError: (error: unknown) => {
    throw error;
  },
};

export interface FullDatabase {
  readonly path: string;
  /** The owner of org ACME, by API key and as a user with a session. */
  readonly byKey: Headers;
  readonly bySession: Headers;
  /** The code of a card; the call that earned points under an idempotency key, by API key, and its result. */
  readonly code: string;
  readonly earn: object;
  readonly earned: object;
  readonly customerId: string;
}

/** Names with signs that have a meaning in SQL, in arrays and in JSON, and letters of several planes. */
const NAMES = [`O'Brien`, 'Ström "Quote" {x,y}', 'a\\b\t%_?', '日本 名', 'Ζεύς 😀 𝒳', 'ΟΔΥΣΣΕΥΣ', ''];
/** Rows of the journal that are written and not sealed. */
const UNSEALED = 3;

/** Calls a tool on a store. */
export async function callStore(store: Store, tool: string, args: object, headers: Headers): Promise<Envelope> {
  const { pipeline, catalogue } = createApplication(store, createLog('silent'));
  const entry = catalogue.find(tool);
  if (entry === undefined) throw new Error(`no tool ${tool}`);
  return call(pipeline, { operation: entry.operation, arguments: args, headers: parseHeaders(headers) });
}

/** Makes the database, with org DEMO and two others, and closes it. */
export async function fullDatabase(directory: string): Promise<FullDatabase> {
  const path = join(directory, 'full.db');
  const store = openStore({ path, ...STORE_OPTIONS });
  await ensureDemo(store, new Date());
  const mint = createIdMint();
  const cx = { keys: store.keys, now: new Date().toISOString(), newId: () => mint(Date.now()) };
  const owner = { owner: true, roles: [] };
  const admin = store.driver;
  for (const orgcode of ['ACME', 'EMPTY']) await admin.write({ steps: () => createOrg(cx, orgcode, 'verified') });
  const { api_key } = await admin.write({ steps: () => createKey(cx, 'ACME', 'till', owner) });
  await admin.write({ steps: () => addOAuthOrg(cx, 'tenant', 'acme-tenant', 'ACME') });
  const { session_guid } = await admin.write({ steps: () => createSession(cx, 'ACME', 'ann', owner, 86_400) });
  const byKey = {
    'x-orgcode': 'ACME',
    'x-api-key': api_key,
    'x-logical-guid': 'store-1',
    'x-channel-code': 'pos',
  };
  const { 'x-api-key': _, ...rest } = byKey;
  const bySession = { ...rest, 'x-session-guid': session_guid };
  const act = async (tool: string, args: object) => {
    const envelope = await callStore(store, tool, args, byKey);
    if (!envelope.success) throw new Error(`${tool}: ${JSON.stringify(envelope.error)}`);
    return envelope.data as { readonly customer_id: string; readonly code: string };
  };
  const created = [];
  for (const name of NAMES) {
    created.push(await act('crm_customer_create', { customer: { caption: name || 'x', family_name: name || 'x' } }));
  }
  const customerId = created[0]?.customer_id ?? '';
  const policy = {
    enabled: true,
    earn: { mode: 'per_amount', points_per_unit: 1, currency: 'USD', rounding: 'floor' },
  };
  await act('crm_loyalty_policy_set', { policy, reason: 'opening' });
  const earn = { customer_id: customerId, points: 25, reason: 'welcome', idempotency_key: 'before the copy' };
  const earned = await act('crm_loyalty_earn', earn);
  await act('crm_customer_anonymize', {
    customer_id: created.at(-1)?.customer_id,
    reason: 'asked',
    expected_revision: 1,
  });
  const { code } = await act('crm_giftcard_issue', { amount: 50, currency: 'USD', reason: 'gift', pin: '1234' });
  await callStore(store, 'crm_giftcard_get', { code, pin: '9999' }, byKey);
  await store.close();
  addUnsealedRows(path);
  return { path, byKey, bySession, code, earn, earned, customerId };
}

/** As when a server was killed before it sealed them. */
function addUnsealedRows(path: string): void {
  const database = new Database(path);
  const columns = (database.pragma('table_info(journal)') as { readonly name: string }[]).map(({ name }) => name);
  const values = columns.map((name) => (name === 'journal_no' ? 'journal_no + 1' : name)).join(', ');
  const last = `orgcode = 'ACME' ORDER BY journal_no DESC LIMIT 1`;
  for (let count = 0; count < UNSEALED; count += 1) {
    database.exec(`INSERT INTO journal (${columns.join(', ')}) SELECT ${values} FROM journal WHERE ${last}`);
  }
  database.close();
}
