/** Renders JSON Schema as short text: what a field accepts, and what it means. */

export type Schema = { readonly [keyword: string]: unknown };

/** Fields with the same meaning in every request; a request lists them in one line. */
export const SHARED_FIELDS = ['expected_revision', 'reason', 'reason_code', 'idempotency_key', 'limit', 'next_token'];

const LONGEST_PATTERN = 34;

/** Describes the accepted values: `text ≤ 64`, `integer 1–10^12`, `one of a, b`, or the name of a schema. */
export function typeText(schema: Schema): string {
  if (typeof schema.$ref === 'string') return `\`${nameOf(schema.$ref)}\``;
  const branches = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined;
  if (branches !== undefined && !branches.every((branch) => 'required' in branch && !('type' in branch))) {
    return branches.map(typeText).join(' or ');
  }
  if (Array.isArray(schema.enum)) return enumText(schema.enum);
  if ('const' in schema) return String(schema.const);
  const types = [schema.type].flat().map(String);
  return types.map((type) => plainText(type, schema)).join(' or ');
}

/** Renders the description of a schema and its default. */
export function meaningText(schema: Schema): string {
  const parts = [schema.description, 'default' in schema ? `default ${JSON.stringify(schema.default)}` : undefined];
  return parts.filter((part) => typeof part === 'string' && part !== '').join('; ');
}

/** Renders a request in one line: required fields with a star, shared fields last, then rules that combine fields. */
export function requestText(schema: Schema): string {
  const properties = propertiesOf(schema);
  const required = requiredOf(schema);
  const own = properties.filter(([name]) => !SHARED_FIELDS.includes(name));
  const shared = properties.filter(([name]) => SHARED_FIELDS.includes(name));
  const parts = [
    ...own.map(([name, child]) => inlineField(name, child, required)),
    ...(shared.length === 0 ? [] : [shared.map(([name]) => starred(name, required)).join(', ')]),
    ...togetherText(schema),
  ];
  return parts.length === 0 ? 'nothing' : parts.join('; ');
}

/** The rows of a schema's fields, nested ones by dotted names: name, what it takes, what it means. */
export function fieldRows(schema: Schema, mark: (name: string, required: boolean) => string, prefix = ''): string[][] {
  const required = requiredOf(schema);
  return propertiesOf(schema).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const shown = mark(path, required.includes(name));
    const row = [child['x-untrusted'] === true ? `${shown}†` : shown, typeText(child), meaningText(child)];
    return [row, ...nestedRows(child, mark, path)];
  });
}

/** What must come together, or not: `exactly one of …`. */
export function togetherText(schema: Schema): string[] {
  const sets = (branches: unknown) =>
    ((branches as readonly Schema[] | undefined) ?? []).flatMap(({ required }) =>
      Array.isArray(required) ? [required.map((name) => `\`${name}\``).join(' and ')] : [],
    );
  const [one, any] = [sets(schema.oneOf), sets(schema.anyOf)];
  const dependent = Object.entries((schema.dependentRequired as Record<string, string[]> | undefined) ?? {});
  return [
    ...(one.length > 0 ? [`exactly one of ${one.join(', ')}`] : []),
    ...(any.length > 0 ? [`at least one of ${any.join(', ')}`] : []),
    ...dependent.map(([name, others]) => `\`${name}\` only with ${others.map((other) => `\`${other}\``).join(', ')}`),
  ];
}

export function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

function plainText(type: string, schema: Schema): string {
  if (type === 'string') return stringText(schema);
  if (type === 'integer' || type === 'number') return [type, rangeText(schema)].filter(Boolean).join(' ');
  if (type === 'array') return arrayText(schema);
  if (type === 'object') return objectText(schema);
  return type;
}

function stringText({ format, maxLength, pattern }: Schema): string {
  if (format === 'date') return 'date';
  if (format === 'date-time') return 'time';
  const length = maxLength === undefined ? '' : ` ≤ ${maxLength}`;
  const form = typeof pattern === 'string' && pattern !== '\\S' && pattern.length <= LONGEST_PATTERN;
  return form ? `text \`${pattern}\`` : `text${length}`;
}

function rangeText({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const from = exclusiveMinimum === undefined ? number(minimum) : `> ${number(exclusiveMinimum)}`;
  if (from === '' && maximum === undefined) return '';
  if (maximum === undefined) return exclusiveMinimum === undefined ? `≥ ${from}` : from;
  if (exclusiveMinimum !== undefined) return `${from}, ≤ ${number(maximum)}`;
  return from === '' ? `≤ ${number(maximum)}` : `${from}–${number(maximum)}`;
}

function number(value: unknown): string {
  if (value === undefined) return '';
  const power = Math.log10(Math.abs(Number(value)));
  return Number.isInteger(power) && power > 5 ? `${Number(value) < 0 ? '-' : ''}10^${power}` : String(value);
}

function arrayText({ items, maxItems }: Schema): string {
  const of = typeText(items as Schema);
  return `list of ${of}${maxItems === undefined ? '' : `, ≤ ${maxItems}`}`;
}

function objectText(schema: Schema): string {
  if (typeof schema.additionalProperties !== 'object' || 'properties' in schema) return 'object';
  const names = schema.propertyNames as Schema | undefined;
  const key = names === undefined || !('$ref' in names || 'enum' in names) ? 'name' : typeText(names);
  return `map of ${key} to ${typeText(schema.additionalProperties as Schema)}`;
}

function enumText(values: readonly unknown[]): string {
  return values.map((value) => `\`${String(value)}\``).join(', ');
}

function inlineField(name: string, schema: Schema, required: readonly string[]): string {
  const nested = inlineNested(schema);
  const meaning = meaningText(schema);
  return `${starred(name, required)} ${typeText(schema)}${nested}${meaning === '' ? '' : ` (${meaning})`}`;
}

function inlineNested(schema: Schema): string {
  const inner = inside(schema);
  if (inner === undefined) return '';
  const required = requiredOf(inner);
  const fields = propertiesOf(inner).map(([name, child]) => inlineField(name, child, required));
  return ` {${[...fields, ...togetherText(inner)].join('; ')}}`;
}

function nestedRows(schema: Schema, mark: (name: string, required: boolean) => string, path: string): string[][] {
  const inner = inside(schema);
  if (inner === undefined) return [];
  return fieldRows(inner, mark, schema.type === 'array' ? `${path}[].` : `${path}.`);
}

/** The fields below an object or a list of objects that have no name of their own. */
function inside(schema: Schema): Schema | undefined {
  const inner = schema.items === undefined ? schema : (schema.items as Schema);
  return 'properties' in inner ? inner : undefined;
}

function starred(name: string, required: readonly string[]): string {
  return `\`${name}\`${required.includes(name) ? '\\*' : ''}`;
}

function propertiesOf(schema: Schema): [string, Schema][] {
  return Object.entries((schema.properties as Record<string, Schema> | undefined) ?? {});
}

function requiredOf(schema: Schema): readonly string[] {
  return (schema.required as readonly string[] | undefined) ?? [];
}
