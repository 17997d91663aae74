/**
 * Converts an imported OpenAPI document to a contract. An operation that cannot be imported is omitted and reported
 * with the reason; the others are imported. Fetches nothing, and treats the document as hostile.
 */

import { compileMetadata } from '../contract/compile.js';
import { acceptDigits } from '../contract/exact-integers.js';
import { lazy } from '../contract/lazy.js';
import type { Contract, JsonSchema, Operation, ValueMoved } from '../contract/operation.js';
import { fieldNames } from '../contract/response-fields.js';
import { enforced, validated } from '../contract/schema.js';
import { createAdvertiseSchema } from './advertised-schema.js';
import { cleanLine } from './document-text.js';
import { type Candidate, findOperations } from './find-operations.js';
import { OmittedOperationError } from './import-error.js';
import { ADVERTISED_BYTES, ALL_ADVERTISED_BYTES, MIN_ADVERTISED_BYTES } from './import-limits.js';
import { addFinding, createFindings, type ImportReport } from './import-report.js';
import { type DocumentNode, isNode, nodeAt, type OpenApiDocument, openDocument, own } from './openapi-document.js';
import { type DraftContext, draftOperation, type OperationDraft } from './operation-draft.js';
import {
  createContractLookup,
  readCliNames,
  readRecordIds,
  readRoles,
  readSearchWords,
} from './operation-extensions.js';
import { nameOperations } from './operation-names.js';
import { outputSchema, responseAnnotations } from './response.js';

export interface ImportOptions {
  /** The built-in contract. Its operations supply what the document does not specify. */
  readonly overlay: Contract;
  /** Lower-case names of headers that the connection sets. They never become arguments. */
  readonly headers: readonly string[];
}

export interface ImportedContract {
  readonly contract: Contract;
  readonly report: ImportReport;
}

const MAX_SCHEMES = 100;

/** @throws ImportError for a document that is not OpenAPI 3. Problems of single operations are reported, not thrown. */
export function importContract(source: unknown, { overlay, headers }: ImportOptions): ImportedContract {
  const document = openDocument(source);
  const omitted = createFindings();
  const omittedParts = createFindings();
  const { candidates, count } = findOperations(document, omitted);
  const context: DraftContext = {
    document,
    trustedPatterns: patternsOf(overlay),
    connectionHeaders: new Set(headers),
    credentialParameters: findCredentialParameters(document),
    cache: new Map(),
    bodies: new WeakMap(),
    roles: readRoles(document.root, overlay.roles),
    overlay: createContractLookup(overlay, document.root),
  };
  const drafts = candidates.flatMap((candidate) =>
    attempt(candidate, omitted, () => draftOperation(context, candidate)),
  );
  const ids = nameOperations(drafts.map(({ candidate }) => candidate));
  const share = ALL_ADVERTISED_BYTES / Math.max(1, drafts.length);
  const advertiseSchema = createAdvertiseSchema();
  const bytes = Math.max(MIN_ADVERTISED_BYTES, Math.min(ADVERTISED_BYTES, share));
  const operations = drafts.flatMap((draft, index) =>
    attempt(draft.candidate, omitted, () => {
      const operation = finishOperation(document, draft, ids[index] ?? '', () =>
        advertiseSchema(draft.shownRequest, bytes),
      );
      for (const part of draft.omittedParts) addFinding(omittedParts, { operation: draft.candidate.where, ...part });
      return operation;
    }),
  );
  operations.sort((one, other) => (one.id < other.id ? -1 : 1));
  const version = cleanLine(String(own(nodeAt(document.root, 'info'), 'version') ?? 'unknown'), 60);
  return {
    contract: { version, roles: context.roles, operations },
    report: {
      operations: count,
      offered: operations.length,
      omitted: omitted.list,
      omittedCount: omitted.count,
      omittedParts: omittedParts.list,
      omittedPartsCount: omittedParts.count,
    },
  };
}

/** The result of `work` in a list; or an empty list and a line in the report, so that one operation cannot fail all. */
function attempt<T>({ where }: Candidate, omitted: ReturnType<typeof createFindings>, work: () => T): readonly T[] {
  try {
    return [work()];
  } catch (error) {
    const { reason, part } =
      error instanceof OmittedOperationError
        ? error
        : { reason: `it could not be read (${String((error as Error)?.name)})`, part: undefined };
    addFinding(omitted, { operation: where, part, reason });
    return [];
  }
}

type Advertise = () => JsonSchema;

/** Builds lazily what listing a tool does not need: of a large document, only a few tools are called. */
function finishOperation(
  document: OpenApiDocument,
  draft: OperationDraft,
  id: string,
  advertise: Advertise,
): Operation {
  const { response, metadata, request, imported, contractOperation, examples } = draft;
  const facts = compileMetadata({ ...metadata, id }, request, response.outline);
  const sameShape = imported === undefined ? contractOperation : undefined;
  const recordIds = readRecordIds(draft.candidate.source, sameShape);
  const cli = readCliNames(draft.candidate.source, sameShape);
  const keywords = readSearchWords(draft.candidate.source, sameShape);
  const annotations = lazy(() => responseAnnotations(document, response, contractOperation));
  const requestSchema = lazy(() => {
    const checked = enforced(request);
    return contractOperation === undefined ? acceptDigits(checked) : checked;
  });
  const dataSchema = lazy(() => validated(response.data()));
  const named = imported === undefined && facts.effect === 'read'; // imported schemas may omit fields of the responses
  const answerFields = lazy(() => (named ? fieldNames(response.data()) : undefined));
  return {
    ...facts,
    shownOnce: facts.shownOnce.length > 0 ? facts.shownOnce : (contractOperation?.shownOnce ?? []),
    ...(contractOperation?.unforeseen === undefined ? {} : { unforeseen: contractOperation.unforeseen }),
    ...movesOf(facts.moves, contractOperation),
    ...(recordIds === undefined ? {} : { recordIds }),
    ...(keywords === undefined ? {} : { keywords }),
    ...(cli === undefined ? {} : { cli }),
    inputSchema: advertise(),
    outputSchema: outputSchema(response),
    examples,
    ...(imported === undefined ? {} : { imported: imported }),
    get requestSchema() {
      return requestSchema();
    },
    get answerFields() {
      return answerFields();
    },
    get dataSchema() {
      return dataSchema();
    },
    get untrusted() {
      return annotations().untrusted;
    },
    get untrustedKeys() {
      return annotations().untrustedKeys;
    },
    get orgcodes() {
      return annotations().orgcodes ?? sameShape?.orgcodes ?? [];
    },
    get personal() {
      return annotations().personal;
    },
    get trusted() {
      return annotations().trusted ?? [];
    },
  };
}

/**
 * The value that an operation moves: as the document states, else as the contract does. In the latter case the field
 * names may differ, so the amount is not reported.
 */
function movesOf(declared: ValueMoved | undefined, ours: Operation | undefined): Pick<Operation, 'moves'> {
  const moves = declared ?? (ours?.moves && { ...ours.moves, untold: true });
  return moves === undefined ? {} : { moves };
}

/** The patterns of the built-in contract: longer than imported patterns may be, and known to be safe. */
function patternsOf(contract: Contract): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      if (name === 'pattern' && typeof part === 'string') found.add(part);
      else visit(part);
    }
  };
  for (const { requestSchema } of contract.operations) visit(requestSchema);
  return found;
}

function findCredentialParameters(document: OpenApiDocument): ReadonlySet<string> {
  const schemes = Object.values(nodeAt(nodeAt(document.root, 'components'), 'securitySchemes')).slice(0, MAX_SCHEMES);
  const keys = schemes.filter((scheme): scheme is DocumentNode => isNode(scheme) && scheme.type === 'apiKey');
  return new Set(
    keys.map(({ in: location, name }) => `${location} ${location === 'header' ? String(name).toLowerCase() : name}`),
  );
}
