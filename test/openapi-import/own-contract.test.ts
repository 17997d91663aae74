/** Importing our own openapi.yaml yields exactly our compiled contract, so one compiler serves both. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { gatewayOutputSchema } from '../../src/contract/gateway-output-schema.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { Contract, Operation } from '../../src/contract/operation.js';
import { reportLines } from '../../src/openapi-import/import-report.js';
import { parseDocument } from '../../src/openapi-import/parse-document.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { imported, type Loose } from '../support/openapi.js';

const document = await parseDocument(readFileSync('openapi.yaml', 'utf8'));
const { contract, report } = imported(document);

test('importing our own document omits no operation and keeps our roles and version', () => {
  expect(reportLines(report)).toEqual(['58 operations in the document, 58 offered as tools, 0 left out']);
  expect(contract.roles).toEqual(CONTRACT.roles);
  expect(contract.version).toBe(CONTRACT.version);
});

/** Our operations, with the output schemas that a gateway can promise for relayed responses. */
const RELAYED = CONTRACT.operations.map((operation) => ({
  ...operation,
  outputSchema: gatewayOutputSchema(operation.outputSchema),
}));

test.each(RELAYED.map((operation) => [operation.id, operation] as const))(
  '%s is imported with every field equal to our compiled operation',
  (id, ours) => {
    const importedOperation = contract.operations.find((operation) => operation.id === id) as Operation;
    for (const field of Object.keys(ours) as (keyof Operation)[])
      expect(importedOperation[field], field).toEqual(ours[field]);
    expect(importedOperation.imported).toBeUndefined();
    expect(importedOperation.trusted).toEqual([]);
  },
);

test('the imported contract lists the same tools in the same order', () => {
  const listed = (of: Contract) => createCatalogue(of).entries.map(({ tool }) => tool);
  expect(listed(contract)).toEqual(listed({ ...CONTRACT, operations: RELAYED }));
});

/** Returns a copy of a document without the keys in `names`, at any depth. */
function without(value: Loose, names: readonly string[]): Loose {
  return JSON.parse(JSON.stringify(value, (key, part) => (names.includes(key) ? undefined : part)));
}

describe('our document without our x- annotations', () => {
  const annotations = [
    'x-access',
    'x-effect',
    'x-origin',
    'x-operational',
    'x-counts-failures',
    'x-shown-once',
    'x-roles',
  ];
  const bare = imported(without(document, annotations)).contract;
  const fields = ['access', 'effect', 'origin', 'operational', 'countsFailures', 'shownOnce'] as const;

  test.each(CONTRACT.operations.map((operation) => [operation.id, operation] as const))(
    '%s takes its annotations from our contract, by path',
    (id, ours) => {
      const importedOperation = bare.operations.find((operation) => operation.id === id);
      for (const field of fields) expect(importedOperation?.[field], field).toEqual(ours[field]);
    },
  );
});

describe('our paths under another base path', () => {
  const paths = (document as Loose).paths as Record<string, Loose>;
  const moved = (base: string) => Object.fromEntries(Object.entries(paths).map(([path, item]) => [base + path, item]));

  test.each([
    ['under /crm, on a server without a path', '/crm', 'https://api.example.com'],
    ['under a path of the server', '/v2', 'https://api.example.com/v2/'],
    ['on a server whose URL already contains /crm', '', '/crm'],
  ])('%s: the effects are still recognised', (_name, base, url) => {
    const movedDocument = { ...without(document, ['x-access', 'x-effect']), paths: moved(base), servers: [{ url }] };
    const { operations } = imported(movedDocument).contract;
    const effects = (of: readonly Operation[]) => of.map(({ id, effect, access }) => [id, effect, access]);
    expect(effects(operations)).toEqual(effects(CONTRACT.operations));
  });
});
