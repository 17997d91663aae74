/** Agent settings of the real program, set by flag, environment and header, over stdio and HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnyClient, CLIENTS, type Connection } from '../support/clients.js';
import { type HttpProgram, openLine, run, scratch, startHttp } from '../support/program.js';
import { setUpOrg } from '../support/set-up-org.js';

const workspace = scratch();
const { db } = workspace;
let env: Record<string, string>;
let headers: Record<string, string>;
/** A server that accepts writes, on the same file as the other servers here. */
let writer: HttpProgram;
beforeAll(async () => {
  env = await setUpOrg(db);
  headers = { 'x-orgcode': String(env.G3N_ORGCODE), 'x-api-key': String(env.G3N_API_KEY) };
  writer = await startHttp(db);
});
afterAll(async () => {
  await writer.stop();
  workspace.remove();
});

const newest = CLIENTS['SDK 2, any era'];
const stdio = (args: readonly string[], more: Record<string, string> = {}): Connection => ({
  kind: 'stdio',
  args: ['--db', db, ...args],
  env: { ...env, ...more },
});
const http = (server: HttpProgram, more: Record<string, string> = {}): Connection => ({
  kind: 'http',
  url: server.url,
  headers: { ...headers, ...more },
});

async function withClient<Answer>(
  client: Promise<AnyClient>,
  use: (client: AnyClient) => Promise<Answer>,
): Promise<Answer> {
  const open = await client;
  try {
    return await use(open);
  } finally {
    await open.close();
  }
}

const listOf = (connection: Connection) => withClient(newest(connection), (client) => client.toolNames());

describe('toolsets', () => {
  test('are set by flag or environment, and the flag wins', async () => {
    const giftcards = ['crm_giftcard_get', 'crm_giftcard_issue', 'crm_giftcard_redeem', 'crm_stat'];
    expect(await listOf(stdio(['--toolsets', 'giftcard']))).toEqual(giftcards);
    expect(await listOf(stdio([], { G3N_TOOLSETS: 'giftcard' }))).toEqual(giftcards);
    expect(await listOf(stdio(['--toolsets', 'giftcard'], { G3N_TOOLSETS: 'loyalty' }))).toEqual(giftcards);
    const exclude = ['--tools', 'crm_customer_get,crm_comment', '--exclude', 'crm_comment'];
    expect(await listOf(stdio(exclude))).toEqual(['crm_customer_get', 'crm_stat']);
  });

  test.each([
    [['--toolsets', 'giftcards'], {}, /no toolset giftcards; there are: account, .*giftcard/],
    [['--exclude', 'giftcard_get'], {}, /no tool giftcard_get; there are: .*crm_giftcard_get/],
    [['--max-answer-tokens', '10'], {}, /whole number from 2000/],
    [[], { G3N_LEAN: 'perhaps' }, /G3N_LEAN: must be true or false/],
    [['--demo', '--read-only'], {}, /--demo .* --read-only/],
    [['--confirm', 'money=ten'], {}, /must be off, destructive, money=AMOUNT or all/],
  ])('%j %j: exits 2 with a remedy', async (args, more, message) => {
    const { code, stderr } = await run(['stdio', '--db', db, ...args], { ...env, ...more } as Record<string, string>);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test('are set by header over HTTP, for the list and for both call paths', async () => {
    const connection = http(writer, { 'x-mcp-toolsets': 'giftcard', 'x-mcp-readonly': 'true' });
    for (const client of [CLIENTS['SDK 1.13.3'], CLIENTS['SDK 2, 2026-07-28 only']]) {
      await withClient(client(connection), async ({ toolNames, call }) => {
        expect(await toolNames()).toEqual(['crm_giftcard_get', 'crm_stat']);
        expect((await call('crm_customer_list')).text).toMatchObject({ error_code: 'crm.tool_not_enabled' });
        expect((await call('crm_stat')).text).toMatchObject({ success: true });
      });
    }
  });
});

describe('--lean', () => {
  test.each(Object.entries(CLIENTS))('%s finds, describes and calls', async (_name, connect) => {
    await withClient(connect(stdio(['--lean'])), async (client) => {
      expect(await client.toolNames()).toEqual(['crm_call', 'crm_describe_operation', 'crm_find_operations']);
      expect(client.instructions).toContain('crm_find_operations');
      const { structured: found } = await client.call('crm_find_operations', { query: 'create customer' });
      const operation = found.data.operations[0].name;
      const { structured } = await client.call('crm_describe_operation', { operation });
      const args = { operation, arguments: { customer: { caption: 'Lean' } } };
      expect(structured.data.effect).toBe('append');
      expect((await client.call('crm_call', args)).structured.data).toMatchObject({ caption: 'Lean' });
      const wrong = await client.call('crm_call', { operation: 'crm_customer_gett' });
      expect(wrong).toMatchObject({ isError: true, text: { error_code: 'crm.operation_unknown' } });
    });
  });
});

describe('--read-only, while another server writes', () => {
  let reader: HttpProgram;
  beforeAll(async () => {
    reader = await startHttp(db, ['--read-only']);
  });
  afterAll(async () => void (await reader.stop()));

  const connections: Record<string, () => Connection> = {
    stdio: () => stdio(['--read-only']),
    'stdio, by environment': () => stdio([], { G3N_READ_ONLY: 'true' }),
    HTTP: () => http(reader),
  };

  test.each(Object.entries(connections))(
    '%s: reads what was just written, and neither lists nor accepts writes',
    async (name, connection) => {
      await withClient(newest(http(writer)), async (client) => {
        const caption = `Read over ${name}`;
        const { structured } = await client.call('crm_customer_create', { customer: { caption } });
        const { customer_id } = structured.data;
        await withClient(newest(connection()), async (readOnly) => {
          expect(await readOnly.toolNames()).not.toContain('crm_customer_create');
          expect(await readOnly.toolNames()).not.toContain('crm_giftcard_get');
          expect((await readOnly.call('crm_customer_get', { customer_id })).structured.data).toMatchObject({ caption });
          const rejected = await readOnly.call('crm_customer_create', { customer: { caption } });
          expect(rejected.text).toMatchObject({ error_code: 'crm.tool_not_enabled', http_status: 403 });
        });
      });
    },
  );

  test('works without another server on the file, and exits cleanly', async () => {
    const alone = scratch();
    const there = await setUpOrg(alone.db);
    const line = await openLine(['--db', alone.db, '--read-only'], there);
    expect(await line.call('crm_stat', {})).toMatchObject({ status: 'ok' });
    expect((await line.running.stop()).code).toBe(0);
    alone.remove();
  });

  test('exits 3 for a missing file, and creates none', async () => {
    const { code, stderr } = await run(['stdio', '--db', `${workspace.directory}/none.db`, '--read-only'], env);
    expect(code).toBe(3);
    expect(stderr).toMatch(/there is no database .*none\.db/);
  });
});

test('--max-answer-tokens applies to both call paths over HTTP', async () => {
  const server = await startHttp(db, ['--max-answer-tokens', '2000']);
  const attributes = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`note_${at}`, 'long '.repeat(60)]));
  const texts: object[] = [];
  for (const client of [CLIENTS['SDK 1.32.2'], CLIENTS['SDK 2, 2026-07-28 only']]) {
    await withClient(client(http(server)), async ({ call }) => {
      const created = await call('crm_customer_create', { customer: { caption: 'Long', attributes } });
      const { customer_id } = created.structured.data;
      expect(created.structured.truncated.length).toBeGreaterThan(0);
      const { structured, text } = await call('crm_customer_get', { customer_id });
      expect(text).toEqual(structured);
      expect(JSON.stringify(text).length).toBeLessThan(8_000);
      texts.push(structured.truncated);
    });
  }
  expect(texts[1]).toEqual(texts[0]);
  await server.stop();
});
