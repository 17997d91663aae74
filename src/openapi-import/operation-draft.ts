/** One operation of somebody else's document, read whole but for its name. */
import type { OperationMetadata } from '../contract/compile.js';
import type { Example, ImportedShape, JsonSchema, Operation, RoleTable } from '../contract/operation.js';
import { cleanLine, cleanText } from './document-text.js';
import type { Candidate } from './find-operations.js';
import { LONGEST_DESCRIPTION, LONGEST_TITLE } from './import-limits.js';
import { type DocumentNode, isNode, listAt, nodeAt, own } from './openapi-document.js';
import { type Overlay, readExtensions } from './operation-extensions.js';
import { type Bodies, composeRequest, type ReadBody, readBody } from './operation-request.js';
import { type Argument, type ParameterContext, type ReadArguments, readArguments } from './parameters.js';
import { type ResponseShape, readResponse } from './response.js';
import { isSmall } from './schema-keywords.js';

export interface DraftContext extends ParameterContext, Bodies {
  readonly roles: RoleTable;
  readonly overlay: Overlay;
}

export interface OperationDraft {
  readonly candidate: Candidate;
  readonly said: Omit<OperationMetadata, 'id'>;
  readonly request: JsonSchema;
  readonly examples: readonly Example[];
  readonly foreign: ImportedShape | undefined;
  readonly answer: ResponseShape;
  /** The operation of ours that it stands for. */
  readonly ours: Operation | undefined;
  /** What of it is not offered, each with the reason. */
  readonly left: readonly string[];
}

const IDEMPOTENCY_HEADER = 'idempotency-key';
const PLACE_HEADERS = ['x-logical-guid', 'x-channel-code'];
/** The arguments that tools of operational actions have besides their request. */
const PLACE_FIELDS = ['logical_guid', 'channel_code', 'cccode'];

const MOST_EXAMPLES = 10;
const LONGEST_EXAMPLE = 4_000;

/** @throws Omission when it cannot be offered. */
export function draftOperation(context: DraftContext, candidate: Candidate): OperationDraft {
  const { method, path, item, source } = candidate;
  const { document, roles, overlay } = context;
  const ours = overlay(method, path);
  const args = readArguments(context, path, item, source);
  const body = readBody(context, method, source);
  const answer = readResponse(document, source);
  const needsPlace = PLACE_HEADERS.every((name) => args.requiredHeaders.has(name));
  const marks = readExtensions(source, method, roles, ours, needsPlace);
  const taken = new Set(marks.operational ? PLACE_FIELDS : []);
  const request = composeRequest([...args.arguments, ...idempotencyKey(args, body)], body, taken);
  const foreign: ImportedShape = { ...request.shape, enveloped: answer.enveloped };
  const plain = isPlain(candidate, foreign, answer);
  return {
    candidate,
    said: { method, path, ...marks, ...words(candidate, ours) },
    request: request.schema,
    examples: plain ? examplesOf(body?.media ?? {}, document.isWide) : [],
    foreign: plain ? undefined : foreign,
    answer,
    ours,
    left: [
      ...args.left,
      ...(body?.patterns ?? []).map((pattern) => `the pattern ${cleanLine(pattern, 60)} is not checked`),
    ],
  };
}

/** Whether it travels as our own operations do, whose data are objects always. */
function isPlain({ method }: Candidate, shape: ImportedShape, { outline }: ResponseShape): boolean {
  if (shape.parameters.length > 0 || 'bodyField' in shape || 'mediaType' in shape || !shape.enveloped) return false;
  if (outline.type !== 'object') return false;
  return method === 'POST' ? !shape.bodiless : method === 'GET';
}

/** The key as an argument, where a header is the only way the document has for it. */
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
  return [{ called: 'idempotency_key', parameter, schema, required: requiredHeaders.has(IDEMPOTENCY_HEADER) }];
}

function words(
  { method, path, where, item, source }: Candidate,
  ours: Operation | undefined,
): Pick<Operation, 'family' | 'summary' | 'description'> {
  const said = own(source, 'summary') ?? own(item, 'summary');
  const told = cleanText(own(source, 'description') ?? own(item, 'description'), LONGEST_DESCRIPTION);
  const [sentence = ''] = told.split(/(?<=[.!?])\s/, 1);
  const summary =
    cleanLine(said, LONGEST_TITLE) || cleanLine(sentence, LONGEST_TITLE) || cleanLine(where, LONGEST_TITLE);
  const description = told || cleanText(said, LONGEST_DESCRIPTION) || `${method} ${cleanLine(path, LONGEST_TITLE)}`;
  const old = source.deprecated === true ? 'Deprecated. ' : '';
  const [tag] = listAt(source, 'tags');
  const [, step = ''] = path.split('/', 2);
  return {
    family: cleanLine(tag, 40) || ours?.family || cleanLine(step, 40) || 'other',
    summary,
    description: old === '' ? description : cleanText(old + description, LONGEST_DESCRIPTION),
  };
}

function examplesOf(media: DocumentNode, isWide: (value: object) => boolean): readonly Example[] {
  const named = nodeAt(media, 'examples');
  const entries = isWide(named) ? [] : Object.entries(named).slice(0, MOST_EXAMPLES);
  return entries.flatMap(([name, example]) => {
    const value = own(example, 'value');
    return isNode(value) && isSmall(value, LONGEST_EXAMPLE, isWide) ? [{ name: cleanLine(name, 60), value }] : [];
  });
}
