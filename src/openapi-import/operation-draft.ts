/** Reads one operation of an imported document, except its id. */
import type { OperationMetadata } from '../contract/compile.js';
import type { Example, ImportedShape, JsonSchema, Operation, RoleTable } from '../contract/operation.js';
import { cleanLine, cleanText } from './document-text.js';
import type { Candidate } from './find-operations.js';
import { MAX_DESCRIPTION_LENGTH, MAX_TITLE_LENGTH } from './import-limits.js';
import type { OmittedPart } from './import-report.js';
import { type DocumentNode, isNode, listAt, nodeAt, own } from './openapi-document.js';
import { type BodyCache, type ReadBody, readRequestBody } from './operation-body.js';
import { type ContractLookup, readExtensions } from './operation-extensions.js';
import { composeRequest } from './operation-request.js';
import { type Argument, type ParameterContext, type ReadArguments, readArguments } from './parameters.js';
import { type ResponseShape, readResponse, unreadResponses } from './response.js';
import { isSmall } from './schema-keywords.js';
import { readSecurity } from './security.js';

export interface DraftContext extends ParameterContext, BodyCache {
  readonly roles: RoleTable;
  readonly overlay: ContractLookup;
}

export interface OperationDraft {
  readonly candidate: Candidate;
  readonly metadata: Omit<OperationMetadata, 'id'>;
  readonly request: JsonSchema;
  /** The request for agents, before it is reduced. */
  readonly shownRequest: JsonSchema;
  readonly examples: readonly Example[];
  readonly imported: ImportedShape | undefined;
  readonly response: ResponseShape;
  /** The corresponding operation of the built-in contract. */
  readonly contractOperation: Operation | undefined;
  readonly omittedParts: readonly OmittedPart[];
}

const IDEMPOTENCY_HEADER = 'idempotency-key';
const CONTEXT_HEADERS = ['x-logical-guid', 'x-channel-code'];
/** Arguments for the operating context, which tools of operational actions have in addition to their request. */
const CONTEXT_FIELDS = ['logical_guid', 'channel_code', 'cccode'];

const MAX_EXAMPLES = 10;
const MAX_EXAMPLE_LENGTH = 4_000;

/** @throws OmittedOperationError when the operation cannot be imported. */
export function draftOperation(context: DraftContext, candidate: Candidate): OperationDraft {
  const { method, path, item, source } = candidate;
  const { document, roles, overlay } = context;
  const contractOperation = overlay(method, path);
  const args = readArguments(context, path, item, source);
  const { body, omittedParts } = readRequestBody(context, method, source);
  const response = readResponse(document, source);
  const needsContext = CONTEXT_HEADERS.every((name) => args.requiredHeaders.has(name));
  const marks = readExtensions(source, method, roles, contractOperation, needsContext);
  const taken = new Set(marks.operational ? CONTEXT_FIELDS : []);
  const request = composeRequest([...args.arguments, ...idempotencyKey(args, body)], body, taken);
  const security = readSecurity(document, source);
  const credential = security.place === undefined ? {} : { credential: security.place };
  const imported: ImportedShape = { ...request.shape, ...credential, enveloped: response.enveloped };
  const isContractShaped = hasContractShape(candidate, imported, response);
  return {
    candidate,
    metadata: { method, path, ...marks, ...describeOperation(candidate, contractOperation, request.neededTogether) },
    request: request.schema,
    shownRequest: request.shown,
    examples: isContractShaped ? examplesOf(body?.media ?? {}, document.isWide) : [],
    imported: isContractShaped ? undefined : imported,
    response,
    contractOperation,
    omittedParts: [
      ...args.omittedParts,
      ...omittedParts,
      ...security.omittedParts,
      ...unreadResponses(document, source),
      ...(contractOperation === undefined ? request.omittedParts : []),
      ...(body?.patterns ?? []).map((pattern) => ({
        part: `pattern ${cleanLine(pattern, 60)}`,
        reason: 'is not checked',
      })),
    ],
  };
}

/**
 * Whether request and response have the shape of the built-in contract's operations, whose data is always an object.
 */
function hasContractShape({ method }: Candidate, shape: ImportedShape, { outline }: ResponseShape): boolean {
  const { parameters, enveloped, bodiless, ...rest } = shape;
  if (parameters.length > 0 || Object.keys(rest).length > 0 || !enveloped) return false;
  if (outline.type !== 'object') return false;
  return method === 'POST' ? !bodiless : method === 'GET';
}

/** The idempotency key as an argument, when the document accepts it only as a header. */
function idempotencyKey({ headers, requiredHeaders }: ReadArguments, body: ReadBody | undefined): readonly Argument[] {
  const inBody = 'idempotency_key' in nodeAt(body?.schema, 'properties');
  if (!headers.has(IDEMPOTENCY_HEADER) || inBody) return [];
  const schema: JsonSchema = {
    type: 'string',
    minLength: 1,
    maxLength: 128,
    description: 'Same key, same effect once',
  };
  const parameter = { name: IDEMPOTENCY_HEADER, in: 'header', explode: false } as const;
  return [{ preferredField: 'idempotency_key', parameter, schema, required: requiredHeaders.has(IDEMPOTENCY_HEADER) }];
}

function describeOperation(
  { method, path, where, item, source }: Candidate,
  contractOperation: Operation | undefined,
  neededTogether: readonly string[],
): Pick<Operation, 'family' | 'summary' | 'description'> {
  const title = own(source, 'summary') ?? own(item, 'summary');
  const text = cleanText(own(source, 'description') ?? own(item, 'description'), MAX_DESCRIPTION_LENGTH);
  const [sentence = ''] = text.split(/(?<=[.!?])\s/, 1);
  const summary =
    cleanLine(title, MAX_TITLE_LENGTH) || cleanLine(sentence, MAX_TITLE_LENGTH) || cleanLine(where, MAX_TITLE_LENGTH);
  const description =
    text || cleanText(title, MAX_DESCRIPTION_LENGTH) || `${method} ${cleanLine(path, MAX_TITLE_LENGTH)}`;
  const old = source.deprecated === true ? 'Deprecated. ' : '';
  const together = neededTogether.length === 0 ? '' : `A body needs ${neededTogether.join(', ')}. `;
  const notes = cleanText(old + together, MAX_DESCRIPTION_LENGTH / 2);
  const [tag] = listAt(source, 'tags');
  const [, step = ''] = path.split('/', 2);
  return {
    family: cleanLine(tag, 40) || contractOperation?.family || cleanLine(step, 40) || 'other',
    summary,
    description: notes === '' ? description : cleanText(`${notes} ${description}`, MAX_DESCRIPTION_LENGTH),
  };
}

function examplesOf(media: DocumentNode, isWide: (value: object) => boolean): readonly Example[] {
  const named = nodeAt(media, 'examples');
  const entries = isWide(named) ? [] : Object.entries(named).slice(0, MAX_EXAMPLES);
  return entries.flatMap(([name, example]) => {
    const value = own(example, 'value');
    return isNode(value) && isSmall(value, MAX_EXAMPLE_LENGTH, isWide) ? [{ name: cleanLine(name, 60), value }] : [];
  });
}
