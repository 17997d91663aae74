/** Writes the body of an imported operation: JSON, a form, multipart, text or bytes. */
import type { Input } from '../contract/backend.js';
import type { Issue } from '../contract/errors.js';
import type { BodyField, ImportedShape, JsonSchema, Operation } from '../contract/operation.js';
import { exactJson } from './exact-json.js';
import { readFile } from './file-input.js';
import { formPairs } from './form-pairs.js';
import { type MultipartPart, writeMultipart } from './multipart.js';
import { encode, encodeQuery, scalarText } from './parameter-text.js';

export interface ImportedBody {
  readonly content: string | Buffer;
  readonly contentType: string;
}

/**
 * The body of a call; undefined when it has none. Values that cannot be sent are added to `issues`. `boundary`
 * returns unpredictable text that separates the parts of a multipart body.
 */
export function importedBody(
  operation: Operation,
  input: Input,
  issues: Issue[],
  boundary: () => string,
): ImportedBody | undefined {
  const {
    bodyField,
    bodiless,
    bodyOptional,
    bodyFormat,
    bodyFields = {},
    ...shape
  } = operation.imported as ImportedShape;
  if (bodiless || operation.method === 'GET' || operation.method === 'HEAD') return undefined;
  const contentType = shape.mediaType ?? 'application/json';
  const value = bodyField === undefined ? fieldsOf(shape, input) : input[bodyField];
  if (value === undefined || (bodyOptional === true && Object.keys(value as object).length === 0)) return undefined;
  const properties = schemasIn(operation.requestSchema);
  const schema = bodyField === undefined ? operation.requestSchema : properties[bodyField];
  const form: FormContext = {
    fields: bodyFields,
    schemas: schemasIn(schema),
    path: bodyField === undefined ? '' : `${bodyField}.`,
    issues,
  };
  switch (bodyFormat) {
    case undefined:
      return { content: exactJson(value, schema), contentType };
    case 'text':
      return { content: scalarText(value), contentType: withCharset(contentType) };
    case 'bytes': {
      const file = readFile(value, contentType, bodyField ?? 'body', issues);
      return file && { content: file.content, contentType: file.contentType };
    }
    case 'form':
      return { content: formText(value as object, form), contentType };
    case 'multipart': {
      const parts = multipartParts(value as object, form);
      const text = boundary();
      return { content: writeMultipart(parts, text), contentType: `${contentType}; boundary=${text}` };
    }
  }
}

function fieldsOf({ parameters }: Pick<ImportedShape, 'parameters'>, input: Input): Input {
  const parameterFields = new Set(parameters.map(({ field }) => field));
  return Object.fromEntries(Object.entries(input).filter(([field]) => !parameterFields.has(field)));
}

/** Text is sent as UTF-8, which is not the default of `text/*`. */
function withCharset(contentType: string): string {
  return contentType.startsWith('text/') ? `${contentType}; charset=utf-8` : contentType;
}

interface FormContext {
  readonly fields: NonNullable<ImportedShape['bodyFields']>;
  readonly schemas: Schemas;
  /** What precedes the name of a field in issues. */
  readonly path: string;
  readonly issues: Issue[];
}

type Schemas = { readonly [field: string]: JsonSchema };

function schemasIn(schema: JsonSchema | undefined): Schemas {
  return (schema?.properties as Schemas | undefined) ?? {};
}

function fieldAt({ fields }: FormContext, name: string): BodyField {
  return Object.hasOwn(fields, name) ? (fields[name] as BodyField) : {};
}

function formText(value: object, form: FormContext): string {
  const pairs = Object.entries(value).flatMap(([name, part]) => {
    const field = fieldAt(form, name);
    const write = field.allowReserved === true ? encodeQuery : encode;
    const delimiters = { form: ',', spaceDelimited: '%20', pipeDelimited: '%7C', deepObject: ',' };
    const context = { ...pairContext(form, name), write, delimiter: delimiters[field.style ?? 'form'] };
    return formPairs(name, part, field, context).map(([key, text]) => `${encode(key)}=${text}`);
  });
  return pairs.join('&');
}

function pairContext({ schemas, path, issues }: FormContext, name: string) {
  const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
  const items = schema?.items as JsonSchema | undefined;
  const either: JsonSchema | undefined =
    schema !== undefined && items !== undefined ? { anyOf: [schema, items] } : schema;
  const json = (value: unknown) => exactJson(value, either);
  return { path: `${path}${name}`, issues, json };
}

function multipartParts(value: object, form: FormContext): readonly MultipartPart[] {
  return Object.entries(value).flatMap(([name, part]) => {
    const field = fieldAt(form, name);
    const { path, json } = pairContext(form, name);
    if (field.style !== undefined) {
      const delimiters = { form: ',', spaceDelimited: ' ', pipeDelimited: '|', deepObject: ',' };
      const context = { ...pairContext(form, name), write: String, delimiter: delimiters[field.style] };
      return formPairs(name, part, field, context).map(([key, content]) => ({ name: key, content }));
    }
    return [part].flat().flatMap((item, index): readonly MultipartPart[] => {
      const at = Array.isArray(part) ? `${path}.${index}` : path;
      return item === null || item === undefined ? [] : [onePart(name, item, field, { ...form, path: at }, json)];
    });
  });
}

function onePart(
  name: string,
  item: unknown,
  field: BodyField,
  { path, issues }: FormContext,
  json: (value: unknown) => string,
): MultipartPart {
  if (field.file === true && typeof item === 'object') {
    const file = readFile(item, field.contentType, path, issues);
    return { name, content: '', filename: 'file', ...file };
  }
  const isJson = typeof item === 'object' || /^application\/(?:[\w.+-]+\+)?json\b/.test(field.contentType ?? '');
  const { contentType = isJson ? 'application/json' : undefined } = field.file === true ? {} : field;
  const isOneType = contentType !== undefined && !/[,*]/.test(contentType);
  const content = isJson ? json(item) : scalarText(item);
  return isOneType ? { name, content, contentType } : { name, content };
}
