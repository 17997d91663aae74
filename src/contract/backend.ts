/** The port between the pipeline and a backend: who is calling, and do this. Types only. */
import type { Grants } from './access.js';
import type { Envelope } from './envelope.js';
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
  /** Known from an earlier call: good enough to admit, never to refuse. */
  readonly cached?: true;
}

/** Where the call happens, in the business: facility, channel, cost code. */
export interface OperatingContext {
  readonly logical_guid?: string;
  readonly channel_code?: string;
  readonly cccode?: string;
}

export type Input = { readonly [field: string]: unknown };

export interface BackendCall {
  readonly operation: Operation;
  /** Validated, and without `idempotency_key` unless the caller gave one. */
  readonly input: Input;
  readonly caller: Caller;
  /** As the caller sent them. Only a backend that forwards them looks at them. */
  readonly credentials: Credentials;
  readonly context: OperatingContext;
  readonly stamp: Stamp;
  /** Aborted when the client went away: a read may stop, a write may not. */
  readonly signal?: AbortSignal;
}

export interface BackendResult {
  readonly data: object;
  readonly revision?: number;
  /** True when this is the recorded answer to an earlier, identical call. */
  readonly replayed?: boolean;
}

/** What a call would do, told without doing it. */
export interface BackendPreview {
  readonly preview: {
    /** Its answer, but for what is shown once, and for names that would be others the next time: those are null. */
    readonly data: object;
    /** The record it is about, as the caller may read it, where there is one. */
    readonly before?: object;
    readonly after?: object;
  };
}

/** The whole answer of another server, refusals too: it goes on to the caller as it came. */
export interface RelayedEnvelope {
  readonly envelope: Envelope;
}

export interface Backend {
  readonly kind: 'store' | 'gateway';
  /**
   * Who is calling; `anew` asks whoever knows, even when the answer is remembered.
   * @throws CrmError 401 `crm.credentials_invalid`, or the 404 of contract §1 for every way of not belonging.
   */
  identify(credentials: Credentials, stamp: Stamp, anew?: boolean): Caller | Promise<Caller>;
  /** @throws CrmError for a refusal of the domain; `replayed` on it when it is a recorded one. */
  perform(performance: BackendCall): Promise<BackendResult | RelayedEnvelope>;
  /**
   * What `perform` would do now, without doing it; or, of a call that would change nothing, its answer. Absent where
   * nobody can tell beforehand.
   * @throws CrmError as `perform` does, and then it is the call's own answer: failures are counted, receipts kept.
   */
  preview?(performance: BackendCall): Promise<BackendResult | BackendPreview>;
  /** Whether calls would be answered, as far as this process alone can tell; absent: always. May throw for no. */
  isReady?(): boolean | Promise<boolean>;
  close(): Promise<void>;
}
