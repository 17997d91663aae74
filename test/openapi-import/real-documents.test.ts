/** Imports published third-party documents; the report gives the reason for each omitted operation. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../src/openapi-import/parse-document.js';
import { problemsOf } from '../support/imports.js';
import { imported } from '../support/openapi.js';

/** Path in node_modules, number of operations, number of operations offered as tools. */
const DOCUMENTS: readonly [string, number, number][] = [
  ['@figma/rest-api-spec/openapi/openapi.yaml', 54, 54],
  ['@readme/oas-examples/3.0/json/star-trek.json', 120, 120],
  ['@readme/oas-examples/3.1/yaml/train-travel.yaml', 7, 7],
  ['@scalar/galaxy/dist/3.1.json', 10, 10],
  ['@blockfrost/openapi/openapi.yaml', 129, 123],
  ['@digdir/dialogporten-schema/swagger.verified.json', 44, 44],
  ['rclone-openapi/openapi.json', 101, 101],
  ['shipengine-openapi/openapi.yaml', 76, 75],
];

describe.each(DOCUMENTS)('%s', (path, operations, offered) => {
  const read = async () => parseDocument(readFileSync(`node_modules/${path}`, 'utf8'));

  test('imports, and the report gives a reason for each omitted operation', async () => {
    const { report } = imported(await read());
    expect([report.operations, report.offered]).toEqual([operations, offered]);
    expect(report.omittedCount).toBeGreaterThanOrEqual(operations - offered);
    for (const { operation, reason } of report.omitted) expect([operation, reason]).not.toContain('');
  });

  test('yields tools that clients can read and schemas that validators can compile', async () => {
    expect(problemsOf(await read())).toEqual([]);
  });
});
