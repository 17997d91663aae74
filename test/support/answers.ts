/** Generates response data of any operation from its schema, with one text in every untrusted field. */
import type { JsonSchema } from '../../src/contract/operation.js';
import { hasFreeKeys } from '../../src/contract/schema.js';
import { branches } from './responses.js';

type Node = { readonly [key: string]: unknown };

/** Generates data of this schema with `text` in every untrusted field and free key, and `word` everywhere else. */
export function dataWith(schema: JsonSchema, text: string, inside = false): unknown {
  const untrusted = inside || schema['x-untrusted'] === true;
  const [first] = branches(schema).filter(({ type }) => type !== 'null');
  if (first !== undefined) return dataWith(first, text, untrusted);
  const types = [schema.type].flat();
  if (types.includes('object')) return objectWith(schema, text, untrusted);
  if (types.includes('array')) return [1, 2].map(() => dataWith(schema.items as JsonSchema, text, untrusted));
  if (types.includes('string') || untrusted) return untrusted ? text : 'word';
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if ('const' in schema) return schema.const;
  return types.includes('boolean') ? true : 1;
}

function objectWith(schema: JsonSchema, text: string, untrusted: boolean): object {
  const entries = Object.entries((schema.properties as Node | undefined) ?? {}).map(([name, child]) => [
    name,
    dataWith(child as JsonSchema, text, untrusted),
  ]);
  if (typeof schema.additionalProperties !== 'object') return Object.fromEntries(entries);
  const names = (schema.propertyNames as { enum?: readonly string[] } | undefined)?.enum ?? ['word'];
  const key = untrusted && hasFreeKeys(schema) ? text : names[0];
  const values = schema.additionalProperties as JsonSchema;
  return Object.fromEntries([...entries, [key, dataWith(values, text, untrusted)]]);
}
