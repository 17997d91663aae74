/** Finds the text fields that a response schema declares as ids, times or enum values. Does not check any response. */
import type { FieldPath, JsonSchema } from '../contract/operation.js';
import { isNode } from './openapi-document.js';

const TRUSTED_FORMATS = new Set(['date', 'date-time', 'time', 'duration', 'uuid', 'ipv4', 'ipv6']);

/** `id`, `customer_id`, `customerIds`, `created_at`: names of values that servers generate. */
const SERVER_GENERATED = /(?:^|_)(?:id|ids|guid|guids|uuid|uuids|at)$|[a-z](?:Id|Ids|Guid|Guids|Uuid|Uuids|At)$/;

const MAX_PATHS = 500;

/** The paths of these fields; when there are too many, those nearest to the root. */
export function trustedPaths(schema: JsonSchema): readonly FieldPath[] {
  const trusted = new Set<FieldPath>();
  const others = new Set<FieldPath>(); // a union may declare an id in one branch and admit any text in another
  let level: readonly SchemaField[] = [{ path: '', name: '', schema }];
  while (level.length > 0 && trusted.size < MAX_PATHS) {
    for (const field of level.filter(isText)) (isTrustedText(field) ? trusted : others).add(field.path);
    level = level.flatMap(fieldsIn);
  }
  return [...trusted].filter((path) => !others.has(path)).slice(0, MAX_PATHS);
}

interface SchemaField {
  readonly path: FieldPath;
  readonly name: string;
  readonly schema: JsonSchema;
}

/** The fields of a schema, with their paths. A name with a dot cannot be part of a path. */
function fieldsIn({ path, name, schema }: SchemaField): readonly SchemaField[] {
  const below = (step: string) => (path === '' ? step : `${path}.${step}`);
  const properties = isNode(schema.properties) ? Object.entries(schema.properties) : [];
  const branches = [schema.oneOf, schema.anyOf, schema.allOf].flatMap((list) => (Array.isArray(list) ? list : []));
  return [
    ...properties
      .filter(([field]) => !field.includes('.') && field !== '*' && field !== '')
      .map(([field, part]) => ({ path: below(field), name: field, schema: part as JsonSchema })),
    ...(isNode(schema.items) ? [{ path: below('*'), name, schema: schema.items }] : []),
    ...branches.map((branch: JsonSchema) => ({ path, name, schema: branch })),
  ];
}

function isText({ path, schema }: SchemaField): boolean {
  return path !== '' && typesOf(schema).includes('string');
}

function isTrustedText({ name, schema }: SchemaField): boolean {
  return (
    'enum' in schema || 'const' in schema || TRUSTED_FORMATS.has(String(schema.format)) || SERVER_GENERATED.test(name)
  );
}

function typesOf(schema: JsonSchema): readonly unknown[] {
  if (schema.type !== undefined) return [schema.type].flat();
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : [];
  return values.map((value) => typeof value);
}
