/** Tests server.json for the MCP registry, and .mcpb bundles, which are unpacked and started. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getMcpConfigForManifest, type McpbManifestAny, unpackExtension } from '@anthropic-ai/mcpb';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, describe, expect, test } from 'vitest';
import { makeBundle } from '../../scripts/bundling.js';
import type { BundleKind } from '../../scripts/manifest.js';
import { OUTSIDE } from '../../scripts/outside.mjs';
import { PACKAGE, TITLE } from '../../scripts/package.js';
import type { Variable } from '../../scripts/variables.js';
import { VERSION } from '../../src/contract/version.js';
import { cleanEnvironment, type HttpProgram, run, scratch, startHttp } from '../support/program.js';

const workspace = scratch();
afterAll(() => workspace.remove());

describe('server.json', () => {
  const document = JSON.parse(readFileSync('server.json', 'utf8'));

  test('matches package.json, within the limits of the registry', async () => {
    const { name, mcpName, version, description } = PACKAGE;
    expect(document).toMatchObject({ name: mcpName, version, description, title: TITLE });
    expect(VERSION).toBe(version);
    expect((await run(['--version'])).stdout.trim()).toBe(version);
    expect(mcpName).toMatch(/^[a-z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    expect(description.length).toBeLessThanOrEqual(100);
    for (const each of document.packages)
      expect(each).toMatchObject({ registryType: 'npm', identifier: name, version });
  });

  test('uses known commands and options, and lists exactly the variables that the server reads', async () => {
    for (const { packageArguments, environmentVariables, transport } of document.packages) {
      const [{ value: command }, ...options] = packageArguments;
      const { stdout } = await run([command, '--help']);
      const inHelp = stdout.match(/\bG3N_[A-Z_]+\b/g) ?? [];
      for (const { name } of options) expect(stdout).toContain(name);
      const headers = (transport.headers ?? []).map(({ name }: Variable) => name);
      const named = environmentVariables.map(({ name }: Variable) => name);
      const callers = headers.map(variableOf);
      expect([...named, ...callers].sort()).toEqual([...new Set([...inHelp, ...callers])].sort());
    }
  });

  test('marks secrets, and contains no values of them', () => {
    const inputs = document.packages.flatMap(({ environmentVariables, transport }: never) => [
      ...(environmentVariables as Variable[]),
      ...((transport as { headers?: Variable[] }).headers ?? []),
    ]) as (Variable & { readonly value?: string })[];
    const secret = inputs.filter(({ name }) => /key$|session.guid$/i.test(name.replace(/_KEY_FILE$/, '')));
    expect(secret).toHaveLength(6);
    for (const { isSecret, value, default: standard } of secret) {
      expect([isSecret, value, standard]).toEqual([true, undefined, undefined]);
    }
  });
});

/** Returns the environment variable of a header. */
function variableOf(header: string): string {
  return `G3N_${header.slice('x-'.length).replaceAll('-', '_').toUpperCase()}`;
}

describe('a bundle', { timeout: 180_000 }, () => {
  test('of the demo starts without configuration, from its own files only', async () => {
    const bundle = await unpack('demo');
    expect(bundle.manifest).toMatchObject({ version: VERSION, description: PACKAGE.description });
    loadAll(bundle);
    const client = await startBundle(bundle, { directory: join(workspace.directory, 'demo') });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(
      bundle.manifest.tools?.map(({ name }) => name),
    );
    expect(await read(client, 'crm_stat')).toMatchObject({ org: { orgcode: 'DEMO' }, caller: { owner: true } });
    const { items } = (await read(client, 'crm_customer_list', { limit: 1 })) as { items: { customer_id: string }[] };
    const earned = await read(client, 'crm_loyalty_earn', { customer_id: items[0]?.customer_id, points: 5 });
    expect(earned).toMatchObject({ kind: 'earn', points: 5 });
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toContain('crm://protocol');
    await client.close();
    expect(existsSync(join(workspace.directory, 'demo/crm.db'))).toBe(true);
    expect(existsSync(join(bundle.directory, 'dist/explorer'))).toBe(false); // only http serves it
  });

  test('of the live API asks for the key, marks it as secret, and forwards calls with it', async () => {
    const upstream: HttpProgram = await startHttp(workspace.db, ['--demo']);
    const api_key = /owner:([^,&]+)/.exec(upstream.stdout())?.[1] ?? '';
    const bundle = await unpack('live');
    expect(bundle.manifest.user_config?.api_key).toMatchObject({ sensitive: true, required: true });
    expect(await configOf(bundle, { orgcode: 'DEMO' })).toBeUndefined();
    const gateway = new URL('/crm', upstream.url).href;
    const userConfig = { orgcode: 'DEMO', api_key, gateway, directory: join(workspace.directory, 'live') };
    const client = await startBundle(bundle, userConfig);
    expect(await read(client, 'crm_stat')).toMatchObject({ org: { orgcode: 'DEMO' } });
    await client.close();
    await upstream.stop();
  });
});

interface Bundle {
  readonly directory: string;
  readonly manifest: McpbManifestAny;
}

async function unpack(kind: BundleKind): Promise<Bundle> {
  const directory = join(workspace.directory, `unpacked-${kind}`);
  const mcpbPath = await makeBundle(kind, workspace.directory);
  expect(await unpackExtension({ mcpbPath, outputDir: directory, silent: true })).toBe(true);
  return { directory, manifest: JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) };
}

/** Loads every external package, because the program loads them on demand, possibly long after the start. */
function loadAll({ directory }: Bundle): void {
  const program = `for (const name of ${JSON.stringify(OUTSIDE)}) await import(name);`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: directory, stdio: 'pipe' });
}

/** Returns what a desktop client starts, according to the official reader of the manifest. */
function configOf({ directory, manifest }: Bundle, userConfig: Record<string, string>) {
  const systemDirs = { HOME: workspace.directory };
  return getMcpConfigForManifest({ manifest, extensionPath: directory, systemDirs, userConfig, pathSeparator: '/' });
}

async function startBundle(bundle: Bundle, userConfig: Record<string, string>): Promise<Client> {
  const config = await configOf(bundle, userConfig);
  expect(config?.command).toBe('node');
  const { args = [], env = {} } = config ?? {};
  expect(JSON.stringify({ args, env })).not.toContain('${');
  const client = new Client({ name: 'desktop', version: '1' });
  const cwd = workspace.directory; // a directory without files that are missing in the bundle
  const command = process.execPath;
  await client.connect(new StdioClientTransport({ command, args, env: cleanEnvironment(env), cwd, stderr: 'ignore' }));
  return client;
}

async function read(client: Client, name: string, args: Record<string, unknown> = {}): Promise<unknown> {
  const { structuredContent, content } = await client.callTool({ name, arguments: args });
  if (structuredContent === undefined) throw new Error(JSON.stringify(content));
  return (structuredContent as { data: unknown }).data;
}
