/** Reads the response schema of an operation on demand: the schema of its data and its annotations. */
import { annotationsOf, type ResponseAnnotations } from '../contract/compile.js';
import { gatewayOutputSchema } from '../contract/gateway-output-schema.js';
import { lazy } from '../contract/lazy.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import { freeKeyPaths, outline as outlineOf } from '../contract/schema.js';
import { wrapSchema } from '../contract/wrapped-data.js';
import { cleanLine } from './document-text.js';
import { OmittedOperationError } from './import-error.js';
import {
  MAX_BRANCHES,
  MAX_OUTLINE_BYTES,
  MAX_REFERENCE_HOPS,
  OUTLINE_BOUNDS,
  RESPONSE_BOUNDS,
} from './import-limits.js';
import type { OmittedPart } from './import-report.js';
import { type DocumentNode, isNode, listAt, nodeAt, type OpenApiDocument, own } from './openapi-document.js';
import { jsonMedia } from './operation-body.js';
import { readSchema } from './read-schema.js';
import { trustedPaths } from './trusted-fields.js';

export interface ResponseShape {
  /** Names of the top-level fields of the response. */
  readonly fields: readonly string[];
  /** Whether the response is an envelope as in the contract: `{success, data, …}`. */
  readonly enveloped: boolean;
  /** The response is a list; `data` holds it in `items`. */
  readonly isList: boolean;
  /** For an envelope: the schema of `data`, down to its fields and the items of those that are lists. */
  readonly outline: JsonSchema;
  /** The complete schema of `data` as wrapped-data.ts makes it. It can be large, so it is built on first use. */
  readonly data: () => JsonSchema;
}

/** A response without a schema: all of it may be untrusted text. */
const UNKNOWN: JsonSchema = { description: 'Any JSON value', 'x-untrusted': true };

/** @throws OmittedOperationError for an operation whose response is not JSON. */
export function readResponse(document: OpenApiDocument, operation: DocumentNode): ResponseShape {
  const source = successSchema(document, operation);
  if (source === undefined) return NO_SCHEMA;
  const fields = fieldNames(document, source);
  const enveloped = fields.includes('success');
  const dataOf = (schema: JsonSchema) => (enveloped ? nodeAt(nodeAt(schema, 'properties'), 'data') : schema);
  const outline = enveloped
    ? dataOf(readSchema(document, NO_PATTERNS, source, 'response', OUTLINE_BOUNDS).schema)
    : UNKNOWN;
  // Read one by one while calls are served: each has its own bounds and does not count against the import's limit.
  const later: OpenApiDocument = { ...document, spend: () => {} };
  return {
    fields,
    enveloped,
    isList: !enveloped && typeOf(document, source) === 'array',
    outline,
    data: lazy(() => wrapSchema(dataOf(readSchemaOr(UNKNOWN, later, source)))),
  };
}

const NO_SCHEMA: ResponseShape = {
  fields: [],
  enveloped: false,
  isList: false,
  outline: UNKNOWN,
  data: () => UNKNOWN,
};

/** The type that a schema, or the target of its reference, states. */
function typeOf(document: OpenApiDocument, source: unknown): unknown {
  let target = source;
  for (let hops = 0; hops < MAX_REFERENCE_HOPS && isNode(target) && typeof target.$ref === 'string'; hops += 1) {
    target = document.resolve(target.$ref);
  }
  return isNode(target) ? target.type : undefined;
}

const MAX_FIELDS_SHOWN = 40;

/** The field names of an object that are plain identifiers, without those of unions. */
function fieldNames(document: OpenApiDocument, source: unknown, seen = new Set<unknown>()): readonly string[] {
  document.spend(1);
  if (!isNode(source) || seen.size > MAX_BRANCHES || seen.has(source) || document.isWide(source)) return [];
  seen.add(source);
  const names = Object.keys(nodeAt(source, 'properties')).filter((name) => /^[\w.-]{1,64}$/.test(name));
  const parts = [...listAt(source, 'allOf').slice(0, MAX_BRANCHES)];
  if (typeof source.$ref === 'string') parts.push(document.resolve(source.$ref));
  return [...new Set([...names, ...parts.flatMap((part) => fieldNames(document, part, seen))])];
}

const NO_PATTERNS: ReadonlySet<string> = new Set();

function readSchemaOr(otherwise: JsonSchema, document: OpenApiDocument, source: unknown): JsonSchema {
  try {
    return readSchema(document, NO_PATTERNS, source, 'response', RESPONSE_BOUNDS).schema;
  } catch (error) {
    if (error instanceof OmittedOperationError) return otherwise;
    throw error;
  }
}

/** A success response that has content. */
interface SuccessContent {
  readonly status: string;
  readonly content: DocumentNode;
  /** Its JSON media type; undefined when it has none. */
  readonly media: DocumentNode | undefined;
}

/**
 * In the order in which they are taken for the response of the operation. Beside a success response, `default` is an
 * error.
 */
function successContents(document: OpenApiDocument, operation: DocumentNode): readonly SuccessContent[] {
  const responses = nodeAt(operation, 'responses');
  if (document.isWide(responses)) return [];
  const successes = Object.keys(responses).filter((status) => /^2(\d\d|XX)$/i.test(status));
  const order = [...successes.filter((status) => /^\d+$/.test(status)).sort(), '2XX', '2xx'];
  return (successes.length === 0 ? ['default'] : order)
    .map((status) => ({ status, content: nodeAt(document.follow(own(responses, status)), 'content') }))
    .filter(({ content }) => !document.isWide(content) && Object.keys(content).length > 0)
    .map(({ status, content }) => ({ status, content, media: jsonMedia(content)?.media }));
}

/** The schema of the first declared success response; undefined when it declares no content. */
function successSchema(document: OpenApiDocument, operation: DocumentNode): unknown {
  const contents = successContents(document, operation);
  const media = contents.map((found) => found.media).find((found) => found !== undefined);
  if (media !== undefined) return own(media, 'schema');
  const [type] = Object.keys(contents[0]?.content ?? {});
  if (type !== undefined) throw new OmittedOperationError(`is ${cleanLine(type, 60)}, not JSON`, 'response');
  return undefined;
}

/** The success responses beside the one that is read. */
export function unreadResponses(document: OpenApiDocument, operation: DocumentNode): readonly OmittedPart[] {
  const contents = successContents(document, operation);
  const read = contents.find(({ media }) => media !== undefined);
  return contents.flatMap(({ status, content, media }) => {
    if (media !== undefined && (media === read?.media || isSameSchema(media, read?.media))) return [];
    const [type = ''] = Object.keys(content);
    const reason = media === undefined ? `is ${cleanLine(type, 60)}, not JSON` : 'has a schema of its own, not read';
    return [{ part: `response ${status}`, reason }];
  });
}

function isSameSchema(one: DocumentNode, other: DocumentNode | undefined): boolean {
  const [a, b] = [own(one, 'schema'), own(other, 'schema')];
  return a === b || (typeof own(a, '$ref') === 'string' && own(a, '$ref') === own(b, '$ref'));
}

/** The advertised output schema: field names, without constraints that a response could violate. */
export function outputSchema({ enveloped, fields, isList, outline }: ResponseShape): JsonSchema {
  const shown = gatewayOutputSchema(outlineOf(wrapSchema(outline)));
  if (enveloped && JSON.stringify(shown).length <= MAX_OUTLINE_BYTES) return shown;
  const named = enveloped ? [] : fields.slice(0, MAX_FIELDS_SHOWN);
  const whole = isList ? 'The answer, a list in the field items' : 'The answer';
  const description = named.length === 0 ? whole : cleanLine(`Fields: ${named.join(', ')}`, 200);
  return {
    type: 'object',
    properties: { success: { type: 'boolean' }, data: { description } },
    required: ['success', 'data'],
  };
}

/**
 * The paths of untrusted text, personal data and org codes. When the document never annotates untrusted text, all text
 * is untrusted except what `trustedPaths` finds.
 */
export function responseAnnotations(
  document: OpenApiDocument,
  { data }: ResponseShape,
  contractOperation: Operation | undefined,
): ResponseAnnotations & Pick<Operation, 'trusted'> {
  const annotations = annotationsOf(data());
  const personal =
    document.marksPersonal || contractOperation === undefined ? annotations.personal : contractOperation.personal;
  if (document.marksUntrusted) return { ...annotations, personal };
  const untrustedKeys = freeKeyPaths(data(), 'x-untrusted', true);
  return { ...annotations, untrusted: [''], untrustedKeys, personal, trusted: trustedPaths(data()) };
}
