/** What several processes that serve one port could not keep is refused. */
import { expect, test } from 'vitest';
import { requireWorkers } from '../../src/commands/http-workers.js';

const FINE = { workers: 2, stateless: true, hasGateway: false, isFile: true, hasMetrics: false };

test('several workers serve a database file without sessions', () => {
  expect(() => requireWorkers(FINE)).not.toThrow();
});

test.each([
  [{ stateless: false }, '--stateless'],
  [{ hasGateway: true }, '--gateway'],
  [{ isFile: false }, 'start several servers'],
  [{ hasMetrics: true }, 'metrics'],
])('%j is refused with several workers, and served by one', (change, reason) => {
  expect(() => requireWorkers({ ...FINE, ...change })).toThrow(reason);
  expect(() => requireWorkers({ ...FINE, ...change, workers: 1 })).not.toThrow();
});
