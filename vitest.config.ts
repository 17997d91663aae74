import { existsSync, statfsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const STORIES = 'test/conformance/**/*.test.ts';
/** A browser and a server each: they would starve, and be starved by, whatever runs beside them. */
const BROWSER = ['test/page/**/*.test.ts'];
const TOGETHER = [
  STORIES,
  'test/{contract,domain,mcp,openapi-import,pipeline,store,tools,transport}/**/*.test.ts',
  'test/repository/!(structure|bundle).test.ts',
];

/** Memory is disk enough for tests: what a commit promises is that it outlives the process, and memory of the system does. */
const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 2 ** 31;

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: [...TOGETHER, ...BROWSER] } },
      // Files that make their own world and touch nothing else share what is loaded: loading costs more than they do.
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      // The stories of the contract once more, through a gateway (test/support/paths.ts).
      ...['gateway', 'second-org'].map((path) => ({
        extends: true as const,
        test: { name: path, include: [STORIES], env: { G3N_TEST_PATH: path }, isolate: false },
      })),
      { extends: true, test: { name: 'page', include: BROWSER, sequence: { groupOrder: 1 } } },
    ],
    env: isRoomy(MEMORY) ? { TMPDIR: MEMORY } : {},
    testTimeout: 60_000,
    maxWorkers: 2, // many tests wait for processes of their own
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default', './test/support/count-reporter.ts'] : ['default'],
  },
});

function isRoomy(directory: string): boolean {
  if (!existsSync(directory)) return false;
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize >= ENOUGH_BYTES;
}
