/**
 * `resources/list`, `resources/templates/list`, `resources/read`: documents for anyone, records for whoever may call
 * the tool that reads them. A refusal says what the tool would have said.
 */
import {
  type CallToolResult,
  type ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import type { ErrorObject } from '../contract/envelope.js';
import type { CallHeaders } from '../pipeline/headers.js';
import {
  type DocumentResource,
  type DocumentResources,
  documentsOf,
  protocolSections,
  toolDocument,
} from './document-resources.js';
import {
  callableNames,
  describeError,
  errorOf,
  type FeatureContext,
  PRIVATE_MINUTE,
  type RegisterFeature,
  toProtocolError,
} from './feature-context.js';
import { type RecordResource, readRequestOf, recordsOf, variablesOf } from './record-resources.js';
import { matchUriTemplate, parseUriTemplate, uriSegments } from './resource-uri.js';

/** Documents change with the program alone. */
const PUBLIC_HOUR = { ttlMs: 3_600_000, cacheScope: 'public' } as const;
const NEVER_KEPT = { ttlMs: 0, cacheScope: 'private' } as const;

export const TOOL_DOCUMENT = 'crm://openapi/{tool}';
export const SECTION = 'crm://protocol/{section}';
const toolTemplate = parseUriTemplate(TOOL_DOCUMENT);
const sectionTemplate = parseUriTemplate(SECTION);
const JSON_TYPE = 'application/json';
const MARKDOWN = 'text/markdown';

/** Prepares the tables once; what it answers registers the methods on a server. */
export function createResources(face: FeatureContext): RegisterFeature {
  const documents = documentsOf(face);
  const records = recordsOf(face);
  return (server, headersOf) => {
    server.setRequestHandler('resources/list', (_request, context) => {
      const headers = headersOf(context);
      return face.guard(headers, async () => {
        const found = [...documents.values()].flatMap((open) => open() ?? []);
        const readable = await readableBy(face, records, headers);
        const whole = readable.filter((record) => variablesOf(record).length === 0);
        return { resources: [...found.map(documentEntry), ...whole.map(recordEntry)], ...PRIVATE_MINUTE };
      });
    });
    server.setRequestHandler('resources/templates/list', (_request, context) => {
      const headers = headersOf(context);
      return face.guard(headers, async () => {
        const readable = await readableBy(face, records, headers);
        const open = readable.filter((record) => variablesOf(record).length > 0);
        const whole = documents.get('crm://protocol')?.() === undefined ? [] : [SECTION_ENTRY];
        return { resourceTemplates: [...whole, TOOL_ENTRY, ...open.map(templateEntry)], ...PRIVATE_MINUTE };
      });
    });
    server.setRequestHandler('resources/read', ({ params }, context) => {
      const headers = headersOf(context);
      return face.guard(headers, () => read(face, documents, records, params.uri, headers));
    });
  };
}

async function readableBy(face: FeatureContext, records: readonly RecordResource[], headers: CallHeaders) {
  const callable = await callableNames(face, headers);
  return records.filter(({ tool }) => callable.has(tool));
}

function documentEntry({ text: _, ...entry }: DocumentResource) {
  return entry;
}

function recordEntry({ address, name, title, description }: RecordResource) {
  return { uri: address, name, title, description, mimeType: JSON_TYPE };
}

function templateEntry({ address, ...record }: RecordResource) {
  const { uri: _, ...entry } = recordEntry({ address, ...record });
  return { uriTemplate: address, ...entry };
}

const SECTION_ENTRY = {
  uriTemplate: SECTION,
  name: 'section',
  title: 'One section of the protocol',
  description: 'One section of crm://protocol, by its heading with hyphens: paging, error-atlas, consent-gates',
  mimeType: MARKDOWN,
};

const TOOL_ENTRY = {
  uriTemplate: TOOL_DOCUMENT,
  name: 'tool',
  title: 'One tool',
  description: 'One tool whole: every field it takes and answers, with bounds, roles, examples',
  mimeType: JSON_TYPE,
};

async function read(
  face: FeatureContext,
  documents: DocumentResources,
  records: readonly RecordResource[],
  uri: string,
  headers: CallHeaders,
): Promise<ReadResourceResult> {
  const pieces = uriSegments(uri);
  if (pieces === undefined) throw new ResourceNotFoundError(uri);
  const document = documents.get(uri)?.();
  if (document !== undefined) return contents(uri, document.mimeType, document.text, PUBLIC_HOUR);
  const tool = matchUriTemplate(toolTemplate, pieces)?.tool;
  const told = tool === undefined ? undefined : toolDocument(face, tool);
  if (told !== undefined) return contents(uri, JSON_TYPE, told, PUBLIC_HOUR);
  const section = matchUriTemplate(sectionTemplate, pieces)?.section;
  const text = section === undefined ? undefined : protocolSections(face).get(section);
  if (text !== undefined) return contents(uri, MARKDOWN, text, PUBLIC_HOUR);
  const reading = readRequestOf(records, pieces);
  const running = reading && face.call(reading.tool, reading.args, headers);
  if (running === undefined) throw new ResourceNotFoundError(uri);
  return recordContents(uri, await running);
}

/** The very text a model would read from the tool, marks and notice included. */
function recordContents(uri: string, result: CallToolResult): ReadResourceResult {
  const refusal = errorOf(result);
  if (refusal !== undefined) throw toResourceError(uri, refusal);
  const [block] = result.content;
  const text = block?.type === 'text' ? block.text : '';
  return {
    ...contents(uri, JSON_TYPE, text, NEVER_KEPT),
    ...(result._meta === undefined ? {} : { _meta: result._meta }),
  };
}

function contents(uri: string, mimeType: string, text: string, cache: typeof PUBLIC_HOUR | typeof NEVER_KEPT) {
  return { contents: [{ uri, mimeType, text }], ...cache };
}

/** What is absent, another tenant's or behind a PIN is one and the same: a resource that is not found. */
function toResourceError(uri: string, error: ErrorObject): ProtocolError {
  if (error.http_status === 404) return new ResourceNotFoundError(uri, describeError(error));
  const later = error.http_status === 429 || error.http_status >= 500;
  return toProtocolError(later ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams, error);
}
