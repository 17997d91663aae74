/** What model hosts refuse in a tool, as laws over its name and schemas. docs/hosts.md has the source of each rule. */
import type { JsonSchema } from '../../src/contract/operation.js';
import type { Tool } from '../../src/tools/catalogue.js';
import { walkSchema } from './portability.js';

/** Returns what violates the rule in one schema of the input: `root` is true for the outermost. */
type Find = (schema: JsonSchema, root: boolean) => string | false | undefined;

interface HostRule {
  /** As in docs/hosts.md. */
  readonly name: string;
  readonly find: Find;
}

const has = (schema: JsonSchema, ...keywords: string[]) => keywords.find((keyword) => keyword in schema);
const properties = (schema: JsonSchema) => Object.keys((schema.properties as object | undefined) ?? {});
const UNIONS = ['oneOf', 'anyOf', 'allOf', 'enum', 'const', 'not'];
const STRING_FORMATS = ['date-time'];
const NUMBER_FORMATS = ['int32', 'int64', 'float', 'double'];

/** All keywords that an advertised request may have. */
const COMMON_KEYWORDS = new Set([
  ...['type', 'description', 'properties', 'required', 'additionalProperties', 'items', 'anyOf', 'enum', 'format'],
  ...['pattern', 'minimum', 'maximum', 'minItems', 'maxItems', 'minLength', 'maxLength'],
]);

export const HOST_RULES: readonly HostRule[] = [
  {
    name: 'The root is an object with properties and no union',
    find: (schema, root) =>
      root &&
      ((schema.type !== 'object' && 'type') ||
        (!has(schema, 'properties') && 'no properties') ||
        has(schema, ...UNIONS)),
  },
  {
    name: 'Every list has items',
    find: ({ type, items }) => type === 'array' && (typeof items !== 'object' || items === null) && 'no items',
  },
  {
    name: 'Every schema has one type, or is anyOf alone',
    find: (schema) => {
      if ('anyOf' in schema) return Object.keys(schema).length > 1 && `anyOf with ${Object.keys(schema)}`;
      return typeof schema.type !== 'string' && `type ${schema.type}`;
    },
  },
  {
    name: 'Only common keywords',
    find: (schema) => Object.keys(schema).find((keyword) => !COMMON_KEYWORDS.has(keyword)),
  },
  {
    name: 'An enum lists texts that are not empty',
    find: ({ type, enum: values }) =>
      values !== undefined &&
      (type !== 'string' || (values as unknown[]).some((value) => typeof value !== 'string' || value === '')) &&
      'enum',
  },
  {
    name: 'Formats are those of every host',
    find: ({ type, format }) =>
      format !== undefined &&
      !(type === 'string' ? STRING_FORMATS : NUMBER_FORMATS).includes(String(format)) &&
      'format',
  },
  {
    name: 'Required fields are declared, on objects only',
    find: (schema) =>
      ((schema.required as readonly string[] | undefined) ?? []).find((name) => !properties(schema).includes(name)),
  },
  {
    name: 'At most ten levels of objects and lists',
    find: (schema, root) => root && depthOf(schema) > 10 && 'depth',
  },
];

/** Returns every violation of a host's rule in a tool, with its path. */
export function hostProblems({ name, description, inputSchema, outputSchema }: Tool): readonly string[] {
  const problems: string[] = [];
  if (!/^[a-zA-Z][a-zA-Z0-9_]{0,63}$/.test(name)) problems.push('Names');
  if (description === '') problems.push('Descriptions');
  walkSchema(inputSchema, (schema, path) => {
    for (const rule of HOST_RULES) {
      const found = rule.find(schema, path === '#');
      if (typeof found === 'string') problems.push(`${rule.name}: ${found} at ${path}`);
    }
  });
  walkSchema(outputSchema, (schema, path) => {
    if (schema.type === 'array' && typeof schema.items !== 'object') problems.push(`a list without items at ${path}`);
  });
  return problems;
}

function depthOf(schema: JsonSchema): number {
  const parts = [
    ...Object.values((schema.properties as object | undefined) ?? {}),
    ...['items', 'additionalProperties'].map((keyword) => schema[keyword]),
  ].filter((part): part is JsonSchema => typeof part === 'object' && part !== null);
  const below = parts.length === 0 ? 0 : 1 + Math.max(...parts.map(depthOf));
  const beside = ((schema.anyOf as JsonSchema[] | undefined) ?? []).map(depthOf);
  return Math.max(below, ...beside);
}
