/**
 * Documents that any caller may read: the protocol, the OpenAPI document, the error atlas, and each tool's document.
 */
import { isForAnyone } from '../contract/access.js';
import { lazy } from '../contract/lazy.js';
import type { Operation } from '../contract/operation.js';
import type { CatalogueEntry } from '../tools/catalogue.js';
import type { FeatureContext } from './feature-context.js';
import { sectionsOf } from './markdown-sections.js';

export interface DocumentResource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  readonly annotations: { readonly audience: ('user' | 'assistant')[] };
  /** Bytes. */
  readonly size: number;
  readonly text: string;
}

/** URI → the document, if it exists; it is read on first use. */
export type DocumentResources = ReadonlyMap<string, () => DocumentResource | undefined>;

type DocumentDefinition = Omit<DocumentResource, 'size' | 'text' | 'description' | 'annotations'> & {
  readonly audience: ('user' | 'assistant')[];
  /** `kilobytes` is the document's size. */
  readonly describe: (kilobytes: number) => string;
  readonly read: () => string | undefined;
};

/** The available documents: an imported OpenAPI document may have fewer. */
export function documentsOf({ published }: FeatureContext): DocumentResources {
  if (published === undefined) return new Map();
  const definitions: readonly DocumentDefinition[] = [
    {
      uri: 'crm://protocol',
      name: 'protocol',
      title: 'Protocol',
      mimeType: 'text/markdown',
      audience: ['assistant'],
      describe: (kilobytes) =>
        `How to work with this CRM: connecting, roles, every endpoint and error, revisions, retries, paging, consent (${kilobytes} kB; a section at a time: crm://protocol/{section})`,
      read: () => published.protocol(),
    },
    {
      uri: 'crm://errors',
      name: 'errors',
      title: 'Error atlas',
      mimeType: 'application/json',
      audience: ['assistant'],
      describe: (kilobytes) => `Every error_code: when it is answered, and what to do then (${kilobytes} kB)`,
      read: () => published.errors(),
    },
    {
      uri: 'crm://openapi',
      name: 'openapi',
      title: 'OpenAPI document',
      mimeType: 'application/json',
      audience: ['user'],
      describe: (kilobytes) =>
        `The whole contract for programs, ${kilobytes} kB. For one tool read crm://openapi/{tool} instead`,
      read: () => published.json(),
    },
  ];
  return new Map(definitions.map((document) => [document.uri, lazy(() => open(document))]));
}

function open({ describe, read, audience, ...document }: DocumentDefinition): DocumentResource | undefined {
  const text = read();
  if (text === undefined) return undefined;
  const size = Buffer.byteLength(text);
  return { ...document, description: describe(Math.ceil(size / 1000)), annotations: { audience }, size, text };
}

/** The sections of the protocol; empty when there is no protocol. */
export function protocolSections({ published }: Pick<FeatureContext, 'published'>): ReadonlyMap<string, string> {
  return sectionsOf(published?.protocol() ?? '');
}

/** The complete description of one tool: its enforced request schema and its complete response schema. */
export function toolDocument({ catalogue, roles, published }: FeatureContext, name: string): string | undefined {
  const entry = catalogue.find(name);
  if (entry === undefined) return undefined;
  const { operation, tool } = entry;
  const { id, method, path, family, summary, description, access, effect, operational, examples } = operation;
  return JSON.stringify({
    tool: tool.name,
    call: `${method} ${path}`,
    family,
    summary,
    description,
    access: { class: access, anyone: isForAnyone(access), roles: roles[access] ?? [], owner: true },
    effect,
    operational,
    accepts_idempotency_key: operation.acceptsIdempotencyKey,
    request: withRevision(operation),
    tool_arguments: toolOnlyArguments(entry),
    response: operation.dataSchema ?? published?.dataSchema(id) ?? operation.outputSchema,
    examples,
  });
}

/** The arguments that exist only on the tool, not in the HTTP request. */
function toolOnlyArguments({ operation, tool }: CatalogueEntry): object {
  const request = (operation.requestSchema.properties ?? {}) as object;
  const all = Object.entries((tool.inputSchema.properties ?? {}) as object);
  return Object.fromEntries(all.filter(([name]) => !(name in request)));
}

/** The enforced schema leaves `expected_revision` optional, because its absence has its own error (428). */
function withRevision({ requestSchema, requiresRevision }: Operation): object {
  const required = (requestSchema.required as readonly string[] | undefined) ?? [];
  return requiresRevision ? { ...requestSchema, required: [...required, 'expected_revision'] } : requestSchema;
}
