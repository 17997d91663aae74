/** The shape of one compiled operation: a row of the contract, ready to be listed, checked and called. */
import type { FieldNames } from './response-fields.js';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** What a call does to the world (`x-effect`). `destroy`: irreversible, or takes value away. */
export type Effect = 'read' | 'append' | 'revise' | 'destroy';

/**
 * A field of `data`, with all that is below it. `*` is every item of a list or value of a map: `history.*.reason` is the
 * reason of every item of history.
 */
export type FieldPath = string;

export interface Example {
  readonly name: string;
  readonly value: { readonly [field: string]: unknown };
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** A field of the input that travels outside the body. */
export interface Parameter {
  /** The field of the input. */
  readonly field: string;
  /** What it is called on the wire. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  /** One `name=value` an item (OpenAPI's `explode`), or all of them in one, comma between. */
  readonly explode: boolean;
}

/** How the requests and answers of somebody else's API are shaped; ours are one JSON object and an envelope. */
export interface ImportedShape {
  readonly parameters: readonly Parameter[];
  /** The input field that is the whole body; without one, whatever is no parameter is a field of the body. */
  readonly bodyField?: string;
  /** No request body at all, even when fields are left. */
  readonly bodiless: boolean;
  /** What a JSON body is called, where that is not `application/json`: `application/merge-patch+json`. */
  readonly mediaType?: string;
  /** Answers are envelopes as in our contract; otherwise the JSON value of a success is `data` itself. */
  readonly enveloped: boolean;
}

/** Where a request says how much value it moves (`x-moves-value`). */
export interface ValueMoved {
  /** Amounts, in major units of the currency beside them. */
  readonly money: readonly FieldPath[];
  readonly points: readonly FieldPath[];
  /** Without any of these fields it moves what only the records know. */
  readonly untold: boolean;
}

export interface Operation {
  /** The path with `/` as `_`: `loyalty_policy_set`. */
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly family: string;
  readonly summary: string;
  readonly description: string;
  /** A class of the role table (`x-access`). */
  readonly access: string;
  readonly effect: Effect;
  /** `customer`: in their document; `vendor`: known from the vendor's pages; `extension`: ours. */
  readonly origin: string;
  /** Needs the facility and channel headers (contract §1). */
  readonly operational: boolean;
  readonly acceptsIdempotencyKey: boolean;
  readonly requiresRevision: boolean;
  /** A read that records failed attempts, and so needs the writer. */
  readonly countsFailures: boolean;
  /** Fields of `data` that leave the server once only, never in a replay. */
  readonly shownOnce: readonly string[];
  /** Fields of `data` that no preview can tell, because chance decides them (`x-unforeseen`). */
  readonly unforeseen?: readonly string[];
  /** Absent: it moves nothing of value. */
  readonly moves?: ValueMoved;
  /** Where `data` holds text that strangers wrote (`x-untrusted`). */
  readonly untrusted: readonly FieldPath[];
  /** The maps there whose keys strangers chose too. */
  readonly untrustedKeys: readonly FieldPath[];
  /** Where, within that, the schema promises ids, times and words from a list: a single word there is no stranger's. */
  readonly trusted?: readonly FieldPath[];
  /** Where `data` holds personal data (`x-personal`). */
  readonly personal: readonly FieldPath[];
  /** What agents are shown: every `$ref` inlined, no union at the root. */
  readonly inputSchema: JsonSchema;
  /** What is enforced: the same, with root unions, and without `expected_revision` in `required` (428, not 400). */
  readonly requestSchema: JsonSchema;
  /** The success shape without `build` and `stats`; nested records are left open to keep the tool list small. */
  readonly outputSchema: JsonSchema;
  /** The names in the `data` of a read, for whoever wants only some of them; where they are known, all of them. */
  readonly answerFields?: FieldNames | undefined;
  readonly examples: readonly Example[];
  /** Only on operations of somebody else's document. */
  readonly imported?: ImportedShape;
  /** The schema of `data`, where it is at hand: other documents', whose marks nobody compiled. */
  readonly dataSchema?: JsonSchema;
}

/** Access class → roles that pass (`x-roles`). An active owner passes all. */
export type RoleTable = { readonly [access: string]: readonly string[] };

export interface Contract {
  readonly version: string;
  readonly roles: RoleTable;
  readonly operations: readonly Operation[];
}
