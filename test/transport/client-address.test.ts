/** The addresses that rate limits count by: which part of an address counts, and how many are kept. */
import { describe, expect, test } from 'vitest';
import { clientAddressOf } from '../../src/transport/client-address.js';
import { createRateLimits } from '../../src/transport/rate-limits.js';

const never = () => false;

test('the latest ten thousand addresses are kept', async () => {
  const limits = createRateLimits({ callsPerMinute: 0, failuresPerMinute: 1 });
  await limits?.countFailure('first', undefined);
  for (let count = 1; count < 10_000; count += 1) await limits?.countFailure(`address ${count}`, undefined);
  await expect(limits?.checkAddress('first', undefined, never)).rejects.toMatchObject({ code: 'crm.throttled' });
  await limits?.countFailure('one more', undefined);
  await expect(limits?.checkAddress('first', undefined, never)).resolves.toBeUndefined();
  await expect(limits?.checkAddress('address 1', undefined, never)).rejects.toMatchObject({ code: 'crm.throttled' });
  await limits?.countFailure('first', undefined); // counted from nothing again, and no less strictly
  await expect(limits?.checkAddress('first', undefined, never)).rejects.toMatchObject({ code: 'crm.throttled' });
});

describe('an address', () => {
  const of = (remoteAddress: string | undefined, forwarded?: string | string[], proxies = 0) =>
    clientAddressOf({ headers: { 'x-forwarded-for': forwarded }, socket: { remoteAddress } } as never, proxies);

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['0001:0002:0003:0004::', '1:2:3:4::/64'],
    [undefined, ''],
  ])('%s counts as %s', (address, party) => expect(of(address)).toBe(party));

  test('is taken from the entries of the operator’s proxies, never from what a client sent', () => {
    expect(of('10.0.0.1', '203.0.113.9')).toBe('10.0.0.1');
    expect(of('10.0.0.1', '198.51.100.1, 203.0.113.9', 1)).toBe('203.0.113.9');
    expect(of('10.0.0.1', ['198.51.100.1', '203.0.113.9'], 1)).toBe('203.0.113.9');
    expect(of('10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.2', 2)).toBe('203.0.113.9');
    expect(of('10.0.0.1', '2001:db8:1:2::9', 1)).toBe('2001:db8:1:2::/64');
    for (const forwarded of [undefined, '', 'unknown', '203.0.113.9:80', ' , '])
      expect(of('10.0.0.1', forwarded, 1)).toBe('10.0.0.1');
    expect(of('10.0.0.1', '203.0.113.9', 2)).toBe('10.0.0.1');
  });
});
