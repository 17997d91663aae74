/** Envelope → MCP tool result. Errors travel as text, which is what every client shows the model. */
import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Envelope } from '../contract/envelope.js';

/** `build` and `stats` ride in `_meta`; the model reads the rest. */
export function toResult(envelope: Envelope): CallToolResult {
  const { build, stats, ...rest } = envelope;
  const text = JSON.stringify(envelope.success ? rest : envelope.error);
  const _meta = { build, stats };
  // v1 clients throw on structuredContent of an error, and the model would never see it: text only.
  return envelope.success
    ? { content: [{ type: 'text', text }], structuredContent: rest, _meta }
    : { content: [{ type: 'text', text }], isError: true, _meta };
}
