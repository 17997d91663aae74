/** REST bodies are parsed as strict JSON, and no value in them is silently lost. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStrictJson } from '../../src/transport/strict-json.js';

const RUNS = { seed: 20_261_128, numRuns: 2000 };
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\\"', '{"a":1}', '":', 'a', '[', '}', ' '),
);
const spaces = fc.constantFrom('', ' ', '\n\t\r ');
/** JSON values whose names and strings look like JSON. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4 }),
  ),
}));
const bytes = (json: string) => Buffer.from(json);

test('any value is parsed as by JSON.parse, with any white space', () => {
  fc.assert(
    fc.property(value, fc.constantFrom('', ' ', '\n\t'), (any, indent) => {
      const json = JSON.stringify(any, undefined, indent);
      expect(parseStrictJson(bytes(json))).toEqual(JSON.parse(bytes(json).toString()));
    }),
    RUNS,
  );
});

test('an object that repeats a name is rejected at any depth and with any escapes', () => {
  const twins = fc.record({ name: text, first: value, second: value, space: spaces, coded: fc.boolean() });
  fc.assert(
    fc.property(twins, fc.array(value, { maxLength: 2 }), ({ name, first, second, space, coded }, others) => {
      const plain = JSON.stringify(name);
      const again = coded ? `"${name.split('').map(codeOf).join('')}"` : plain;
      const [one, two] = [JSON.stringify(first), JSON.stringify(second)];
      const twice = `{${plain}${space}:${one},${space}${again}:${two}}`;
      expect(Object.keys(JSON.parse(twice))).toHaveLength(1);
      const json = JSON.stringify([...others, 'HERE', { deep: 1 }]).replace('"HERE"', () => twice);
      expect(parseStrictJson(bytes(json))).toBeUndefined();
    }),
    RUNS,
  );
});

test('bytes that are not UTF-8 or not JSON are rejected', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (noise) => {
      let known: unknown;
      try {
        known = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(noise));
      } catch {
        known = undefined;
      }
      expect(parseStrictJson(noise)).toEqual(known);
    }),
    RUNS,
  );
});

function codeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
