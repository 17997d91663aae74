/** Doctor check: whether the requests in the upstream's published document match the contract of this program. */

import { CONTRACT } from '../contract/generated/contract.js';
import type { Contract } from '../contract/operation.js';
import { ImportError } from '../openapi-import/import-error.js';
import { checkDrift } from './check-drift.js';
import { type Finding, warn } from './finding.js';

/** Compares `{base}/openapi.yaml`, if it exists. `read` compiles the document at a URL to a contract. */
export async function checkPublished(
  base: URL,
  read: (source: string) => Promise<{ readonly contract: Contract }>,
): Promise<readonly Finding[]> {
  const source = `${base.href.replace(/\/$/, '')}/openapi.yaml`;
  try {
    const { contract } = await read(source);
    return checkDrift(CONTRACT, contract);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    const remedy = 'Compare with the document of its operator, or give it to stdio and http as --openapi.';
    return [warn('contract', `it publishes no document that can be read: ${error.message}`, remedy)];
  }
}
