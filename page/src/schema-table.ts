/** Renders a schema as a table with one row per field; nested fields are named by path. */
import type { JsonSchema } from '../../src/contract/operation.js';
import { el } from './dom.js';
import { hintOf } from './form/label.js';

interface Row {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly text: string;
}

/** The table of an object schema's fields. */
export function schemaTable(schema: JsonSchema, caption: string): HTMLElement {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return el('p', { class: 'hint' }, 'No fields.');
  const head = el('tr', {}, ...['Field', 'Type', 'Description'].map((text) => el('th', { scope: 'col' }, text)));
  const body = rows.map(({ path, type, required, text }) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, el('code', {}, path)),
      el('td', {}, type, ...(required ? [' ', el('span', { class: 'required' }, 'required')] : [])),
      el('td', {}, text),
    ),
  );
  const table = el('table', {}, el('caption', { class: 'unseen' }, caption), el('thead', {}, head));
  table.append(el('tbody', {}, ...body));
  return el('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption }, table);
}

function rowsOf(schema: JsonSchema, prefix: string): readonly Row[] {
  const required = (schema.required as readonly string[] | undefined) ?? [];
  return Object.entries((schema.properties ?? {}) as { readonly [name: string]: JsonSchema }).flatMap(
    ([name, property]) => {
      const path = `${prefix}${name}`;
      const row = { path, type: typeOf(property), required: required.includes(name), text: textOf(property) };
      return [row, ...rowsBelow(property, path)];
    },
  );
}

function rowsBelow(schema: JsonSchema, path: string): readonly Row[] {
  const branch = branchesOf(schema).find(({ properties, items }) => properties !== undefined || items !== undefined);
  const target = branch ?? schema;
  const items = target.items as JsonSchema | undefined;
  return items === undefined ? rowsOf(target, `${path}.`) : rowsOf(items, `${path}[].`);
}

function branchesOf({ anyOf, oneOf }: JsonSchema): readonly JsonSchema[] {
  const union = anyOf ?? oneOf;
  return Array.isArray(union) ? union : [];
}

function typeOf(schema: JsonSchema): string {
  const { type, items, additionalProperties } = schema;
  const values = schema.enum;
  if (Array.isArray(values)) return 'one of';
  if ('const' in schema) return JSON.stringify(schema.const);
  const branches = branchesOf(schema).filter((branch) => branch.type !== undefined || branch.enum !== undefined);
  if (type === undefined && branches.length > 0) return [...new Set(branches.map(typeOf))].join(' or ');
  if (type === 'array') return items === undefined ? 'list' : `list of ${typeOf(items as JsonSchema)}`;
  if (type === 'object' && typeof additionalProperties === 'object') {
    return `map to ${typeOf(additionalProperties as JsonSchema)}`;
  }
  return type === undefined ? 'any' : String(type);
}

function textOf(schema: JsonSchema): string {
  const named = (schema.propertyNames as JsonSchema | undefined)?.enum;
  const items = schema.items as JsonSchema | undefined;
  const values = schema.enum ?? items?.enum ?? (schema.additionalProperties as JsonSchema | undefined)?.enum;
  const parts = [
    Array.isArray(named) ? `names: ${named.join(', ')}` : '',
    Array.isArray(values) ? values.join(', ') : '',
    hintOf(schema),
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
