/** Documents that others publish: every one lists, with a report of what was left out and why. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../src/openapi-import/parse-document.js';
import { problemsOf } from '../support/imports.js';
import { imported } from '../support/openapi.js';

/** Where in node_modules, operations in all, operations offered; and what else is there is told by reason. */
const DOCUMENTS: readonly [string, number, number][] = [
  ['@figma/rest-api-spec/openapi/openapi.yaml', 54, 54],
  ['@readme/oas-examples/3.0/json/star-trek.json', 120, 120],
  ['@readme/oas-examples/3.1/yaml/train-travel.yaml', 7, 7],
  ['@scalar/galaxy/dist/3.1.json', 10, 10],
  ['@blockfrost/openapi/openapi.yaml', 129, 121],
  ['@digdir/dialogporten-schema/swagger.verified.json', 44, 44],
  ['rclone-openapi/openapi.json', 101, 101],
  ['shipengine-openapi/openapi.yaml', 76, 75],
];

describe.each(DOCUMENTS)('%s', (path, operations, offered) => {
  const read = async () => parseDocument(readFileSync(`node_modules/${path}`, 'utf8'));

  test('lists, and says of each operation that is no tool why', async () => {
    const { report } = imported(await read());
    expect([report.operations, report.offered]).toEqual([operations, offered]);
    expect(report.omittedCount).toBeGreaterThanOrEqual(operations - offered);
    for (const { where, why } of report.omitted) expect([where, why]).not.toContain('');
  });

  test('makes tools that every client can read and every validator can hold', async () => {
    expect(problemsOf(await read())).toEqual([]);
  });
});
