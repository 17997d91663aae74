/** What an operation answers with, read when somebody needs it: the schema of its data, and what that promises. */
import { annotationsOf, type ResponseAnnotations } from '../contract/compile.js';
import { gatewayOutputSchema } from '../contract/gateway-output-schema.js';
import { lazy } from '../contract/lazy.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import { freeKeyPaths, outline as outlineOf } from '../contract/schema.js';
import { cleanLine } from './document-text.js';
import { Omission } from './import-error.js';
import { ANSWER_BOUNDS, MAX_BRANCHES, OUTLINE_BOUNDS, OUTLINE_SHOWN } from './import-limits.js';
import { type DocumentNode, isNode, listAt, nodeAt, type OpenApiDocument, own } from './openapi-document.js';
import { jsonMedia } from './operation-request.js';
import { readSchema } from './read-schema.js';
import { wordPaths } from './trusted-fields.js';

export interface ResponseShape {
  /** Names of the answer's own fields. */
  readonly fields: readonly string[];
  /** Whether it is an envelope as ours are: `{success, data, …}`. */
  readonly enveloped: boolean;
  /** Of an envelope: the schema of `data`, as far as its own fields and what they are lists of. */
  readonly outline: JsonSchema;
  /** All of it. Large, so made when it is asked for. */
  readonly data: () => JsonSchema;
}

/** Nobody knows what it is, so all of it may be strangers' text. */
const UNKNOWN: JsonSchema = { description: 'Any JSON value', 'x-untrusted': true };

/** @throws Omission for an operation that answers with something else than JSON. */
export function readResponse(document: OpenApiDocument, operation: DocumentNode): ResponseShape {
  const source = successSchema(document, operation);
  if (source === undefined) return { fields: [], enveloped: false, outline: UNKNOWN, data: () => UNKNOWN };
  const fields = fieldNames(document, source);
  const enveloped = fields.includes('success');
  const dataOf = (schema: JsonSchema) => (enveloped ? nodeAt(nodeAt(schema, 'properties'), 'data') : schema);
  const outline = enveloped
    ? dataOf(readSchema(document, NO_PATTERNS, source, 'answer', OUTLINE_BOUNDS).schema)
    : UNKNOWN;
  // Read while calls are served, one by one: bounded by itself, not by what the import may cost.
  const later: OpenApiDocument = { ...document, spend: () => {} };
  return { fields, enveloped, outline, data: lazy(() => dataOf(readOr(UNKNOWN, later, source))) };
}

const MOST_FIELDS = 40;

/** The names of an object's own fields, as far as they are plain words; not those of unions. */
function fieldNames(document: OpenApiDocument, source: unknown, seen = new Set<unknown>()): readonly string[] {
  document.spend(1);
  if (!isNode(source) || seen.size > MAX_BRANCHES || seen.has(source) || document.isWide(source)) return [];
  seen.add(source);
  const names = Object.keys(nodeAt(source, 'properties')).filter((name) => /^[\w.-]{1,64}$/.test(name));
  const parts = [...listAt(source, 'allOf').slice(0, MAX_BRANCHES)];
  if (typeof source.$ref === 'string') parts.push(document.at(source.$ref));
  return [...new Set([...names, ...parts.flatMap((part) => fieldNames(document, part, seen))])];
}

const NO_PATTERNS: ReadonlySet<string> = new Set();

function readOr(otherwise: JsonSchema, document: OpenApiDocument, source: unknown): JsonSchema {
  try {
    return readSchema(document, NO_PATTERNS, source, 'answer', ANSWER_BOUNDS).schema;
  } catch (error) {
    if (error instanceof Omission) return otherwise;
    throw error;
  }
}

/** The schema of the first success that is told of; undefined for one that says nothing of its content. */
function successSchema(document: OpenApiDocument, operation: DocumentNode): unknown {
  const responses = nodeAt(operation, 'responses');
  if (document.isWide(responses)) return undefined;
  const successes = Object.keys(responses).filter((status) => /^(2\d\d|2XX|default)$/i.test(status));
  const order = [...successes.filter((status) => /^2\d\d$/.test(status)).sort(), '2XX', '2xx', 'default'];
  const contents = order
    .map((status) => document.follow(own(responses, status)))
    .map((response) => nodeAt(response, 'content'))
    .filter((content) => !document.isWide(content) && Object.keys(content).length > 0);
  const media = contents.map((content) => jsonMedia(content)?.media).find((found) => found !== undefined);
  if (media !== undefined) return own(media, 'schema');
  const [type] = Object.keys(contents[0] ?? {});
  if (type !== undefined) throw new Omission(`it answers with ${cleanLine(type, 60)}, not JSON`);
  return undefined;
}

/** The output schema agents are shown: names, and nothing that an answer could break. */
export function outputSchema({ enveloped, fields, outline }: ResponseShape): JsonSchema {
  const shown = gatewayOutputSchema(outlineOf(outline));
  if (enveloped && JSON.stringify(shown).length <= OUTLINE_SHOWN) return shown;
  const named = enveloped ? [] : fields.slice(0, MOST_FIELDS);
  const description = named.length === 0 ? 'The answer' : cleanLine(`Fields: ${named.join(', ')}`, 200);
  return {
    type: 'object',
    properties: { success: { type: 'boolean' }, data: { description } },
    required: ['success', 'data'],
  };
}

/**
 * Where the data holds text that strangers wrote: where the document says so; everywhere but in the words its schema
 * promises, if it never says.
 */
export function responseAnnotations(
  document: OpenApiDocument,
  { data }: ResponseShape,
  ours: Operation | undefined,
): ResponseAnnotations & Pick<Operation, 'trusted'> {
  const marks = annotationsOf(data());
  const personal = document.saysPersonal || ours === undefined ? marks.personal : ours.personal;
  if (document.saysUntrusted) return { ...marks, personal };
  const untrustedKeys = freeKeyPaths(data(), 'x-untrusted', true);
  return { untrusted: [''], untrustedKeys, personal, trusted: wordPaths(data()) };
}
