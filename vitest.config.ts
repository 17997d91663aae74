/** The test projects: which files share a process, which run apart, and which run again through a gateway. */
import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type UserWorkspaceConfig } from 'vitest/config';

const CONFORMANCE = 'test/conformance/**/*.test.ts';
/**
 * What must hold on both engines, besides: the tenants' wall, histories of calls, previews. The laws that take minutes
 * on PostgreSQL are in vitest.laws.config.ts.
 */
const LAWS = [
  'test/mcp/{confirmation,preview}.test.ts',
  'test/pipeline/tenants.test.ts',
  'test/properties/{giftcard,ledger,retries}.test.ts',
];
/** Each of these starts a browser and a server. They run last: they would compete with other tests for the CPU. */
const BROWSER = ['test/page/**/*.test.ts'];
/** Tests of the PostgreSQL engine, which share a server (test/support/postgres-setup.ts). */
const POSTGRES = ['test/postgres/**/*.test.ts'];
/** Those of them that load modules again, or with another environment. */
const POSTGRES_APART = ['test/postgres/{driver,erasure-vacuum}.test.ts'];
const TOGETHER = [
  CONFORMANCE,
  'test/{cli,commands,connect,contract,database-file,domain,evals,export,gateway,import,mcp}/**/*.test.ts',
  'test/{openapi-import,pipeline,program,properties,secrets,settings,store,telemetry,tools,transport}/**/*.test.ts',
  'test/repository/!(structure|bundle).test.ts',
];

/** Temporary files go to memory: tests need commits to outlive the process, not the machine. */
const MEMORY = '/dev/shm';
const MIN_FREE_BYTES = 2 ** 31;

const inMemory = hasSpace(MEMORY);
/** Where the projects find modules that another one has compiled. Each run has its own, so nothing in it is stale. */
const compiled = mkdtempSync(join(inMemory ? MEMORY : tmpdir(), 'g3n-compiled-'));
process.once('exit', () => rmSync(compiled, { recursive: true, force: true }));

/** Starts the PostgreSQL server that all tests share. */
const SERVER = './test/support/postgres-setup.ts';

/** A project whose worlds are on PostgreSQL. */
export const ON_POSTGRES = {
  env: { G3N_TEST_PATH: 'postgres' },
  isolate: false,
  globalSetup: SERVER,
};

/** Each project needs the setting of the cache: it inherits all others. */
function project(test: NonNullable<UserWorkspaceConfig['test']>) {
  return {
    extends: true as const,
    test: { ...test, experimental: { fsModuleCache: true, fsModuleCachePath: compiled } },
  };
}

export default defineConfig({
  test: {
    projects: [
      project({ name: 'apart', include: ['test/**/*.test.ts'], exclude: [...TOGETHER, ...POSTGRES, ...BROWSER] }),
      // Files that only use worlds, processes and browsers of their own share loaded modules, which saves loading them.
      project({ name: 'together', include: TOGETHER, isolate: false }),
      // The conformance tests again, through a gateway (test/support/paths.ts).
      ...['gateway', 'second-org'].map((path) =>
        project({ name: path, include: [CONFORMANCE], env: { G3N_TEST_PATH: path }, isolate: false }),
      ),
      // And on PostgreSQL, with the laws.
      project({ name: 'postgres', include: [CONFORMANCE, ...LAWS], ...ON_POSTGRES }),
      project({
        name: 'postgres-engine',
        include: POSTGRES,
        exclude: POSTGRES_APART,
        isolate: false,
        globalSetup: SERVER,
      }),
      project({ name: 'postgres-apart', include: POSTGRES_APART, globalSetup: SERVER }),
      project({ name: 'page', include: BROWSER, isolate: false, sequence: { groupOrder: 1 } }),
    ],
    env: inMemory ? { TMPDIR: MEMORY } : {},
    testTimeout: 60_000,
    maxWorkers: 3, // on two cores: tests wait for processes, deadlines and the browser
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default', './test/support/count-reporter.ts'] : ['default'],
  },
});

function hasSpace(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize >= MIN_FREE_BYTES;
}
