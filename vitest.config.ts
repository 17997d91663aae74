import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'all', include: ['test/**/*.test.ts'] } },
      // The stories of the contract once more, through a gateway (test/support/paths.ts).
      ...['gateway', 'second-org'].map((path) => ({
        extends: true as const,
        test: { name: path, include: ['test/conformance/**/*.test.ts'], env: { G3N_TEST_PATH: path } },
      })),
    ],
    testTimeout: 60_000,
    maxWorkers: 2, // many tests wait for processes of their own
    hookTimeout: 60_000,
    reporters: process.env.CI ? ['default', './test/support/count-reporter.ts'] : ['default'],
  },
});
