/** Output schemas of a gateway: they name and describe the fields, and accept every response a gateway can relay. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gatewayContract } from '../../src/contract/gateway-output-schema.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { JsonSchema } from '../../src/contract/operation.js';
import { createAjv } from '../../src/contract/validate.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { answerDocument, imported } from '../support/openapi.js';
import { portabilityProblems } from '../support/portability.js';

const relayed = gatewayContract(CONTRACT);
const tools = createCatalogue(relayed).entries.map(({ tool }) => tool);
const ownSchemas = new Map(CONTRACT.operations.map(({ id, outputSchema }) => [`crm_${id}`, outputSchema]));

/** A record shape as an imported OpenAPI document can define it. */
const record = {
  type: 'object',
  properties: { thing_id: { type: 'string' }, size: { type: 'integer' }, revision: { type: 'integer' } },
};
const envelope = { type: 'object', properties: { success: { type: 'boolean' }, data: record }, required: ['data'] };
const importedTools = [envelope, record, { type: 'array', items: record }, { type: 'string' }].flatMap((schema) =>
  createCatalogue(imported(answerDocument(schema)).contract).entries.map(({ tool }) => tool),
);

const namesIn = (schema: JsonSchema | undefined) => {
  const { data } = (schema?.properties ?? {}) as { data?: { properties?: object } };
  return Object.keys(data?.properties ?? {});
};

test('the embedded store still defines field types', () => {
  const customer = CONTRACT.operations.find(({ id }) => id === 'customer_get')?.outputSchema;
  expect(customer?.properties).toMatchObject({ data: { properties: { customer_id: { type: 'string' } } } });
});

test('a gateway names every field of the contract and describes its type', () => {
  expect(tools).toHaveLength(54);
  for (const { name, outputSchema } of tools)
    expect(namesIn(outputSchema), name).toEqual(namesIn(ownSchemas.get(name)));
  const customer = tools.find(({ name }) => name === 'crm_customer_get');
  expect(customer?.outputSchema).toMatchObject({
    required: ['data'],
    properties: { data: { type: 'object', properties: { customer_id: { description: 'string' } } } },
  });
});

describe.each([...tools, ...importedTools].map((tool, index) => [`${tool.name} (${index})`, tool] as const))(
  '%s',
  (_name, tool) => {
    test('accepts any object as data and any further fields', () => {
      const validate = createAjv(undefined, false).compile(tool.outputSchema);
      const names = [...namesIn(tool.outputSchema), 'thing_id', 'size', 'unknown'];
      const data = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 2 }));
      fc.assert(
        fc.property(data, fc.jsonValue({ maxDepth: 1 }), (value, revision) => {
          expect(validate({ success: true, data: value, revision, more: 1 })).toBe(true);
        }),
        { numRuns: 50 },
      );
    });

    test('can be read by every client', () => {
      expect(portabilityProblems(tool)).toEqual([]);
    });
  },
);
