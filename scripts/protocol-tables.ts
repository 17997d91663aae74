/**
 * Renders the tables of PROTOCOL.md from the OpenAPI document and the contract. The prose is in openapi/protocol.md.
 */
import type { Contract, Operation } from '../src/contract/operation.js';
import { toolName } from '../src/tools/catalogue.js';
import type { Atlas, AtlasEntry } from './errors.js';
import { combinationText, fieldRows, meaningText, nameOf, requestText, type Schema, typeText } from './schema-text.js';

type Node = { readonly [key: string]: unknown };

export interface Sources {
  readonly document: Node;
  readonly contract: Contract;
  /** Maps a schema to the family whose file defines it. Schemas of no family are shared. */
  readonly familyOf: ReadonlyMap<string, string>;
}

/** Renders each table as Markdown, by table name. */
export const TABLES: { readonly [name: string]: (sources: Sources) => string } = {
  inventory,
  roles,
  headers,
  tags,
  errors,
  reasons,
  shared,
  schemas,
};

/** The families in the order of the document. */
const FAMILIES = [
  'customer',
  'consent',
  'risk',
  'loyalty',
  'giftcard',
  'account',
  'exemption',
  'comment',
  'inbox',
  'report',
];

function inventory({ document, contract }: Sources): string {
  const rows = [...contract.operations]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((operation) => [
      operation.method,
      operation.path,
      `\`${toolName(operation)}\``,
      operation.access,
      operation.effect,
      needs(operation),
      requestName(document, operation),
      responseName(document, operation),
      operation.origin,
    ]);
  const head = ['Method', 'Path', 'Tool', 'Access', 'Effect', 'Needs', 'Request schema', 'Response schema', 'Origin'];
  return table(head, rows);
}

/** R: revision; r: revision once the record exists; K: idempotency key; P: operating context; W: reason. */
function needs({ requestSchema, requiresRevision, acceptsIdempotencyKey, operational }: Operation): string {
  const properties = (requestSchema.properties ?? {}) as object;
  const required = (requestSchema.required ?? []) as readonly string[];
  const letters = [
    requiresRevision ? 'R' : 'expected_revision' in properties ? 'r' : '',
    acceptsIdempotencyKey ? 'K' : '',
    operational ? 'P' : '',
    required.includes('reason') ? 'W' : '',
  ];
  return letters.filter(Boolean).join(' ');
}

function roles({ contract }: Sources): string {
  const names = [...new Set(Object.values(contract.roles).flat())].sort();
  const rows = Object.entries(contract.roles).map(([access, passing]) => [
    access,
    ...names.map((role) => (access === 'session' || passing.includes(role) ? '✓' : '')),
    String(contract.operations.filter((operation) => operation.access === access).length),
  ]);
  return table(['Access', ...names.map((name) => `\`${name}\``), 'Calls'], rows);
}

function headers({ document }: Sources): string {
  const components = document.components as { parameters: Record<string, Node>; securitySchemes: Record<string, Node> };
  const credentials = Object.values(components.securitySchemes).map(({ name, description }) => [
    `\`${name}\``,
    'exactly one',
    String(description),
  ]);
  const names = [...new Set(Object.values(components.parameters).map(({ name }) => String(name)))];
  const others = names.map((name) => {
    const uses = Object.values(components.parameters).filter((parameter) => parameter.name === name);
    const always = uses.every(({ required }) => required === true);
    const sometimes = uses.some(({ required }) => required === true);
    const [first] = uses;
    return [`\`${name}\``, always ? 'always' : sometimes ? 'calls marked P' : 'no', String(first?.description)];
  });
  const [org, ...rest] = others;
  return table(['Header', 'Needed', 'Meaning'], [...(org === undefined ? [] : [org]), ...credentials, ...rest]);
}

function tags({ document }: Sources): string {
  const entries = Object.values(atlasOf(document));
  const rows = [...new Set(entries.map(({ tag }) => tag))].map((tag) => {
    const of = entries.filter((entry) => entry.tag === tag);
    const list = (values: readonly unknown[]) => [...new Set(values)].join(', ');
    return [`\`${tag}\``, list(of.map(({ http_status }) => http_status)), list(of.map(retryText)), String(of.length)];
  });
  return table(['Tag', 'HTTP', 'Retry same call', 'Codes'], rows);
}

function errors({ document }: Sources): string {
  const entries = Object.entries(atlasOf(document));
  const groups = [...new Set(entries.map(([, { group }]) => group))];
  return groups
    .map((group) => {
      const rows = entries
        .filter(([, entry]) => entry.group === group)
        .map(([code, entry]) => [
          `\`${code}\``,
          String(entry.http_status),
          entry.tag,
          retryText(entry),
          entry.when,
          entry.what_to_do,
          entry.ask === undefined ? '' : `${entry.ask.who}: ${entry.ask.because}`,
        ]);
      const head = ['error_code', 'HTTP', 'Tag', 'Retry same call', 'When', 'What to do', 'Ask'];
      return `### ${capital(group)}\n\n${table(head, rows)}`;
    })
    .join('\n\n');
}

function retryText({ retryable }: AtlasEntry): string {
  return { no: 'no', yes: 'yes', reads: 'reads only', varies: 'if retryable' }[retryable];
}

function reasons({ document }: Sources): string {
  const { pattern } = schemasOf(document).ReasonCode as { pattern: string };
  const categories = /^\^\(([A-Z|]+)\)/.exec(pattern)?.[1]?.split('|') ?? [];
  return categories.map((category) => `\`${category}\``).join(', ');
}

function shared({ document, familyOf }: Sources): string {
  const rows = Object.entries(schemasOf(document))
    .filter(([name, schema]) => !familyOf.has(name) && !('properties' in schema))
    .map(([name, schema]) => [`\`${name}\``, typeText(schema), meaningText(schema)]);
  return table(['Type', 'Value', 'Meaning'], rows);
}

function schemas(sources: Sources): string {
  return [commonSection(sources), ...FAMILIES.map((family) => familySection(sources, family))].join('\n\n');
}

/** The envelope schemas of every call, and the response of `GET /stat`. */
function commonSection({ document, familyOf }: Sources): string {
  const records = Object.entries(schemasOf(document)).filter(
    ([name, schema]) => !familyOf.has(name) && 'properties' in schema && name !== 'StatEnvelope',
  );
  return ['### Every call', ...records.map(([name, schema]) => recordPart(name, schema))].join('\n\n');
}

function familySection({ document, familyOf }: Sources, family: string): string {
  const all = Object.entries(schemasOf(document)).filter(([name]) => familyOf.get(name) === family);
  const requests = all.filter(([name]) => name.endsWith('Request'));
  const envelopes = all.filter(([name]) => name.endsWith('Envelope'));
  const others = all.filter((entry) => !requests.includes(entry) && !envelopes.includes(entry));
  const records = others.filter(([, schema]) => 'properties' in schema);
  const scalars = others.filter(([, schema]) => !('properties' in schema));
  const described = (document.tags as readonly { name: string; description: string }[]).find(
    ({ name }) => name === family,
  );
  const parts = [
    `### ${capital(family)}`,
    `${described?.description}.`,
    table(
      ['Request', 'Fields'],
      requests.map(([name, schema]) => [`\`${name}\``, requestText(schema)]),
    ),
    table(
      ['Response', 'data', 'Revision'],
      envelopes.map(([name, schema]) => [`\`${name}\``, ...envelopeCells(schema)]),
    ),
    ...(scalars.length === 0
      ? []
      : [
          table(
            ['Type', 'Value'],
            scalars.map(([name, schema]) => [`\`${name}\``, typeText(schema)]),
          ),
        ]),
    ...records.map(([name, schema]) => recordPart(name, schema)),
  ];
  return parts.join('\n\n');
}

function envelopeCells(schema: Schema): [string, string] {
  const properties = schema.properties as Record<string, Schema>;
  const data = properties.data as Schema;
  const items = ((data.properties as Record<string, Schema> | undefined)?.items?.items as Schema | undefined)?.$ref;
  const what = items === undefined ? typeText(data) : `page of \`${nameOf(String(items))}\``;
  return [what, 'revision' in properties ? 'yes' : ''];
}

/** Requests mark required fields with an asterisk; responses mark optional fields with a question mark. */
function recordPart(name: string, schema: Schema): string {
  const isRequest = schema.additionalProperties === false;
  const mark = (path: string, required: boolean) =>
    `\`${path}\`${isRequest ? (required ? '\\*' : '') : required ? '' : '?'}`;
  const combinations = combinationText(schema);
  const note = combinations.length === 0 ? '' : ` (${combinations.join('; ')})`;
  return `**${name}**${note}\n\n${table(['Field', 'Value', 'Meaning'], fieldRows(schema, mark))}`;
}

function requestName(document: Node, operation: Operation): string {
  const body = operationNode(document, operation).requestBody as { content: Node } | undefined;
  const media = body?.content['application/json'] as { schema: { $ref: string } } | undefined;
  return media === undefined ? '' : nameOf(media.schema.$ref);
}

function responseName(document: Node, operation: Operation): string {
  const responses = operationNode(document, operation).responses as Record<string, { content: Node }>;
  const media = responses['200']?.content['application/json'] as { schema: { $ref: string } };
  return nameOf(media.schema.$ref);
}

function operationNode(document: Node, { path, method }: Operation): Node {
  return (document.paths as Record<string, Record<string, Node>>)[path]?.[method.toLowerCase()] ?? {};
}

function atlasOf(document: Node): Atlas {
  return document['x-errors'] as Atlas;
}

function schemasOf(document: Node): Record<string, Schema> {
  return (document.components as { schemas: Record<string, Schema> }).schemas;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
