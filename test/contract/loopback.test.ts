/** Recognition of loopback hosts. */
import { expect, test } from 'vitest';
import { isLoopback } from '../../src/contract/loopback.js';

test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('%s is a loopback host', (host) => {
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
])('%s is not a loopback host', (host) => {
  expect(isLoopback(host)).toBe(false);
});
