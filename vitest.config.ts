import { defineConfig } from 'vitest/config';

const STORIES = 'test/conformance/**/*.test.ts';
const TOGETHER = [STORIES, 'test/domain/**/*.test.ts', 'test/foreign/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: TOGETHER } },
      // Files that make their own world and touch nothing else share what is loaded: loading costs more than they do.
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      // The stories of the contract once more, through a gateway (test/support/paths.ts).
      ...['gateway', 'second-org'].map((path) => ({
        extends: true as const,
        test: { name: path, include: [STORIES], env: { G3N_TEST_PATH: path }, isolate: false },
      })),
    ],
    testTimeout: 60_000,
    maxWorkers: 2, // many tests wait for processes of their own
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default', './test/support/count-reporter.ts'] : ['default'],
  },
});
