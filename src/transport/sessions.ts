/**
 * Sessions of Streamable HTTP, for clients of the 2025 protocol versions: one server per session, and streams that can
 * be resumed. Limits and ownership: session-registry.ts. Stored events: event-log.ts.
 */
import {
  type McpServerFactory,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { CrmError } from '../contract/errors.js';
import { canAsk } from '../mcp/elicitation.js';
import type { EventLog } from './event-log.js';
import { createIdsInFlight, type IdsInFlight } from './ids-in-flight.js';
import type { ManagedConnection } from './session-registry.js';

export const SESSION_ID = 'mcp-session-id';

export interface SessionOptions {
  readonly factory: McpServerFactory;
  readonly log: EventLog;
  readonly maxBodyBytes: number;
  readonly onError: (error: Error) => void;
}

export interface Session extends ManagedConnection {
  /** Whether the client declared that it can ask its user. */
  readonly hasUser: boolean;
  /** The negotiated protocol version. */
  readonly version: string | undefined;
  /** The client's requests without a response, on the fast path too. */
  readonly ids: IdsInFlight;
  /** Serves a request. The first must be `initialize`; the session ends when it fails. */
  fetch(request: Request, message: unknown): Promise<Response>;
}

/** Clients reconnect this long after their stream broke. */
const RETRY_MS = 1000;

/** Opens a session under `id`; `onEnd` is called when the session ends. */
export function openSession(id: string, onEnd: () => void, options: SessionOptions): Session {
  const { factory, log, maxBodyBytes, onError } = options;
  const events = log.openSession();
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => id,
    eventStore: events,
    retryInterval: RETRY_MS,
    maxRequestBodySize: maxBodyBytes,
  });
  const ids = createIdsInFlight();
  const send = transport.send.bind(transport);
  transport.send = (message, sendOptions) => {
    if (!('method' in message) && message.id !== undefined) ids.release(message.id);
    return send(message, sendOptions);
  };
  let server: Server | undefined;
  const end = () => {
    events.drop();
    transport.close().catch(onError);
    onEnd();
  };
  const start = async (requestInfo: Request) => {
    const made = await factory({ era: 'legacy', requestInfo });
    server = 'server' in made ? made.server : made;
    server.onerror = onError;
    server.onclose = end;
    await made.connect(transport);
  };
  let started: Promise<void> | undefined;
  return {
    get hasUser() {
      return canAsk(server?.getClientCapabilities());
    },
    get version() {
      return server?.getNegotiatedProtocolVersion();
    },
    ids,
    async fetch(request, message) {
      started ??= start(request);
      await started;
      const response = await transport.handleRequest(request, message === undefined ? {} : { parsedBody: message });
      if (transport.sessionId === undefined) end();
      return response;
    },
    end,
  };
}

/** 404 for every way of not having the session: it does not exist, has ended, or belongs to another caller. */
export function sessionNotFound(): CrmError {
  return new CrmError({
    code: 'crm.session_not_found',
    tag: 'not-found',
    message: 'There is no such session. Open a new one with initialize.',
  });
}
