/**
 * `resources/list`, `resources/templates/list`, `resources/read`: documents for any caller, records for callers who may
 * call the tool that reads them. An error has the same content as the tool's error.
 */
import {
  type CallToolResult,
  type ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ErrorObject } from '../contract/envelope.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { CUSTOMER_APP_URI, showsApps } from './apps.js';
import { capabilitiesOf } from './client-capabilities.js';
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
  PRIVATE_ONE_MINUTE,
  type RegisterFeature,
  toProtocolError,
} from './feature-context.js';
import { type RecordResource, readRequestOf, recordsOf, variablesOf } from './record-resources.js';
import { matchUriTemplate, parseUriTemplate, uriSegments } from './resource-uri.js';

/** Documents change only with a new version of the program. */
const PUBLIC_HOUR = { ttlMs: 3_600_000, cacheScope: 'public' } as const;
const NOT_CACHED = { ttlMs: 0, cacheScope: 'private' } as const;

export const TOOL_TEMPLATE = 'crm://openapi/{tool}';
export const SECTION_TEMPLATE = 'crm://protocol/{section}';
const toolTemplate = parseUriTemplate(TOOL_TEMPLATE);
const sectionTemplate = parseUriTemplate(SECTION_TEMPLATE);
const JSON_TYPE = 'application/json';
const MARKDOWN = 'text/markdown';

/** Prepares the tables once; the returned function registers the methods on a server. */
export function createResources(features: FeatureContext): RegisterFeature {
  const documents = documentsOf(features);
  const records = recordsOf(features);
  return (server, headersOf) => {
    const appFor = (context: ServerContext) =>
      showsApps(capabilitiesOf(context, server.getClientCapabilities())) ? features.app : undefined;
    server.setRequestHandler('resources/list', (_request, context) => {
      const headers = headersOf(context);
      return features.guard(headers, async () => {
        const available = [...documents.values()].flatMap((open) => open() ?? []);
        const callable = await callableNames(features, headers);
        const withoutVariables = readableBy(callable, records).filter((record) => variablesOf(record).length === 0);
        const app = appFor(context)?.entry(callable) ?? [];
        return {
          resources: [...available.map(documentEntry), ...withoutVariables.map(recordEntry), app].flat(),
          ...PRIVATE_ONE_MINUTE,
        };
      });
    });
    server.setRequestHandler('resources/templates/list', (_request, context) => {
      const headers = headersOf(context);
      return features.guard(headers, async () => {
        const readable = readableBy(await callableNames(features, headers), records);
        const open = readable.filter((record) => variablesOf(record).length > 0);
        const withoutVariables = documents.get('crm://protocol')?.() === undefined ? [] : [SECTION_ENTRY];
        return {
          resourceTemplates: [...withoutVariables, TOOL_ENTRY, ...open.map(templateEntry)],
          ...PRIVATE_ONE_MINUTE,
        };
      });
    });
    server.setRequestHandler('resources/read', ({ params }, context) => {
      const headers = headersOf(context);
      return features.guard(headers, async () => {
        const app = params.uri === CUSTOMER_APP_URI ? appFor(context) : undefined;
        if (app !== undefined) return { contents: [await app.content()], ...PUBLIC_HOUR };
        return read(features, documents, records, params.uri, headers);
      });
    });
  };
}

function readableBy(callable: ReadonlySet<string>, records: readonly RecordResource[]): readonly RecordResource[] {
  return records.filter(({ tool }) => callable.has(tool));
}

function documentEntry({ text: _, ...entry }: DocumentResource) {
  return entry;
}

function recordEntry({ uri, name, title, description }: RecordResource) {
  return { uri, name, title, description, mimeType: JSON_TYPE };
}

function templateEntry(record: RecordResource) {
  const { uri, ...entry } = recordEntry(record);
  return { uriTemplate: uri, ...entry };
}

const SECTION_ENTRY = {
  uriTemplate: SECTION_TEMPLATE,
  name: 'section',
  title: 'One section of the protocol',
  description: 'One section of crm://protocol, by its heading with hyphens: paging, error-atlas, consent-gates',
  mimeType: MARKDOWN,
};

const TOOL_ENTRY = {
  uriTemplate: TOOL_TEMPLATE,
  name: 'tool',
  title: 'One tool',
  description: 'One tool whole: every field it takes and answers, with bounds, roles, examples',
  mimeType: JSON_TYPE,
};

async function read(
  features: FeatureContext,
  documents: DocumentResources,
  records: readonly RecordResource[],
  uri: string,
  headers: CallHeaders,
): Promise<ReadResourceResult> {
  const segments = uriSegments(uri);
  if (segments === undefined) throw new ResourceNotFoundError(uri);
  const document = documents.get(uri)?.();
  if (document !== undefined) return contents(uri, document.mimeType, document.text, PUBLIC_HOUR);
  const tool = matchUriTemplate(toolTemplate, segments)?.tool;
  const toolText = tool === undefined ? undefined : toolDocument(features, tool);
  if (toolText !== undefined) return contents(uri, JSON_TYPE, toolText, PUBLIC_HOUR);
  const section = matchUriTemplate(sectionTemplate, segments)?.section;
  const text = section === undefined ? undefined : protocolSections(features).get(section);
  if (text !== undefined) return contents(uri, MARKDOWN, text, PUBLIC_HOUR);
  const readRequest = readRequestOf(records, segments);
  const pendingResult = readRequest && features.call(readRequest.tool, readRequest.args, headers);
  if (pendingResult === undefined) throw new ResourceNotFoundError(uri);
  return recordContents(uri, await pendingResult);
}

/** The same text that the tool returns to a model, boundary markers and notice included. */
function recordContents(uri: string, result: CallToolResult): ReadResourceResult {
  const error = errorOf(result);
  if (error !== undefined) throw toResourceError(uri, error);
  const [block] = result.content;
  const text = block?.type === 'text' ? block.text : '';
  return {
    ...contents(uri, JSON_TYPE, text, NOT_CACHED),
    ...(result._meta === undefined ? {} : { _meta: result._meta }),
  };
}

function contents(uri: string, mimeType: string, text: string, cache: typeof PUBLIC_HOUR | typeof NOT_CACHED) {
  return { contents: [{ uri, mimeType, text }], ...cache };
}

/**
 * A record that is absent, belongs to another org or needs a PIN is always reported as a resource that is not found.
 */
function toResourceError(uri: string, error: ErrorObject): ProtocolError {
  if (error.http_status === 404) return new ResourceNotFoundError(uri, describeError(error));
  const serverSide = error.http_status === 429 || error.http_status >= 500;
  return toProtocolError(serverSide ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams, error);
}
