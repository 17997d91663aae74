/**
 * Sessions of Streamable HTTP, for clients of the 2025 eras: a server each, and streams that can be taken up again.
 * Not: how many there may be and whose they are (registry.ts), what is kept of a stream (event-log.ts).
 */
import {
  type McpServerFactory,
  type Server,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { CrmError } from '../contract/errors.js';
import { canAsk } from '../mcp/elicitation.js';
import type { EventLog } from './event-log.js';
import type { ManagedConnection } from './session-registry.js';

export const SESSION_ID = 'mcp-session-id';

export interface SessionOptions {
  readonly factory: McpServerFactory;
  readonly log: EventLog;
  readonly maxBodyBytes: number;
  readonly onError: (error: Error) => void;
}

export interface Session extends ManagedConnection {
  /** Whether the client has said that it has somebody who can be asked. */
  readonly hasUser: boolean;
  /** Answers a request; the first must be `initialize`, and when it was no good the session has ended. */
  fetch(request: Request, message: unknown): Promise<Response>;
}

/** Clients whose stream broke off come back after this. */
const RETRY_MS = 1000;

/** A session under `id`; `over` is called when its client ends it. */
export function openSession(id: string, over: () => void, options: SessionOptions): Session {
  const { factory, log, maxBodyBytes, onError } = options;
  const events = log.openSession();
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => id,
    eventStore: events,
    retryInterval: RETRY_MS,
    maxRequestBodySize: maxBodyBytes,
  });
  let server: Server | undefined;
  const end = () => {
    events.drop();
    transport.close().catch(onError);
    over();
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

/** 404 for every way of not having the session: none, somebody else's, one that is over. */
export function sessionNotFound(): CrmError {
  return new CrmError({
    code: 'crm.session_not_found',
    tag: 'not-found',
    message: 'There is no such session. Open a new one with initialize.',
  });
}
