/** Assembles the application of a server: the pipeline in front of a backend, and the tool catalogue. */
import type { Backend } from './contract/backend.js';
import { CONTRACT } from './contract/generated/contract.js';
import type { Contract } from './contract/operation.js';
import type { PublishedDocuments } from './contract/published-documents.js';
import { VERSION } from './contract/version.js';
import { createPipeline } from './create-pipeline.js';
import type { Log } from './log.js';
import { instructionsFor } from './mcp/instructions.js';
import { DEFAULT_ANSWER_TOKENS } from './mcp/response-budget.js';
import type { Application } from './mcp/server.js';
import { createAvailabilityCheck, type Selection, selectOperations } from './mcp/visibility.js';
import { createCatalogue } from './tools/catalogue.js';

export interface ApplicationOptions {
  /** Returns milliseconds since the epoch; default: the system clock. */
  readonly clock?: () => number;
  /** The operations that can be called; default: the whole contract of this program. */
  readonly contract?: Contract;
  /** The directory of the validators that the build generated; without it they are compiled when first needed. */
  readonly validators?: string;
  /** The tools that agents see; default: all. */
  readonly selection?: Selection;
  /** Rejects every write, over any transport. */
  readonly readOnly?: boolean;
  /** Offers three tools that reach every operation, instead of one tool each. */
  readonly lean?: boolean;
  /** The response budget: the maximum tokens per tool result. */
  readonly answerTokens?: number;
  /** The published documents of the contract. */
  readonly published?: PublishedDocuments;
}

/** Creates the application. @throws SelectionError when the selection names an unknown tool or family. */
export function createApplication(backend: Backend, log: Log, options: ApplicationOptions = {}): Application {
  const { clock, contract = CONTRACT, validators, selection = {}, readOnly = false, lean = false } = options;
  const selected = selectOperations(contract, selection);
  const stat = selected.operations.some(({ id }) => id === 'stat');
  return {
    info: { name: 'g3n-crm-mcp', title: 'G3N retail CRM', version: VERSION },
    instructions: instructionsFor({ ours: isOurs(contract), stat, lean }),
    catalogue: createCatalogue(selected),
    published: options.published,
    lean,
    answerTokens: options.answerTokens ?? DEFAULT_ANSWER_TOKENS,
    pipeline: createPipeline({
      backend,
      contract,
      selected: selected.operations,
      log,
      clock,
      validators,
      checkAvailable: createAvailabilityCheck({ readOnly, countsUpstream: backend.kind === 'gateway' }),
    }),
  };
}

/** Whether the contract has the operations that the instructions name: it is our own, or an import that matches it. */
function isOurs({ operations }: Contract): boolean {
  return operations.some(({ id, imported }) => id === 'stat' && imported === undefined);
}
