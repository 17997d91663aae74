/** `npm run test:laws`: the laws that take minutes. `npm test` runs them on SQLite, the model with fewer sequences. */
import { defineConfig } from 'vitest/config';
import base, { ON_POSTGRES } from './vitest.config.js';

const MODEL = 'test/properties/model.test.ts';
const SLOW = ['test/pipeline/roles.test.ts', 'test/properties/{merge,text}.test.ts', 'test/tools/injection.test.ts'];

export default defineConfig({
  test: {
    ...base.test,
    testTimeout: 600_000,
    projects: [
      { extends: true, test: { name: 'laws', include: [MODEL], env: { G3N_TEST_LAWS: 'true' } } },
      { extends: true, test: { name: 'postgres-laws', include: [MODEL, ...SLOW], ...ON_POSTGRES } },
    ],
  },
});
