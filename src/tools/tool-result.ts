/** Converts an envelope to an MCP tool result. Errors are sent as text, which every client shows the model. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Envelope, ErrorObject } from '../contract/envelope.js';
import { jsonWithMarkers, type MintBoundary } from './boundary-markers.js';
import { cleanData, cleanWhole, fieldsAt, type UntrustedFields, WHOLE } from './untrusted-content.js';

/** The result of a tool call, as every transport sends it. */
export type ToolResult = CallToolResult;

/** Notes on a successful result: what was truncated, and how to continue. */
export interface ResultNotes {
  readonly truncated?: readonly object[];
  readonly next_steps?: readonly string[];
}

/** `build` and `stats` go into `_meta`; the model reads the rest. */
export function toToolResult(
  envelope: Envelope,
  fields: UntrustedFields,
  mint: MintBoundary,
  notes: ResultNotes = {},
): CallToolResult {
  const { build, stats, ...rest } = envelope;
  const _meta = { build, stats };
  if (rest.success) {
    const structuredContent = { ...rest, data: cleanData(rest.data, fields), ...notes };
    const text = jsonWithMarkers(structuredContent, { data: fields }, mint());
    return { content: [{ type: 'text', text }], structuredContent, _meta };
  }
  // v1 clients throw on an error with structuredContent, and the model would never see it: so errors are text only.
  const marked = {
    conflict_snapshot: fields,
    ...('preview' in (rest.error.details ?? {}) ? previewFields(fields) : {}),
  };
  const text = jsonWithMarkers(cleanError(rest.error, fields), marked, mint());
  return { content: [{ type: 'text', text }], isError: true, _meta };
}

/** A preview may describe a record of another shape, so everything in its changes counts as untrusted. */
function previewFields(fields: UntrustedFields) {
  return { details: fieldsAt({ preview: fieldsAt({ changes: WHOLE, result: fields }) }) };
}

/** A snapshot has the shape of the operation's data. `details` may echo the request, so all of it is untrusted. */
function cleanError(error: ErrorObject, fields: UntrustedFields): ErrorObject {
  const { details, conflict_snapshot } = error;
  return {
    ...error,
    ...(details === undefined ? {} : { details: cleanWhole(details) }),
    ...(conflict_snapshot === undefined ? {} : { conflict_snapshot: cleanData(conflict_snapshot, fields) }),
  };
}
