/** Which hosts are this machine's own. */
import { expect, test } from 'vitest';
import { isLoopback } from '../../src/contract/loopback.js';

test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('%s is', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  '127.evil.com',
  '127.0.0.1.evil.com',
  'localhost.evil.com',
  '0.0.0.0',
  '::',
  '10.0.0.1',
  '',
  '127.0.0',
  '1::1',
])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
});
