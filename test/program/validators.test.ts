/** The validators the build makes say exactly what ajv says at run time. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CrmError } from '../../src/contract/errors.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Operation } from '../../src/contract/operation.js';
import { createValidate, type Validate } from '../../src/contract/validate.js';

const BUILT = 'dist/validators';
const built = createValidate(BUILT);
const compiled = createValidate();

/** The issues of an input, or none. */
function verdict(validate: Validate, operation: Operation, input: unknown): unknown {
  try {
    validate(operation, input);
    return [];
  } catch (error) {
    if (error instanceof CrmError) return error.details;
    throw error;
  }
}

/** Every example, and each of them spoilt field by field. */
function inputsOf(operation: Operation): readonly object[] {
  const examples = operation.examples.map(({ value }) => value);
  const spoilt = examples.flatMap((example) =>
    Object.keys(example).flatMap((field) => {
      const { [field]: _, ...without } = example;
      const wrong = [null, '', 'x'.repeat(20_000), -1, 1e15, 0.5, [], {}, { nobody: 1 }, [{}]];
      return [without, ...wrong.map((value) => ({ ...example, [field]: value }))];
    }),
  );
  return [{}, { nobody: true }, ...examples, ...spoilt];
}

test.each(CONTRACT.operations.map((operation) => [operation.id, operation] as const))('%s', (id, operation) => {
  expect(existsSync(`${BUILT}/${id}.cjs`)).toBe(true);
  for (const input of inputsOf(operation)) {
    expect(verdict(built, operation, input)).toEqual(verdict(compiled, operation, input));
  }
});
