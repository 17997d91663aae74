/** Envelope → MCP tool result. Errors travel as text, which is what every client shows the model. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Envelope, ErrorObject } from '../contract/envelope.js';
import { jsonWithMarkers, type MintBoundary } from './boundary-markers.js';
import { cleanData, cleanWhole, fieldsAt, type UntrustedFields, WHOLE } from './untrusted-content.js';

/** What a tool answers, as every door sends it. */
export type ToolResult = CallToolResult;

/** What stands beside the data of a success: what was cut from it, and how to go on. */
export interface ResultNotes {
  readonly truncated?: readonly object[];
  readonly next_steps?: readonly string[];
}

/** `build` and `stats` ride in `_meta`; the model reads the rest. */
export function toToolResult(
  envelope: Envelope,
  fields: UntrustedFields,
  mint: MintBoundary,
  beside: ResultNotes = {},
): CallToolResult {
  const { build, stats, ...rest } = envelope;
  const _meta = { build, stats };
  if (rest.success) {
    const structuredContent = { ...rest, data: cleanData(rest.data, fields), ...beside };
    const text = jsonWithMarkers(structuredContent, { data: fields }, mint());
    return { content: [{ type: 'text', text }], structuredContent, _meta };
  }
  // v1 clients throw on structuredContent of an error, and the model would never see it: text only.
  const marked = { conflict_snapshot: fields, ...('preview' in (rest.error.details ?? {}) ? previewed(fields) : {}) };
  const text = jsonWithMarkers(cleanError(rest.error, fields), marked, mint());
  return { content: [{ type: 'text', text }], isError: true, _meta };
}

/** A preview tells of a record that may be of another shape, so all of what changes in it counts as strangers' text. */
function previewed(fields: UntrustedFields) {
  return { details: fieldsAt({ preview: fieldsAt({ changes: WHOLE, result: fields }) }) };
}

/** A snapshot has the shape of the operation's data. `details` may echo the request, where anything can stand. */
function cleanError(error: ErrorObject, fields: UntrustedFields): ErrorObject {
  const { details, conflict_snapshot } = error;
  return {
    ...error,
    ...(details === undefined ? {} : { details: cleanWhole(details) }),
    ...(conflict_snapshot === undefined ? {} : { conflict_snapshot: cleanData(conflict_snapshot, fields) }),
  };
}
