/** How large a schema would become if every `$ref` in it were written out, found out without writing it. */

import { DEEPEST_READING, MAX_BRANCHES, type SchemaBounds } from './import-limits.js';
import { type DocumentNode, isNode, listAt, type OpenApiDocument } from './openapi-document.js';
import { isName } from './schema-keywords.js';

/** A schema among those of its level; references passed on the way to it are counted by `inside`, as in a reading. */
interface Place {
  readonly schema: unknown;
  readonly inside: number;
  readonly trail: readonly unknown[];
}

/**
 * How many levels of a schema's value can be read before it has more schemas than `bounds` allow; at most its `depth`.
 * `hidden` is the mark of fields that are not read.
 * @throws Omission for references that lead nowhere.
 */
export function levelsWithin(
  document: OpenApiDocument,
  source: unknown,
  hidden: 'readOnly' | 'writeOnly',
  { depth, schemas }: SchemaBounds,
): number {
  let left = schemas;
  let next: Place[] = [];
  const count = ({ schema, inside, trail }: Place): void => {
    if (left < 0 || !isNode(schema)) return;
    document.spend(1);
    left -= 1;
    if (inside >= DEEPEST_READING || document.isWide(schema)) return;
    if (typeof schema.$ref === 'string') {
      const target = document.at(schema.$ref);
      if (!trail.includes(target)) count({ schema: target, inside: inside + 1, trail: [...trail, target] });
      return;
    }
    for (const part of below(document, schema, hidden)) {
      if (next.length > left) break; // one more than there is room for is enough to know
      next.push({ schema: part, inside: inside + 1, trail });
    }
    for (const part of beside(schema)) count({ schema: part, inside: inside + 1, trail });
  };
  count({ schema: source, inside: 0, trail: [] });
  for (let level = 0; level < depth; level += 1) {
    if (left < 0) return level - 1;
    const places = next;
    next = [];
    for (const place of places) count(place);
  }
  return left < 0 ? depth - 1 : depth;
}

/** The parts of the next level of the value. */
function below(document: OpenApiDocument, schema: DocumentNode, hidden: string): unknown[] {
  const { properties, items, additionalProperties, not, propertyNames } = schema;
  const parts = [items, additionalProperties, not, propertyNames].filter(isNode);
  if (!isNode(properties) || document.isWide(properties)) return parts;
  document.spend(Object.keys(properties).length);
  for (const [name, part] of Object.entries(properties)) {
    if (isNode(part) && part[hidden] !== true && isName(name)) parts.push(part);
  }
  return parts;
}

/** The forms and parts of the same value. */
function beside(schema: DocumentNode): readonly unknown[] {
  const lists = ['oneOf', 'anyOf', 'allOf'].map((keyword) => listAt(schema, keyword));
  return lists.flatMap((list) => (list.length > MAX_BRANCHES ? [] : list));
}
