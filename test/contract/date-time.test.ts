/** The parser of date-times: RFC 3339, except what a computer's clock cannot hold. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDateTime, justAfter, normalDateTime, parseDateTime } from '../../src/contract/date-time.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { JsonSchema } from '../../src/contract/operation.js';

test.each([
  ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.000Z'],
  ['2026-01-31t09:30:00z', '2026-01-31T09:30:00.000Z'],
  ['2026-01-31 09:30:00Z', '2026-01-31T09:30:00.000Z'],
  ['2026-01-31T09:30:00.5+02:00', '2026-01-31T07:30:00.500Z'],
  ['2026-01-31T09:30:00.123987654321Z', '2026-01-31T09:30:00.123Z'],
  ['2026-01-31T09:30:00-00:00', '2026-01-31T09:30:00.000Z'],
  ['2026-01-01T00:00:00+23:59', '2025-12-31T00:01:00.000Z'],
  ['2024-02-29T23:59:59-23:59', '2024-03-01T23:58:59.000Z'],
  ['0000-01-01T00:00:00Z', '0000-01-01T00:00:00.000Z'],
  ['0099-12-31T00:00:00Z', '0099-12-31T00:00:00.000Z'],
  ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
])('%s is %s', (text, stored) => {
  expect(normalDateTime(text, 'at')).toBe(stored);
});

test.each([
  ['a leap second', '2016-12-31T23:59:60Z'],
  ['a leap second elsewhere', '2016-12-31T18:59:60.5-05:00'],
  ['before year 0', '0000-01-01T00:00:00+00:01'],
  ['after year 9999', '9999-12-31T23:59:59-00:01'],
  ['hour 24', '2026-01-31T24:00:00Z'],
  ['a day that does not exist', '2026-02-29T00:00:00Z'],
  ['day 0', '2026-01-00T00:00:00Z'],
  ['month 13', '2026-13-01T00:00:00Z'],
  ['no offset', '2026-01-31T09:30:00'],
  ['an offset of hours alone', '2026-01-31T09:30:00+01'],
  ['an offset without a colon', '2026-01-31T09:30:00+0100'],
  ['an offset of a day', '2026-01-31T09:30:00+24:00'],
  ['no fraction after its point', '2026-01-31T09:30:00.Z'],
  ['another space', '2026-01-31\u00A009:30:00Z'],
  ['a line end', '2026-01-31T09:30:00Z\n'],
  ['five digits of year', '12026-01-31T09:30:00Z'],
  ['other digits', '٢٠٢٦-01-31T09:30:00Z'],
])('%s is no date-time', (_name, text) => {
  expect(parseDateTime(text)).toBeUndefined();
  expect(() => normalDateTime(text, 'inbox.due_at')).toThrow(/inbox\.due_at/);
});

test('every time of a clock, in every offset, is read as that time', () => {
  const clock = fc.date({ min: new Date('0001-01-01'), max: new Date('9998-12-31'), noInvalidDate: true });
  const offset = fc.integer({ min: -1439, max: 1439 });
  fc.assert(
    fc.property(clock, offset, (date, minutes) => {
      const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1);
      const two = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, '0');
      const text = `${local}${minutes < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
      expect(parseDateTime(text)).toBe(date.getTime());
    }),
    { seed: 3339, numRuns: 2_000 },
  );
});

test('a text that is accepted can be computed with', () => {
  const part = fc.constantFrom('0', '9', '23', '59', '60', '00', '-', ':', 'T', 't', ' ', '.', 'Z', '+', '2026-01-01');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      if (!isDateTime(text)) return;
      expect(justAfter(normalDateTime(text, 'at')) > normalDateTime(text, 'at')).toBe(true);
    }),
    { seed: 3339, numRuns: 5_000 },
  );
});

test('every date-time of a request has the same schema: no field has a grammar of its own', () => {
  const found = CONTRACT.operations.flatMap(({ requestSchema }) => dateTimesIn(requestSchema));
  expect(found.length).toBeGreaterThan(10);
  for (const { description: _, ...schema } of found) {
    expect(schema).toEqual({ type: 'string', format: 'date-time', maxLength: 40 });
  }
});

function dateTimesIn(schema: JsonSchema): readonly JsonSchema[] {
  if (schema.format === 'date-time') return [schema];
  return Object.values(schema).flatMap((child) =>
    typeof child === 'object' && child !== null ? dateTimesIn(child as JsonSchema) : [],
  );
}
