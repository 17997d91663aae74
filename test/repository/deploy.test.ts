/** Checks deploy/, which no container runtime starts here: its files exist, agree with each other, and are YAML. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly ports?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const read = (file: string) => readFileSync(join('deploy', file), 'utf8');
const compose = parse(read('compose.yaml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);

describe('compose.yaml', () => {
  test('has two servers, a primary, a standby, and a pgbouncer beside each', () => {
    const names = ['postgres-a', 'postgres-b', 'pgbouncer-a', 'pgbouncer-b', 'server-1', 'server-2'];
    expect(services.map(([name]) => name)).toEqual(names);
  });

  test.each(services)('%s refers to nothing that is missing', (_name, service) => {
    const { build, volumes = [], secrets = [], depends_on = {} } = service;
    if (build !== undefined) expect(existsSync(join('deploy', build.context, build.dockerfile))).toBe(true);
    const sources = volumes.map((volume) => volume.split(':')[0] ?? '');
    const paths = sources.filter((source) => source.startsWith('.'));
    expect(paths.filter((path) => !existsSync(join('deploy', path)))).toEqual([]);
    const named = sources.filter((source) => !source.startsWith('.'));
    expect(Object.keys(compose.volumes)).toEqual(expect.arrayContaining(named));
    expect(Object.keys(compose.secrets)).toEqual(expect.arrayContaining([...secrets]));
    for (const dependency of Object.keys(depends_on)) expect(compose.services[dependency]?.healthcheck).toBeDefined();
    const used = [...JSON.stringify(service).matchAll(/\/run\/secrets\/(\w+)/g)].map(([, name]) => name);
    expect(secrets).toEqual(expect.arrayContaining(used));
  });

  test('a server is healthy when it is ready, and is published on loopback only', () => {
    const servers = services.filter(([name]) => name.startsWith('server-'));
    for (const [, { healthcheck, ports = [] }] of servers) {
      expect(healthcheck?.test.join(' ')).toContain('/readyz');
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    }
  });

  test('secrets are in files, none in the environment', () => {
    const variables = services.flatMap(([, { environment = {} }]) => Object.keys(environment));
    expect(variables.filter((name) => /PASSWORD|SECRET|KEY/.test(name) && !name.endsWith('_FILE'))).toEqual([]);
    expect(compose.services['server-1']?.environment?.G3N_DB).not.toMatch(/\/\/[^@/]*:/);
  });
});

test('commits wait for a standby in both deployments, which is promoted soon', () => {
  const { bootstrap } = parse(read('patroni/patroni.yml'));
  expect(bootstrap.dcs).toMatchObject({ synchronous_mode: true, synchronous_mode_strict: true });
  const { ttl, loop_wait, retry_timeout } = bootstrap.dcs;
  expect(loop_wait + 2 * retry_timeout).toBeLessThanOrEqual(ttl);
  const single = Object.fromEntries(
    [...read('postgres/postgresql.conf').matchAll(/^(\w+) = '?(.*?)'?$/gm)].map(([, name, value]) => [name, value]),
  );
  expect(single.synchronous_standby_names).toBe('FIRST 1 ("postgres-b", "postgres-a")');
  for (const name of ['synchronous_commit', 'wal_retrieve_retry_interval', 'max_connections', 'tcp_user_timeout'])
    expect(String(bootstrap.dcs.postgresql.parameters[name])).toBe(single[name]);
});

test('pgbouncer is set up as it is in the failover test', () => {
  const settings = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/^(pool_mode|\w+_timeout|server_login_retry|default_pool_size|max_client_conn) = (.*)$/gm)].map(
        ([, name, value]) => [name, value],
      ),
    );
  const tried = settings(readFileSync('soak/failover/pgbouncer.ts', 'utf8'));
  expect(Object.keys(tried)).toHaveLength(6);
  expect(settings(read('images/pgbouncer.ini'))).toEqual(tried);
});
