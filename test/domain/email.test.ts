/** E-mail addresses: one form for every notation of an address, and none that loses what people wrote. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizeEmail } from '../../src/domain/email.js';

test.each([
  ['Ann@Example.COM', 'ann@example.com'],
  ['x@exämple.com', 'x@xn--exmple-cua.com'],
  ['x@EXÄMPLE.com', 'x@xn--exmple-cua.com'],
  ['x@exa\u0308mple.com', 'x@xn--exmple-cua.com'],
  ['x@xn--exmple-cua.com', 'x@xn--exmple-cua.com'],
  ['x@XN--EXMPLE-CUA.Com', 'x@xn--exmple-cua.com'],
  ['x@exämple.com.', 'x@xn--exmple-cua.com'],
  ['x@example.com.', 'x@example.com'],
  ['x@exämple。com', 'x@xn--exmple-cua.com'],
  ['x@ｅｘａｍｐｌｅ.com', 'x@example.com'],
  ['x@exam\u00adple.com', 'x@example.com'],
  ['x@faß.de', 'x@xn--fa-hia.de'],
  ['x@ΟΔΟΣ.gr', 'x@xn--pxavbq.gr'],
  ['ÜBER@例え.テスト', 'über@xn--r8jz45g.xn--zckzah'],
  ['x@раypal.com', 'x@xn--ypal-43d9g.com'],
  ['"a@b"@exämple.com', '"a@b"@xn--exmple-cua.com'],
])('%s is stored as %s', (written, stored) => {
  expect(normalizeEmail(written)).toBe(stored);
});

/** `domainToASCII` reads a host of a URL: it would decode, cut or renumber these, or give nothing. */
test.each([
  'x@xn--zzzzzz.com',
  'x@xn--faß.de',
  'x@ä%62.com',
  'x@ä/b.com',
  'x@ä:80.com',
  'x@a\u200db.com',
  'x@１.２',
  'x@１.0x7f',
  'x@ä.123',
  'x@\u00ad.com',
  'x@a.\u00ad',
  'x@ä..com',
  `x@${'ä'.repeat(60)}.com`,
  `${'l'.repeat(240)}@exämple.com`,
  'no address',
])('%s has no valid international domain, and keeps its notation', (written) => {
  expect(normalizeEmail(written)).toBe(written);
});

test('an ASCII domain that is no name is only lower-cased', () => {
  for (const domain of ['1.2.3', '0X7F.1', 'ex%61mple.com', 'a_b.com', '-a-.com', 'a b', ''])
    expect(normalizeEmail(`X@${domain}`)).toBe(`x@${domain.toLowerCase()}`);
});

test('the stored form of any text is its own stored form', () => {
  const letters = fc.constantFrom(...'aÄßΣςİ。．.@-%xn1２\u0308\u00ad\u200d日', 'xn--', 'exämple');
  const domain = fc.array(letters, { maxLength: 12 }).map((parts) => `x@${parts.join('')}.com`);
  const stable = (email: string) => {
    expect(normalizeEmail(normalizeEmail(email))).toBe(normalizeEmail(email));
  };
  fc.assert(fc.property(domain, stable), { seed: 46, numRuns: 2000 });
  fc.assert(fc.property(fc.string({ unit: 'binary' }), stable), { seed: 46, numRuns: 500 });
});
