/** Runs every example of the contract as a tool call, each on a fresh copy of the demo data. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApplication } from '../../src/application.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { issuesOf } from '../../src/contract/validate.js';
import { SIGNED_UP_TWICE } from '../../src/demo/dedupe-seed.js';
import { type Demo, ensureDemo } from '../../src/demo/demo.js';
import { createRandom32 } from '../../src/ids.js';
import { call } from '../../src/pipeline/call.js';
import { parseHeaders } from '../../src/pipeline/headers.js';
import { openStore, type SqliteStore } from '../../src/store/store.js';
import { verifyStore } from '../../src/store/verify-store.js';
import { createBoundaryMint } from '../../src/tools/boundary-markers.js';
import { createCatalogue, toolName } from '../../src/tools/catalogue.js';
import { toToolResult } from '../../src/tools/tool-result.js';

const SILENT = pino({ level: 'silent' });
const catalogue = createCatalogue(CONTRACT);
const directories: string[] = [];
let template: string;
let demo: Demo;

beforeAll(async () => {
  template = freshDirectory();
  const store = open(template);
  demo = await ensureDemo(store, new Date());
  await store.close();
});
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Queries for the demo ids that replace the placeholders of the examples. */
const STAND_INS: { readonly [placeholder: string]: string } = {
  COMMENT_ID: `SELECT comment_id AS id FROM comment
    WHERE author LIKE 'service_account_guid:%' AND status = 'active' AND revision = 1 ORDER BY comment_id LIMIT 1`,
  CUSTOMER_ID: `SELECT c.customer_id AS id FROM customer c
    JOIN loyalty_account a ON a.orgcode = c.orgcode AND a.customer_id = c.customer_id
    WHERE c.status = 'active' AND c.revision = 1 AND a.points_balance > 200 AND NOT EXISTS
      (SELECT 1 FROM customer_consent s WHERE s.customer_id = c.customer_id) ORDER BY c.customer_id LIMIT 1`,
  DUPLICATE_ID: `SELECT c.customer_id AS id FROM customer c WHERE c.status = 'active' AND NOT EXISTS
      (SELECT 1 FROM hold h WHERE h.customer_id = c.customer_id) ORDER BY id DESC LIMIT 1`,
  LOYALTY_ID: `SELECT t.loyalty_txn_id AS id FROM loyalty_txn t WHERE t.kind = 'redeem' AND NOT EXISTS
      (SELECT 1 FROM loyalty_txn r WHERE r.related_txn_id = t.loyalty_txn_id) ORDER BY id DESC LIMIT 1`,
  ACCOUNT_ID: `SELECT account_id AS id FROM account WHERE status = 'active' AND revision = 2 AND credit_hold = 0
      AND credit_used_minor > 10000 AND credit_limit_minor - credit_used_minor > 100000 ORDER BY account_id LIMIT 1`,
  CONTACT_ID: `SELECT account_contact_id AS id FROM account_contact WHERE status = 'active' AND revision = 1
      AND is_primary = 0 ORDER BY account_contact_id LIMIT 1`,
  GIFTCARD_ID: `SELECT giftcard_id AS id FROM giftcard WHERE status = 'active' AND pin_hash IS NULL
      AND balance_minor > 1000 AND currency = 'USD' LIMIT 1`,
  CERTIFICATE_ID: `SELECT certificate_id AS id FROM certificate WHERE status = 'pending' LIMIT 1`,
  INBOX_ID: `SELECT inbox_id AS id FROM inbox WHERE status = 'open' AND state = 'unread' AND revision = 1 LIMIT 1`,
  HOLD_ID: `SELECT hold_id AS id FROM hold WHERE status = 'active' AND revision = 1 LIMIT 1`,
};

const examples = CONTRACT.operations.flatMap((operation) =>
  operation.examples.map(
    (example) => [`${toolName(operation)}: ${example.name}`, operation.id, example.value] as const,
  ),
);

describe('an example of the contract succeeds on the demo data', () => {
  test.each(examples)('%s', async (_name, id, value) => {
    await onCopy(async (act) => {
      const envelope = await act(`crm_${id}`, value);
      expect(envelope.success ? 'success' : envelope.error).toBe('success');
      const entry = catalogue.find(`crm_${id}`);
      if (entry === undefined) throw new Error(`no tool crm_${id}`);
      const { structuredContent } = toToolResult(envelope, entry.untrusted, createBoundaryMint(createRandom32()));
      expect(issuesOf(entry.tool.outputSchema, structuredContent)).toEqual([]);
    });
  });
});

describe("the examples of the customer's document, verbatim", () => {
  test('customer create and loyalty earn respond in the documented shape', async () => {
    await onCopy(async (act) => {
      const signup = { customer: { email: 'cust@example.com', caption: 'Jane Doe' }, reason: 'signup' };
      const created = await act('crm_customer_create', signup);
      const build = { build_major: expect.any(String), build_minor: expect.any(String), build_id: expect.any(String) };
      const stats = { service: 'crm', timestamp_utc: expect.any(String), request_id: expect.any(String) };
      expect(created).toMatchObject({
        success: true,
        data: { customer_id: expect.any(String) },
        build,
        stats: { ...stats, call: 'POST /customer/create' },
      });
      const customer_id = created.success ? (created.data as { customer_id: string }).customer_id : '';
      expect(await act('crm_loyalty_earn', { customer_id, points: 100, reason: 'purchase' })).toMatchObject({
        success: true,
        data: { loyalty_txn_id: expect.any(String), points: 100 },
        build,
        stats: { ...stats, call: 'POST /loyalty/earn' },
      });
    });
  });

  test('a stale revision is rejected in the documented error shape', async () => {
    await onCopy(async (act) => {
      const args = { customer_id: 'CUSTOMER_ID', customer: { company: 'Tide & Co' } };
      await act('crm_customer_update', { ...args, expected_revision: 1 });
      const stale = await act('crm_customer_update', { ...args, expected_revision: '1' });
      expect(stale).toMatchObject({
        success: false,
        error: {
          error_code: 'crm.conflict_revision',
          http_status: 409,
          retryable: false,
          request_id: expect.any(String),
          trace_id: expect.any(String),
          major: {
            tag: 'conflict',
            message: { en_US: 'Expected revision does not match the current record.' },
          },
          details: { expected_revision: '1', current_revision: '2' },
          conflict_snapshot: { revision: 2 },
        },
      });
    });
  });
});

test('the demo contains six customers with a duplicate, and dedupe finds no other pair', async () => {
  await onCopy(async (act) => {
    const found = await act('crm_customer_dedupe_list', { limit: 100 });
    expect(found.success && (found.data as { items: object[] }).items).toHaveLength(SIGNED_UP_TWICE);
  });
});

test('the demo has 200 customers, a key per role and an owner key, and its ledgers are consistent', async () => {
  expect(demo.customers).toBe(200);
  expect(demo.keys.map(({ role }) => role)).toEqual(['owner', ...new Set(Object.values(CONTRACT.roles).flat())].sort());
  const store = open(template);
  const again = await ensureDemo(store, new Date());
  expect(again).toEqual(demo);
  expect(store.driver.read(() => verifyStore(store.keys)).disagreements).toEqual([]);
  await store.close();
});

type Act = (tool: string, args: object) => Promise<Envelope>;

async function onCopy(scenario: (act: Act) => Promise<void>): Promise<void> {
  const directory = freshDirectory();
  cpSync(template, directory, { recursive: true });
  const store = open(directory);
  const { pipeline } = createApplication(store, SILENT);
  const ids = standIns(join(directory, 'crm.db'));
  await scenario(async (tool, args) => {
    const entry = catalogue.find(tool);
    if (entry === undefined) throw new Error(`no tool ${tool}`);
    const resolved = JSON.parse(JSON.stringify(args), (_, value) => ids[value] ?? value) as object;
    return call(pipeline, { operation: entry.operation, arguments: resolved, headers: parseHeaders(demo.headers) });
  });
  expect(store.driver.read(() => verifyStore(store.keys)).disagreements).toEqual([]);
  await store.close();
}

function standIns(path: string): { readonly [placeholder: string]: string } {
  const db = new Database(path, { readonly: true });
  const ids = Object.entries(STAND_INS).map(([name, sql]) => [name, (db.prepare(sql).get() as { id: string }).id]);
  db.close();
  return Object.fromEntries(ids);
}

function open(directory: string): SqliteStore {
  return openStore({
    path: join(directory, 'crm.db'),
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] },
    onBackgroundError: (error) => {
      throw error;
    },
  });
}

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-demo-'));
  directories.push(directory);
  return directory;
}
