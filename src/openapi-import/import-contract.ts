/**
 * Somebody else's OpenAPI document → our contract. An operation that cannot be offered is left out, with the reason,
 * and the rest go on. Pure: nothing is fetched, and the document is taken for hostile.
 */

import { compileMetadata } from '../contract/compile.js';
import { lazy } from '../contract/lazy.js';
import type { Contract, JsonSchema, Operation, ValueMoved } from '../contract/operation.js';
import { fieldNames } from '../contract/response-fields.js';
import { enforced, validated } from '../contract/schema.js';
import { createAdvertiseSchema } from './advertised-schema.js';
import { cleanLine } from './document-text.js';
import { type Candidate, findOperations } from './find-operations.js';
import { Omission } from './import-error.js';
import { ALL_SCHEMAS_SHOWN, LEAST_SCHEMA_SHOWN, SCHEMA_SHOWN } from './import-limits.js';
import { createFindings, type ImportReport, note } from './import-report.js';
import { type DocumentNode, isNode, nodeAt, type OpenApiDocument, openDocument, own } from './openapi-document.js';
import { type DraftContext, draftOperation, type OperationDraft } from './operation-draft.js';
import { createOverlay, readRoles } from './operation-extensions.js';
import { nameOperations } from './operation-names.js';
import { outputSchema, responseAnnotations } from './response.js';

export interface ImportOptions {
  /** Our contract: what it says of an operation holds where the document says nothing. */
  readonly overlay: Contract;
  /** Lower-case names of the headers that the connection sets. They are never arguments. */
  readonly headers: readonly string[];
}

export interface ImportedContract {
  readonly contract: Contract;
  readonly report: ImportReport;
}

const MOST_SCHEMES = 100;

/** @throws ContractError for a document that is no OpenAPI 3 at all; what is wrong in it never throws. */
export function importContract(source: unknown, { overlay, headers }: ImportOptions): ImportedContract {
  const document = openDocument(source);
  const omitted = createFindings();
  const loosened = createFindings();
  const { candidates, count } = findOperations(document, omitted);
  const context: DraftContext = {
    document,
    vetted: patternsOf(overlay),
    ownHeaders: new Set(headers),
    secrets: secretParameters(document),
    shared: new Map(),
    bodies: new WeakMap(),
    roles: readRoles(document.root, overlay.roles),
    overlay: createOverlay(overlay, document.root),
  };
  const drafts = candidates.flatMap((candidate) =>
    attempt(candidate, omitted, () => draftOperation(context, candidate)),
  );
  const ids = nameOperations(drafts.map(({ candidate }) => candidate));
  const share = ALL_SCHEMAS_SHOWN / Math.max(1, drafts.length);
  const showSchema = createAdvertiseSchema();
  const bytes = Math.max(LEAST_SCHEMA_SHOWN, Math.min(SCHEMA_SHOWN, share));
  const operations = drafts.flatMap((draft, index) =>
    attempt(draft.candidate, omitted, () => {
      const operation = finishOperation(document, draft, ids[index] ?? '', (request) => showSchema(request, bytes));
      for (const why of draft.left) note(loosened, draft.candidate.where, why);
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
      loosened: loosened.list,
      loosenedCount: loosened.count,
    },
  };
}

/** What the work makes, or nothing and a line in the report: one operation never takes the others with it. */
function attempt<T>({ where }: Candidate, omitted: ReturnType<typeof createFindings>, work: () => T): readonly T[] {
  try {
    return [work()];
  } catch (error) {
    const why = error instanceof Omission ? error.message : `it could not be read (${String((error as Error)?.name)})`;
    note(omitted, where, why);
    return [];
  }
}

type Show = (request: JsonSchema) => JsonSchema;

/** What is not needed to list a tool is made when somebody asks for it: of a large document few tools are called. */
function finishOperation(document: OpenApiDocument, draft: OperationDraft, id: string, show: Show): Operation {
  const { answer, said, request, foreign, ours, examples } = draft;
  const facts = compileMetadata({ ...said, id }, request, answer.outline);
  const marks = lazy(() => responseAnnotations(document, answer, ours));
  const requestSchema = lazy(() => enforced(request));
  const dataSchema = lazy(() => validated(answer.data()));
  const named = foreign === undefined && facts.effect === 'read'; // others' schemas leave out what their answers hold
  const answerFields = lazy(() => (named ? fieldNames(answer.data()) : undefined));
  return {
    ...facts,
    shownOnce: facts.shownOnce.length > 0 ? facts.shownOnce : (ours?.shownOnce ?? []),
    ...(ours?.unforeseen === undefined ? {} : { unforeseen: ours.unforeseen }),
    ...movesOf(facts.moves, ours),
    inputSchema: show(request),
    outputSchema: outputSchema(answer),
    examples,
    ...(foreign === undefined ? {} : { imported: foreign }),
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
      return marks().untrusted;
    },
    get untrustedKeys() {
      return marks().untrustedKeys;
    },
    get personal() {
      return marks().personal;
    },
    get trusted() {
      return marks().trusted ?? [];
    },
  };
}

/** What the document says it moves, or else what ours does; by other names of fields the amount is not told. */
function movesOf(said: ValueMoved | undefined, ours: Operation | undefined): Pick<Operation, 'moves'> {
  const moves = said ?? (ours?.moves && { ...ours.moves, untold: true });
  return moves === undefined ? {} : { moves };
}

/** The patterns of our own contract: longer than what is taken from others, and known to be good. */
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

function secretParameters(document: OpenApiDocument): ReadonlySet<string> {
  const schemes = Object.values(nodeAt(nodeAt(document.root, 'components'), 'securitySchemes')).slice(0, MOST_SCHEMES);
  const keys = schemes.filter((scheme): scheme is DocumentNode => isNode(scheme) && scheme.type === 'apiKey');
  return new Set(
    keys.map(({ in: place, name }) => `${place} ${place === 'header' ? String(name).toLowerCase() : name}`),
  );
}
