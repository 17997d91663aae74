/** Computes how large a schema becomes when every `$ref` is expanded, without expanding it. */

import { MAX_BRANCHES, MAX_SCHEMA_NESTING, type SchemaBounds } from './import-limits.js';
import { type DocumentNode, isNode, listAt, type OpenApiDocument } from './openapi-document.js';
import { isName } from './schema-keywords.js';

/**
 * A schema of the current level. `inside` counts the schemas around it, references included, as read-schema.ts does.
 */
interface SchemaNode {
  readonly schema: unknown;
  readonly inside: number;
  readonly trail: readonly unknown[];
}

/**
 * Returns how many levels of a schema's value can be read before it exceeds `bounds.schemas`; at most `bounds.depth`.
 * Fields marked with the keyword `hidden` are skipped.
 * @throws OmittedOperationError for references without a target.
 */
export function levelsWithin(
  document: OpenApiDocument,
  source: unknown,
  hidden: 'readOnly' | 'writeOnly',
  { depth, schemas }: SchemaBounds,
): number {
  let left = schemas;
  let next: SchemaNode[] = [];
  const count = ({ schema, inside, trail }: SchemaNode): void => {
    if (left < 0 || !isNode(schema)) return;
    document.spend(1);
    left -= 1;
    if (inside >= MAX_SCHEMA_NESTING || document.isWide(schema)) return;
    if (typeof schema.$ref === 'string') {
      const target = document.resolve(schema.$ref);
      if (!trail.includes(target)) count({ schema: target, inside: inside + 1, trail: [...trail, target] });
      return;
    }
    for (const part of childSchemas(document, schema, hidden)) {
      if (next.length > left) break; // one more than the limit is enough
      next.push({ schema: part, inside: inside + 1, trail });
    }
    for (const part of compositionSchemas(schema)) count({ schema: part, inside: inside + 1, trail });
  };
  count({ schema: source, inside: 0, trail: [] });
  for (let level = 0; level < depth; level += 1) {
    if (left < 0) return level - 1;
    const nodes = next;
    next = [];
    for (const node of nodes) count(node);
  }
  return left < 0 ? depth - 1 : depth;
}

/** Schemas of the next level of the value. */
function childSchemas(document: OpenApiDocument, schema: DocumentNode, hidden: string): unknown[] {
  const { properties, items, additionalProperties, not, propertyNames } = schema;
  const parts = [items, additionalProperties, not, propertyNames].filter(isNode);
  if (!isNode(properties) || document.isWide(properties)) return parts;
  document.spend(Object.keys(properties).length);
  for (const [name, part] of Object.entries(properties)) {
    if (isNode(part) && part[hidden] !== true && isName(name)) parts.push(part);
  }
  return parts;
}

/** Schemas of the same value: the branches of `oneOf`, `anyOf` and `allOf`. */
function compositionSchemas(schema: DocumentNode): readonly unknown[] {
  const lists = ['oneOf', 'anyOf', 'allOf'].map((keyword) => listAt(schema, keyword));
  return lists.flatMap((list) => (list.length > MAX_BRANCHES ? [] : list));
}
