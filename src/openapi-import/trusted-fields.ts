/** Which texts of an answer its schema promises to be ids, times or words from a list. Not: whether they are. */
import type { FieldPath, JsonSchema } from '../contract/operation.js';
import { isNode } from './openapi-document.js';

const WORD_FORMATS = new Set(['date', 'date-time', 'time', 'duration', 'uuid', 'ipv4', 'ipv6']);

/** `id`, `customer_id`, `customerIds`, `created_at`: what servers mint. */
const MINTED = /(?:^|_)(?:id|ids|guid|guids|uuid|uuids|at)$|[a-z](?:Id|Ids|Guid|Guids|Uuid|Uuids|At)$/;

const MOST_PATHS = 500;

/** The paths of such texts, nearest to the root first when there are too many. */
export function wordPaths(schema: JsonSchema): readonly FieldPath[] {
  const words = new Set<FieldPath>();
  const others = new Set<FieldPath>(); // a union may promise a word and admit any text
  let level: readonly Place[] = [{ path: '', name: '', schema }];
  while (level.length > 0 && words.size < MOST_PATHS) {
    for (const place of level.filter(isText)) (isWord(place) ? words : others).add(place.path);
    level = level.flatMap(placesIn);
  }
  return [...words].filter((path) => !others.has(path)).slice(0, MOST_PATHS);
}

interface Place {
  readonly path: FieldPath;
  readonly name: string;
  readonly schema: JsonSchema;
}

/** What is in a schema, under the paths that operations use. A name with a dot cannot be said in one. */
function placesIn({ path, name, schema }: Place): readonly Place[] {
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

function isText({ path, schema }: Place): boolean {
  return path !== '' && typesOf(schema).includes('string');
}

function isWord({ name, schema }: Place): boolean {
  return 'enum' in schema || 'const' in schema || WORD_FORMATS.has(String(schema.format)) || MINTED.test(name);
}

function typesOf(schema: JsonSchema): readonly unknown[] {
  if (schema.type !== undefined) return [schema.type].flat();
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : [];
  return values.map((value) => typeof value);
}
