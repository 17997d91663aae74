/** The contract of an OpenAPI document that the user names. */
import { readFile } from 'node:fs/promises';
import { CONTRACT } from '../contract/generated/contract.js';
import type { Contract } from '../contract/operation.js';
import { importContract } from '../openapi-import/import-contract.js';
import { ImportError } from '../openapi-import/import-error.js';
import { parseDocument } from '../openapi-import/parse-document.js';
import { HEADER_NAMES } from '../pipeline/headers.js';
import { CliError } from './cli-error.js';

/** @throws CliError when the file cannot be read or is no OpenAPI document. */
export async function importedContract(path: string): Promise<Pick<Contract, 'operations'>> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CliError(`--openapi ${path}: ${error.message}`);
  });
  try {
    return importContract(await parseDocument(text), { overlay: CONTRACT, headers: HEADER_NAMES }).contract;
  } catch (error) {
    throw error instanceof ImportError ? new CliError(`--openapi ${path}: ${error.message}`) : error;
  }
}
