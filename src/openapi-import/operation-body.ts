/** Reads the body of an operation: its media type, its schema, and how it is written. */
import type { BodyField, ImportedShape, JsonSchema, Method } from '../contract/operation.js';
import { FILE, type FormFields, readFormFields } from './body-fields.js';
import { cleanLine } from './document-text.js';
import { OmittedOperationError } from './import-error.js';
import { MAX_BRANCHES, REQUEST_BOUNDS } from './import-limits.js';
import type { OmittedPart } from './import-report.js';
import { type DocumentNode, isNode, nodeAt, own } from './openapi-document.js';
import type { ParameterContext } from './parameters.js';
import { ANY_VALUE, type ReadSchema, readSchema } from './read-schema.js';

export interface ReadBody {
  readonly schema: JsonSchema;
  readonly required: boolean;
  /** In lower case, without parameters. */
  readonly mediaType: string;
  /** Undefined for JSON. */
  readonly format: ImportedShape['bodyFormat'];
  /** The fields of a form that are not written in the default way. */
  readonly fields: { readonly [name: string]: BodyField };
  /** The media type object, for its examples. */
  readonly media: DocumentNode;
  readonly patterns: readonly string[];
  readonly omittedParts: readonly OmittedPart[];
}

export interface BodyCache {
  /** Results for schemas that several bodies share. */
  readonly bodies: WeakMap<DocumentNode, ReadSchema>;
}

/** The body; undefined when there is none, or when it is optional and left out for the reason in `omittedParts`. */
export interface BodyReading {
  readonly body: ReadBody | undefined;
  readonly omittedParts: readonly OmittedPart[];
}

interface Media {
  readonly type: string;
  readonly media: DocumentNode;
}

const NO_BODY: BodyReading = { body: undefined, omittedParts: [] };

const JSON_MEDIA = /^(?:(?:application|text)\/(?:[\w.+-]+\+)?json|application\/\*|\*\/\*)$/;
const TEXT_MEDIA = /^(?:text\/[\w.+-]+|application\/(?:[\w.-]+\+)?(?:xml|yaml)|application\/(?:sdp|graphql|x-ndjson))$/;
const ANY_MEDIA = /^[\w.+-]+\/(?:[\w.+-]+|\*)$/;

const MAX_TYPES_SHOWN = 3;

/** The JSON media type of a request or response body. */
export function jsonMedia(content: DocumentNode): Media | undefined {
  const entries = mediaIn(content).filter(({ type }) => JSON_MEDIA.test(type));
  const found = entries.find(({ type }) => type === 'application/json') ?? entries[0];
  if (found === undefined) return undefined;
  const { type, media } = found;
  return { type: type.includes('*') || type === 'text/json' ? 'application/json' : type, media };
}

/**
 * Reads the body in the first of its media types that can be sent: JSON, a form, multipart, text, bytes.
 * @throws OmittedOperationError for a required body that cannot be sent.
 */
export function readRequestBody(
  context: ParameterContext & BodyCache,
  method: Method,
  operation: DocumentNode,
): BodyReading {
  const { document } = context;
  const body = document.follow(own(operation, 'requestBody'));
  if (!isNode(body)) return NO_BODY;
  const required = body.required === true;
  const left = (reason: string): BodyReading => {
    if (required) throw new OmittedOperationError(reason, 'body');
    return { body: undefined, omittedParts: [{ part: 'body', reason }] };
  };
  if (method === 'GET' || method === 'HEAD') return left(`belongs to a ${method}, which has none`);
  const content = nodeAt(body, 'content');
  if (document.isWide(content)) return left('has too many media types');
  for (const read of [readJson, readForm, readMultipart, readText, readBytes]) {
    const found = read(context, content);
    if (found === undefined) continue;
    const { omittedParts = [], format, fields = {}, ...rest } = found;
    return { body: { ...rest, format, fields, required, omittedParts }, omittedParts };
  }
  const types = Object.keys(content).slice(0, MAX_TYPES_SHOWN);
  return left(
    `is ${types.map((type) => cleanLine(type, 60)).join(' or ') || 'of no media type'}, which cannot be sent`,
  );
}

/** A body in one media type, without what is the same in all. */
type FoundBody = Pick<ReadBody, 'schema' | 'mediaType' | 'media' | 'patterns'> &
  Partial<Pick<ReadBody, 'format' | 'fields' | 'omittedParts'>>;
type ReadMedia = (context: ParameterContext & BodyCache, content: DocumentNode) => FoundBody | undefined;

const readJson: ReadMedia = (context, content) => {
  const json = jsonMedia(content);
  if (json === undefined) return undefined;
  const { schema, patterns } = readShared(context, own(json.media, 'schema'));
  return { schema, mediaType: json.type, media: json.media, patterns };
};

const readForm: ReadMedia = (context, content) => {
  const found = mediaIn(content).find(({ type }) => type === 'application/x-www-form-urlencoded');
  return found === undefined ? undefined : readFields(context, found, 'form');
};

const readMultipart: ReadMedia = (context, content) => {
  const found = mediaIn(content).find(({ type }) => type === 'multipart/form-data' || type === 'multipart/*');
  return found && readFields(context, { ...found, type: 'multipart/form-data' }, 'multipart');
};

const readText: ReadMedia = (context, content) => {
  const found = mediaIn(content).find(({ type }) => TEXT_MEDIA.test(type));
  if (found === undefined) return undefined;
  const { schema, patterns } = readShared(context, own(found.media, 'schema'));
  const isText = schema.type === 'string' && schema.format !== 'binary';
  const text: JsonSchema = { type: 'string', description: `The body, as text of the type ${found.type}` };
  const { type: mediaType, media } = found;
  return { schema: isText ? schema : text, mediaType, media, patterns: isText ? patterns : [], format: 'text' };
};

const readBytes: ReadMedia = (_context, content) => {
  const found = mediaIn(content).find(({ type }) => ANY_MEDIA.test(type) && !type.startsWith('multipart/'));
  if (found === undefined) return undefined;
  const { filename: _, ...properties } = nodeAt(FILE, 'properties');
  const description = `The body, of the type ${found.type}: {"text": …} or {"base64": …}`;
  const schema = { ...FILE, description, properties };
  return { schema, mediaType: found.type, media: found.media, patterns: [], format: 'bytes' };
};

/** A body of fields; undefined when its schema admits no object. */
function readFields(
  context: ParameterContext & BodyCache,
  { type, media }: Media,
  format: 'form' | 'multipart',
): FoundBody | undefined {
  const { schema: read, patterns } = readShared(context, own(media, 'schema'));
  const whole = read === ANY_VALUE ? OPEN_FORM : read;
  if (!mayBeObject(whole)) return undefined;
  const { schema, fields, omittedParts }: FormFields = readFormFields(context.document, media, whole, format);
  return { schema, mediaType: type, media, patterns, format, fields, omittedParts };
}

const OPEN_FORM: JsonSchema = { type: 'object', description: 'The fields of the form', additionalProperties: true };

function mayBeObject({ type = 'object' }: JsonSchema): boolean {
  return [type].flat().includes('object');
}

/** Many operations take the same record: the target of a lone reference identifies it. */
function readShared({ document, trustedPatterns, bodies }: ParameterContext & BodyCache, source: unknown): ReadSchema {
  const isReference = isNode(source) && Object.keys(source).join() === '$ref';
  const record = isReference ? document.resolve(String(source.$ref)) : source;
  const known = isNode(record) ? bodies.get(record) : undefined;
  const read = known ?? readSchema(document, trustedPatterns, source, 'request', REQUEST_BOUNDS);
  if (isNode(record)) bodies.set(record, read);
  return read;
}

function mediaIn(content: DocumentNode): readonly Media[] {
  return Object.entries(content)
    .slice(0, MAX_BRANCHES)
    .flatMap(([type, media]) =>
      isNode(media) ? [{ type: type.split(';')[0]?.trim().toLowerCase() ?? '', media }] : [],
    );
}
