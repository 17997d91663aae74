/** The types of handlers, which make the compiler require one for every operation, and the context they work in. */

import type { Caller, OperatingContext, Stamp } from '../../contract/backend.js';
import type { CrmError } from '../../contract/errors.js';
import type { families, operations } from '../../contract/generated/openapi.js';
import type { Keys } from '../../secrets/keys.js';
import type { Dialect } from './dialect.js';
import type { SearchIndex } from './search-index.js';
import type { Steps } from './step.js';

export interface Settings {
  /** Region for phone numbers without a country code, ISO 3166-1 alpha-2. */
  readonly defaultRegion: string;
  /** Identifiers that must be unique among an org's non-terminal customers. */
  readonly uniqueCustomerFields: readonly ('email' | 'phone')[];
}

/** Everything a handler may use besides its input. Handlers read no clock and make no random values of their own. */
export interface Context {
  readonly orgcode: string;
  readonly caller: Caller;
  readonly stamp: Stamp;
  /** The time by which idempotency records expire; never later than the stamp. See retention-clock.ts. */
  readonly retentionNow: string;
  readonly operatingContext: OperatingContext;
  readonly settings: Settings;
  readonly keys: Keys;
  readonly dialect: Dialect;
  readonly search: SearchIndex;
  /** A time-ordered UUIDv7 with the time of this call. */
  newId(): string;
  randomBytes(count: number): Uint8Array;
  /** Whether the caller has an access class beyond the operation's own (`unmasked`, `moderate`). */
  permits(access: string): boolean;
}

/** The result of a change, and what the journal records about it. */
export interface Written<Data> {
  readonly data: Data;
  readonly target_id: string;
  readonly revision_before?: number;
  /** Names, never values, of the changed fields; without any (a dry run) no journal row is written. */
  readonly fields: readonly string[];
}

/** An error whose writes are committed (a counted failure). A thrown `CrmError` rolls everything back instead. */
export interface RejectedWrite {
  readonly error: CrmError;
}

type OperationId = keyof operations;
type Json<Content> = Content extends { content: { 'application/json': infer Body } } ? Body : Record<string, never>;
export type InputOf<Id extends OperationId> = operations[Id] extends { requestBody: infer Body } ? Json<Body> : object;
export type DataOf<Id extends OperationId> =
  Json<operations[Id]['responses'][200]> extends { data: infer Data } ? Data : never;

type Outcome<Id extends OperationId, Effect> = Effect extends 'read' ? DataOf<Id> : Written<DataOf<Id>>;

type HandlerOf<Row> = Row extends [infer Id extends OperationId, infer Effect]
  ? (cx: Context, input: InputOf<Id>) => Steps<Outcome<Id, Effect> | RejectedWrite>
  : never;

/** Exactly the operations of a family. */
export type Handlers<Family extends keyof families> = {
  readonly [Row in families[Family] as Row[0]]: HandlerOf<Row>;
};

/** A handler of any operation, without its input and output types, as the dispatcher calls it. */
export type AnyHandler = (cx: Context, input: object) => Steps<object>;

/** Every handler of the store, by operation id. */
export interface HandlerTable {
  readonly [operation: string]: AnyHandler | undefined;
}
