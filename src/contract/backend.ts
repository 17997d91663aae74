/** The port between the pipeline and a backend: identifying callers and performing calls. Types only. */
import type { Grants } from './access.js';
import type { Envelope } from './envelope.js';
import type { BackendMeasures } from './measures.js';
import type { Operation } from './operation.js';
import type { TraceSpan } from './trace.js';

/** Created once per call; no code behind the pipeline reads a clock. */
export interface Stamp {
  readonly request_id: string;
  readonly trace_id: string;
  /** What other systems recorded about the caller's trace (W3C Trace Context), passed on unchanged. */
  readonly tracestate?: string;
  /** The span that the work is part of, where traces are recorded. */
  readonly trace?: TraceSpan;
  /** Milliseconds since the epoch. */
  readonly epoch_ms: number;
  /** The same instant, ISO-8601 UTC with milliseconds. */
  readonly now: string;
}

/** The credentials that a header carries. */
export type SecretKind = 'session' | 'api_key';

/** The caller's credentials as sent. Secrets: never logged, never part of a response. */
export interface Credentials {
  readonly orgcode: string;
  readonly kind: SecretKind | 'oauth';
  /** For `oauth`, the key of the verified token: the token itself is not kept. */
  readonly secret: string;
  /** With the kind `oauth` alone. */
  readonly token?: VerifiedToken;
}

/** What a verified access token says about its user and client. It holds no secret. */
export interface VerifiedToken {
  /** One for all tokens of a user, a client and an issuer: sessions and limits belong to it. */
  readonly key: string;
  /** The user's name in the CRM; empty when the token names nobody. */
  readonly user: string;
  /** The scopes of the contract that the token has. */
  readonly scopes: readonly string[];
  /** The user's roles, where the identity provider decides about them. */
  readonly roles?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expires_ms: number;
}

export type OrgStatus = 'verified' | 'unverified' | 'suspended';

export interface Caller extends Grants {
  readonly orgcode: string;
  readonly org_status: OrgStatus;
  /** `user_guid:<id>` or `service_account_guid:<id>`. */
  readonly actor: string;
  readonly context_source: Credentials['kind'];
  /** First 16 hex digits of the SHA-256 of the credential. */
  readonly fingerprint: string;
  /** What the caller's access token was issued for; absent: whatever the roles permit. */
  readonly scopes?: readonly string[];
  /** Remembered from an earlier call: sufficient to admit a call, never to reject one. */
  readonly cached?: true;
}

/** The operating context of a call: facility, channel and cost code. */
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
  /** As the caller sent them. Only a backend that forwards them reads them. */
  readonly credentials: Credentials;
  readonly context: OperatingContext;
  readonly stamp: Stamp;
  /** Aborted when the client disconnects: a read may stop, a write may not. */
  readonly signal?: AbortSignal;
}

export interface BackendResult {
  readonly data: object;
  readonly revision?: number;
  /** True when this is the stored response to an earlier, identical call. */
  readonly replayed?: boolean;
}

/** What a call would do, from a dry run. */
export interface BackendPreview {
  readonly preview: {
    /** The response the call would have; fields shown only once and ids that differ on each run are null. */
    readonly data: object;
    /** The affected record, as the caller may read it, if there is one. */
    readonly before?: object;
    readonly after?: object;
  };
}

/** The complete response of an upstream, errors included; it is passed to the caller unchanged. */
export interface RelayedEnvelope {
  readonly envelope: Envelope;
  readonly notice?: DeprecationNotice;
}

/** An upstream's announcement that an operation will end: its `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) headers. */
export interface DeprecationNotice {
  readonly deprecation?: string;
  readonly sunset?: string;
}

/** Whether calls can be served; a text says which of them cannot, while others can. */
export type Readiness = boolean | string;

export interface Backend {
  readonly kind: 'store' | 'gateway';
  /**
   * Identifies the caller. `fresh` looks the caller up again even when an earlier result is remembered.
   * @throws CrmError 401 `crm.credentials_invalid`, or the 404 of contract §1 for any caller outside the org.
   */
  identify(credentials: Credentials, stamp: Stamp, fresh?: boolean): Caller | Promise<Caller>;
  /**
   * Whether this server issued the credential itself and knows it, whatever the upstream makes of the one held behind
   * it. Absent: the backend cannot tell apart from identifying the caller.
   */
  issued?(credentials: Credentials): boolean;
  /** @throws CrmError for an error of the domain; it has `replayed` when it is a stored one. */
  perform(call: BackendCall): Promise<BackendResult | RelayedEnvelope>;
  /**
   * What `perform` would do now, from a dry run; for a call that would change nothing, its result. Absent when the
   * backend supports no dry run.
   * @throws CrmError as `perform` does. The error is the call's own response: failures are counted and idempotency
   * records kept.
   */
  preview?(call: BackendCall): Promise<BackendResult | BackendPreview>;
  /** Whether calls can be served, as far as this process can tell; absent: always. May throw to report no. */
  isReady?(): Readiness | Promise<Readiness>;
  /** What the backend counts of its own work; absent: nothing. */
  measures?(): BackendMeasures;
  close(): Promise<void>;
}
