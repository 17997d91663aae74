/** Imports a document and uses all that comes of it, as no caller would. */
import { expect } from 'vitest';
import { createAjv } from '../../src/contract/validate.js';
import { ImportError } from '../../src/openapi-import/import-error.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { imported } from './openapi.js';
import { portabilityProblems } from './portability.js';

const ajv = createAjv();

/** What is wrong with the tools of a document: faults of ours, names given twice, what clients could not read. */
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
    ...report.omitted.flatMap(({ where, why }) => (why.startsWith('it could not be read') ? [`${where}: ${why}`] : [])),
    ...(new Set(names).size === names.length ? [] : ['a name twice']),
    ...entries.flatMap(({ tool }) => portabilityProblems(tool).map((problem) => `${tool.name}: ${problem}`)),
  ];
}

/** Why a document cannot be used at all. */
export function refusal(document: unknown): string {
  try {
    imported(document);
  } catch (error) {
    if (error instanceof ImportError) return error.message;
    throw error;
  }
  return 'it is imported';
}
