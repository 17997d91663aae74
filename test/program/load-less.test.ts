/** What the build leaves to be loaded later is there when it is needed (scripts/load-less.mjs). */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';

const CHUNKS = resolve('dist/chunks');
const code = new Map(
  readdirSync(CHUNKS)
    .filter((name) => name.endsWith('.js'))
    .map((name) => [name, readFileSync(join(CHUNKS, name), 'utf8')]),
);

/** The only chunk with a text. */
function chunkWith(text: string): readonly [name: string, code: string] {
  const found = [...code].filter(([, chunk]) => chunk.includes(text));
  expect(found).toHaveLength(1);
  return found[0] as [string, string];
}

test('the JSON Schema engine of the SDK is beside the chunk that asks for it, and checks what it is given', () => {
  const [name, chunk] = chunkWith('AjvJsonSchemaValidator');
  const path = /require\("([^"]*mcp-ajv\.cjs)"\)/.exec(chunk)?.[1];
  const { AjvJsonSchemaValidator } = createRequire(join(CHUNKS, name))(String(path));
  const schema = { type: 'object', required: ['confirm'], properties: { confirm: { type: 'boolean' } } };
  const check = new AjvJsonSchemaValidator().getValidator(schema);
  expect(check({ confirm: true })).toMatchObject({ valid: true, data: { confirm: true } });
  expect(check({ confirm: 'yes' })).toMatchObject({ valid: false, errorMessage: 'data/confirm must be boolean' });
});

test('the contract that the program reads is the generated one, to the letter', async () => {
  const [name] = chunkWith('CONTRACT = JSON.parse(');
  const built = await import(join(CHUNKS, name));
  expect(JSON.stringify(built.CONTRACT)).toBe(JSON.stringify(CONTRACT));
});

test('languages and databases that nobody uses are not in the program', () => {
  const all = [...code.values()].join('\n');
  expect(all).toContain('RateLimiterMemory');
  expect(all).not.toContain('RateLimiterMongo');
  expect(all).not.toContain('zod/v4/locales/he');
});
