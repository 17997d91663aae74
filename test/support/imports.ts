/** Imports an OpenAPI document and checks every operation and tool that results. */
import { expect } from 'vitest';
import { createAjv } from '../../src/contract/validate.js';
import { ImportError } from '../../src/openapi-import/import-error.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { imported } from './openapi.js';
import { portabilityProblems } from './portability.js';

const ajv = createAjv();

/** Returns the problems of a document's tools: importer bugs, duplicate names, and schemas that are not portable. */
export function problemsOf(document: unknown): readonly string[] {
  const { contract, report } = imported(document);
  const { entries } = createCatalogue(contract);
  const names = entries.map(({ tool }) => tool.name);
  for (const { operation, untrusted } of entries) {
    ajv.compile(operation.requestSchema);
    ajv.compile(operation.dataSchema ?? {});
    expect(untrusted).toBeDefined();
  }
  return [
    ...report.omitted.flatMap(({ operation, reason }) =>
      reason.startsWith('it could not be read') ? [`${operation}: ${reason}`] : [],
    ),
    ...(new Set(names).size === names.length ? [] : ['a name twice']),
    ...entries.flatMap(({ tool }) => portabilityProblems(tool).map((problem) => `${tool.name}: ${problem}`)),
  ];
}

/** Returns why a document is rejected as a whole. */
export function importErrorOf(document: unknown): string {
  try {
    imported(document);
  } catch (error) {
    if (error instanceof ImportError) return error.message;
    throw error;
  }
  return 'it is imported';
}
