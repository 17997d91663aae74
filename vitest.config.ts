/** The test projects: which files share a process, which run apart, and which run again through a gateway. */
import { existsSync, statfsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

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
  'test/{commands,connect,contract,database-file,domain,evals,gateway,import,mcp,openapi-import,pipeline,secrets,settings,store,telemetry,tools,transport}/**/*.test.ts',
  'test/repository/!(structure|bundle).test.ts',
];

/** Temporary files go to memory: tests need commits to outlive the process, not the machine. */
const MEMORY = '/dev/shm';
const MIN_FREE_BYTES = 2 ** 31;

/** Starts the PostgreSQL server that all tests share. */
const SERVER = './test/support/postgres-setup.ts';

/** A project whose worlds are on PostgreSQL. */
export const ON_POSTGRES = {
  env: { G3N_TEST_PATH: 'postgres' },
  isolate: false,
  globalSetup: SERVER,
};

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: [...TOGETHER, ...POSTGRES, ...BROWSER] },
      },
      // Files that only use a world of their own share loaded modules: loading costs more time than these tests.
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      // The conformance tests again, through a gateway (test/support/paths.ts).
      ...['gateway', 'second-org'].map((path) => ({
        extends: true as const,
        test: { name: path, include: [CONFORMANCE], env: { G3N_TEST_PATH: path }, isolate: false },
      })),
      // And on PostgreSQL, with the laws.
      {
        extends: true,
        test: { name: 'postgres', include: [CONFORMANCE, ...LAWS], ...ON_POSTGRES },
      },
      {
        extends: true,
        test: {
          name: 'postgres-engine',
          include: POSTGRES,
          exclude: POSTGRES_APART,
          isolate: false,
          globalSetup: SERVER,
        },
      },
      { extends: true, test: { name: 'postgres-apart', include: POSTGRES_APART, globalSetup: SERVER } },
      { extends: true, test: { name: 'page', include: BROWSER, sequence: { groupOrder: 1 } } },
    ],
    env: hasSpace(MEMORY) ? { TMPDIR: MEMORY } : {},
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
