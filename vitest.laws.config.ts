/** `npm run test:laws`: the laws that take minutes on PostgreSQL. `npm test` runs them on SQLite. */
import { defineConfig } from 'vitest/config';
import base, { ON_POSTGRES } from './vitest.config.js';

const SLOW = [
  'test/pipeline/roles.test.ts',
  'test/properties/{merge,model,text}.test.ts',
  'test/tools/injection.test.ts',
];

export default defineConfig({
  test: {
    ...base.test,
    testTimeout: 600_000,
    projects: [{ extends: true, test: { name: 'postgres-laws', include: SLOW, ...ON_POSTGRES } }],
  },
});
