/** Where the calls of the client go: to a server over HTTP, or to a database on this machine. */
import type { Input, OperatingContext } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';

export interface CrmRequest {
  readonly operation: Operation;
  readonly input: Input;
}

export interface CrmClient {
  /** Where calls go, for people: a URL or a file. */
  readonly name: string;
  /** Sends a request and returns the envelope of its answer, an error's too; of no answer as well. */
  send(request: CrmRequest): Promise<Envelope>;
  close(): Promise<void>;
}

/** Who calls, and in which operating context. The credential is secret. */
export interface CallerOfClient {
  readonly orgcode: string;
  readonly credential: { readonly kind: 'session' | 'apiKey'; readonly secret: string };
  readonly context: OperatingContext;
}
