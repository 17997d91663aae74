/**
 * The first week of an operator, with the built program: make an org and keys, import customers, connect a client, back
 * up under load, lose the disk, restore, rotate, revoke a leaked key, read the audit, upgrade. Each step goes on from
 * what the one before left.
 */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type HttpProgram, run, runJson, scratch, startHttp } from '../support/program.js';

const CUSTOMERS = 10_000;
const { directory, remove } = scratch();
/** The disk that is lost, and what is kept elsewhere. */
const disk = join(directory, 'disk');
const vault = join(directory, 'vault');
const db = join(disk, 'crm.db');
const backup = join(vault, 'crm-backup.db');
const CSV = join(directory, 'customers.csv');
const on = (...args: readonly string[]) => [...args, '--db', db];

let server: HttpProgram | undefined;
let clerk: Key;
let owner: Key;
afterAll(async () => {
  await server?.stop('SIGKILL');
  remove();
});

interface Key {
  readonly api_key: string;
  readonly fingerprint: string;
}

/** Calls an operation over REST. */
async function call(key: Key, path: string, body: object) {
  const headers = { 'content-type': 'application/json', 'x-orgcode': 'ACME', 'x-api-key': key.api_key };
  const place = { 'x-logical-guid': 'store-1', 'x-channel-code': 'pos' };
  const url = new URL(`/crm${path}`, server?.url);
  const response = await fetch(url, { method: 'POST', headers: { ...headers, ...place }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as { data?: Record<string, unknown> } };
}

async function listStatus(key: Key): Promise<number> {
  return (await call(key, '/customer/list', {})).status;
}

/** The number of active customers. */
async function customers(): Promise<number> {
  return Number((await runJson(on('admin', 'org', 'show', 'ACME'))).customers);
}

function writeCustomers(): void {
  const rows = Array.from(
    { length: CUSTOMERS },
    (_, no) => `C-${no},Given${no},Family${no % 97},c${no}@example.com,${no % 50}`,
  );
  writeFileSync(CSV, `Ref,First Name,Last Name,E-Mail,Points\n${rows.join('\n')}\n`);
}
const MAP = 'external_ref=Ref,points=Points,email=E-Mail';

describe('the first week of an operator', { timeout: 120_000 }, () => {
  test('makes an org and two keys; one that may do nothing is refused', async () => {
    mkdirSync(disk);
    mkdirSync(vault);
    await runJson(on('admin', 'org', 'create', 'ACME'));
    expect((await run(on('admin', 'key', 'create', 'ACME'))).code).toBe(2);
    clerk = await runJson(on('admin', 'key', 'create', 'ACME', '--roles', 'crm_view', '--name', 'clerk'));
    owner = await runJson(on('admin', 'key', 'create', 'ACME', '--owner', '--name', 'office', '--expires', '90d'));
    copyFileSync(`${db}.key`, join(vault, 'server.key'));
  });

  const importing = on('admin', 'import', CSV, '--org', 'ACME', '--map', MAP, '--json');
  test(`tries the import of ${CUSTOMERS} customers`, async () => {
    writeCustomers();
    expect(await runJson([...importing, '--dry-run'])).toMatchObject({ failed: 0 });
    expect(await customers()).toBe(0);
  });

  test('imports them', async () => {
    expect(await runJson(importing)).toMatchObject({ created: CUSTOMERS, failed: 0 });
    expect(await customers()).toBe(CUSTOMERS);
  });

  test('imports them again, and nothing is doubled', async () => {
    expect(await runJson(importing)).toMatchObject({ created: 0, failed: 0 });
    expect(await customers()).toBe(CUSTOMERS);
  });

  test('starts a server, and connects a client to it', async () => {
    server = await startHttp(db);
    const home = { HOME: directory, USERPROFILE: directory };
    await run(['connect', 'cursor', '--url', new URL('/mcp', server.url).href, '--org', 'ACME', '--yes'], home);
    const files = readdirSync(directory, { recursive: true }).map(String);
    const written = files.find((name) => name.endsWith('mcp.json'));
    const configuration = readFileSync(join(directory, String(written)), 'utf8');
    expect(configuration).toContain('/mcp');
    expect(configuration).not.toContain(owner.api_key);
  });

  test('backs up while calls come in', async () => {
    const earlier = await call(owner, '/customer/create', { customer: { caption: 'Before the backup' } });
    expect(earlier.status).toBe(200);
    let isOver = false;
    const load = (async () => {
      let calls = 0;
      for (; !isOver; calls += 1) {
        const { status } = await call(owner, '/customer/create', { customer: { caption: `Under load ${calls}` } });
        expect(status).toBe(200);
      }
      return calls;
    })();
    await runJson(on('admin', 'backup', '--to', backup, '--json'));
    isOver = true;
    expect(await load).toBeGreaterThan(0);
  });

  test('loses the disk, and restores what was answered before the backup', async () => {
    await server?.stop('SIGKILL');
    rmSync(disk, { recursive: true });
    mkdirSync(disk);
    copyFileSync(join(vault, 'server.key'), `${db}.key`);
    await runJson(on('admin', 'restore', '--from', backup, '--json'));
    expect((await run(on('verify'))).code).toBe(0);
    expect(await customers()).toBeGreaterThan(CUSTOMERS);
    server = await startHttp(db);
    const { body } = await call(owner, '/customer/search', { q: 'before backup' });
    expect(JSON.stringify(body.data)).toContain('Before the backup');
  });

  test('replaces a key and revokes a leaked one, both at once', async () => {
    const renewed: Key = await runJson(on('admin', 'key', 'rotate', owner.fingerprint));
    expect(await listStatus(owner)).toBe(401);
    owner = renewed;
    expect(await listStatus(owner)).toBe(200);
    expect(await listStatus(clerk)).toBe(200);
    await runJson(on('admin', 'key', 'revoke', clerk.fingerprint));
    expect(await listStatus(clerk)).toBe(401);
  });

  test('reads in the audit who did it, but no key', async () => {
    const { code, stdout } = await run(on('admin', 'audit', '--org', 'ACME', '--all', '--json'));
    expect(code).toBe(0);
    expect(stdout).toContain(clerk.fingerprint);
    expect(stdout).not.toContain(clerk.api_key);
  });

  test('rotates the server key; keys go on to work', async () => {
    await runJson(on('admin', 'server-key', 'rotate', '--json'));
    expect(await listStatus(owner)).toBe(200);
    expect((await run(on('verify'))).code).toBe(0);
  });

  test('upgrades: this version has nothing to change, and the server comes back', async () => {
    await server?.stop();
    expect((await run(on('admin', 'migrate', '--check'))).code).toBe(0);
    server = await startHttp(db);
    expect(await listStatus(owner)).toBe(200);
  });
});
