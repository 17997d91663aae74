/** The port between the pipeline and a backend: who is calling, and do this. Types only. */
import type { Grants } from './access.js';
import type { Operation } from './operation.js';

/** Made once per call; nothing behind the pipeline reads a clock. */
export interface Stamp {
  readonly request_id: string;
  readonly trace_id: string;
  /** Milliseconds since the epoch. */
  readonly epoch_ms: number;
  /** The same instant, ISO-8601 UTC with milliseconds. */
  readonly now: string;
}

/** What the caller sent to prove who they are. Secrets: never logged, never answered. */
export interface Credentials {
  readonly orgcode: string;
  readonly kind: 'session' | 'api_key';
  readonly secret: string;
}

export type OrgStatus = 'verified' | 'unverified' | 'suspended';

export interface Caller extends Grants {
  readonly orgcode: string;
  readonly org_status: OrgStatus;
  /** `user_guid:<id>` or `service_account_guid:<id>`. */
  readonly actor: string;
  readonly context_source: 'session' | 'api_key';
  /** First 16 hex digits of the SHA-256 of the credential. */
  readonly fingerprint: string;
}

/** Where the call happens, in the business: facility, channel, cost code. */
export interface CallContext {
  readonly logical_guid?: string;
  readonly channel_code?: string;
  readonly cccode?: string;
}

export type Input = { readonly [field: string]: unknown };

export interface Performance {
  readonly operation: Operation;
  /** Validated, and without `idempotency_key` unless the caller gave one. */
  readonly input: Input;
  readonly caller: Caller;
  readonly context: CallContext;
  readonly stamp: Stamp;
}

export interface Performed {
  readonly data: object;
  readonly revision?: number;
  /** True when this is the recorded answer to an earlier, identical call. */
  readonly replayed?: boolean;
}

export interface Backend {
  readonly kind: 'store' | 'gateway';
  /** @throws CrmError 401 `crm.credentials_invalid`, or the 404 of contract §1 for every way of not belonging. */
  identify(credentials: Credentials, stamp: Stamp): Caller | Promise<Caller>;
  /** @throws CrmError for a refusal of the domain; `replayed` on it when it is a recorded one. */
  perform(performance: Performance): Promise<Performed>;
  close(): Promise<void>;
}
