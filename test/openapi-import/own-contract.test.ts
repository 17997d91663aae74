/** One compiler for our own document and for everybody's: imported, ours is what it was compiled to. */
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

test('nothing of it is left out, and its roles and version are ours', () => {
  expect(reportLines(report)).toEqual(['57 operations in the document, 57 offered as tools, 0 left out']);
  expect(contract.roles).toEqual(CONTRACT.roles);
  expect(contract.version).toBe(CONTRACT.version);
});

/** Ours, with what may be promised of answers that a gateway passes on. */
const RELAYED = CONTRACT.operations.map((operation) => ({
  ...operation,
  outputSchema: gatewayOutputSchema(operation.outputSchema),
}));

test.each(RELAYED.map((operation) => [operation.id, operation] as const))(
  '%s is what it was compiled to, field by field',
  (id, ours) => {
    const theirs = contract.operations.find((operation) => operation.id === id) as Operation;
    for (const field of Object.keys(ours) as (keyof Operation)[]) expect(theirs[field], field).toEqual(ours[field]);
    expect(theirs.imported).toBeUndefined();
    expect(theirs.trusted).toEqual([]);
  },
);

test('the tools and their order are ours', () => {
  const listed = (of: Contract) => createCatalogue(of).entries.map(({ tool }) => tool);
  expect(listed(contract)).toEqual(listed({ ...CONTRACT, operations: RELAYED }));
});

/** A copy of a document without some of its names, at any depth. */
function without(value: Loose, names: readonly string[]): Loose {
  return JSON.parse(JSON.stringify(value, (key, part) => (names.includes(key) ? undefined : part)));
}

describe('without our own marks', () => {
  const marks = ['x-access', 'x-effect', 'x-origin', 'x-operational', 'x-counts-failures', 'x-shown-once', 'x-roles'];
  const bare = imported(without(document, marks)).contract;
  const fields = ['access', 'effect', 'origin', 'operational', 'countsFailures', 'shownOnce'] as const;

  test.each(CONTRACT.operations.map((operation) => [operation.id, operation] as const))(
    '%s is what our contract says of its path',
    (id, ours) => {
      const theirs = bare.operations.find((operation) => operation.id === id);
      for (const field of fields) expect(theirs?.[field], field).toEqual(ours[field]);
    },
  );
});

describe('at another place', () => {
  const paths = (document as Loose).paths as Record<string, Loose>;
  const moved = (base: string) => Object.fromEntries(Object.entries(paths).map(([path, item]) => [base + path, item]));

  test.each([
    ['under /crm, on a server without a path', '/crm', 'https://api.example.com'],
    ['under a path of the server', '/v2', 'https://api.example.com/v2/'],
    ['on a server that already says /crm', '', '/crm'],
  ])('%s its effects are still known', (_where, base, url) => {
    const elsewhere = { ...without(document, ['x-access', 'x-effect']), paths: moved(base), servers: [{ url }] };
    const { operations } = imported(elsewhere).contract;
    const effects = (of: readonly Operation[]) => of.map(({ id, effect, access }) => [id, effect, access]);
    expect(effects(operations)).toEqual(effects(CONTRACT.operations));
  });
});
