/** The types of a compiled contract: its operations, ready to be listed, validated and called. */
import type { FieldNames } from './response-fields.js';

export type JsonSchema = { readonly [keyword: string]: unknown };

/** What a call does to the data (`x-effect`). `destroy`: irreversible, or takes value away. */
export type Effect = 'read' | 'append' | 'revise' | 'destroy';

/**
 * A dotted path to a field of `data`, including everything below it. `*` is every item of a list or value of a map:
 * `history.*.reason` is the reason of every item of history.
 */
export type FieldPath = string;

export interface Example {
  readonly name: string;
  readonly value: { readonly [field: string]: unknown };
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** A field of the input that is sent outside the body. */
export interface Parameter {
  /** The field of the input. */
  readonly field: string;
  /** Its name on the wire. */
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  /** One `name=value` pair per item (OpenAPI's `explode`), or one value with all items. */
  readonly explode: boolean;
  /** What separates the items of one value; by default a comma. */
  readonly delimiter?: ' ' | '|';
  /** Characters that may stand in a query, such as `/` and `:`, are not percent-encoded (OpenAPI's `allowReserved`). */
  readonly allowReserved?: true;
}

/** Where a request carries the caller's credential. */
export interface CredentialPlace {
  readonly in: 'header' | 'query' | 'cookie' | 'nowhere';
  /** Of a header in lower case. */
  readonly name: string;
  /** The HTTP scheme in front of the credential. */
  readonly scheme?: 'Bearer' | 'Basic';
}

/** How a field of a form or multipart body is written (OpenAPI's `encoding`). */
export interface BodyField {
  /** Its value is a file, or a list of files. */
  readonly file?: true;
  /** The media type, or a list of them: `image/png, image/*`. */
  readonly contentType?: string;
  readonly style?: 'form' | 'deepObject' | 'spaceDelimited' | 'pipeDelimited';
  readonly explode?: boolean;
  readonly allowReserved?: true;
}

/** How requests and responses of an imported operation are shaped; ours are one JSON object and an envelope. */
export interface ImportedShape {
  readonly parameters: readonly Parameter[];
  /** The input field that is the whole body; when absent, every input field that is no parameter is a body field. */
  readonly bodyField?: string;
  /** The request has no body, even when fields are left over. */
  readonly bodiless: boolean;
  /** The media type of the body when it is not `application/json`. */
  readonly mediaType?: string;
  /** How a body that is not JSON is written; `bytes` and the files of `multipart` are given as text or base64. */
  readonly bodyFormat?: 'form' | 'multipart' | 'text' | 'bytes';
  /** The fields of a form or multipart body that are not written in the default way. */
  readonly bodyFields?: { readonly [field: string]: BodyField };
  /** Without any of its fields, the request has no body. */
  readonly bodyOptional?: true;
  /** Absent for the headers of the contract: `x-session-guid` or `x-api-key`. */
  readonly credential?: CredentialPlace;
  /** Responses are envelopes as in our contract; otherwise the JSON value of a success is `data` itself. */
  readonly enveloped: boolean;
}

/** The request fields that state how much value a call moves (`x-moves-value`). */
export interface ValueMoved {
  /** Amounts, in major units of the currency next to them. */
  readonly money: readonly FieldPath[];
  readonly points: readonly FieldPath[];
  /** When none of these fields is given, the call moves an amount that only the records determine. */
  readonly untold: boolean;
}

/** Request field → the field of `data` that repeats its value. */
export type RecordIds = { readonly [field: string]: FieldPath };

/** How the command line client names an operation (`x-cli`), where that does not follow from its path. */
export interface CliNames {
  /** The words of the command: `comment add`. */
  readonly command?: string;
  /** The request field that can be given without a flag. */
  readonly argument?: string;
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
  /** `customer`: in the customer's document; `vendor`: known from the vendor's pages; `extension`: ours. */
  readonly origin: string;
  /** Other words for what it does (`x-keywords`); only the search of operations knows them. */
  readonly keywords?: readonly string[];
  /** Needs the facility and channel headers (contract §1). */
  readonly operational: boolean;
  readonly acceptsIdempotencyKey: boolean;
  readonly requiresRevision: boolean;
  /** A read that records failed attempts and therefore needs the writer. */
  readonly countsFailures: boolean;
  /** Fields of `data` that are returned only once, never in a replay. */
  readonly shownOnce: readonly string[];
  /** Fields of `data` that a preview cannot contain, because they are random (`x-unforeseen`). */
  readonly unforeseen?: readonly string[];
  /** Absent when the call moves nothing of value. */
  readonly moves?: ValueMoved;
  /** The parts of `data` that are untrusted text (`x-untrusted`). */
  readonly untrusted: readonly FieldPath[];
  /** The maps within these parts whose keys are untrusted too. */
  readonly untrustedKeys: readonly FieldPath[];
  /**
   * The fields within these parts for which the schema promises ids, times or enum values: single words are trusted.
   */
  readonly trusted?: readonly FieldPath[];
  /** The fields of `data` that hold the code of the org a record belongs to (`x-org`). */
  readonly orgcodes?: readonly FieldPath[];
  /** Request fields that hold the id of a record, each with the field of `data` that repeats it (`x-record-id`). */
  readonly recordIds?: RecordIds;
  /** The parts of `data` that are personal data (`x-personal`). */
  readonly personal: readonly FieldPath[];
  /** The schema shown to agents: every `$ref` inlined, no union at the root. */
  readonly inputSchema: JsonSchema;
  /** The enforced schema: with root unions, and without `expected_revision` in `required` (428, not 400). */
  readonly requestSchema: JsonSchema;
  /** The success shape without `build` and `stats`; nested records are left open to keep the tool list small. */
  readonly outputSchema: JsonSchema;
  /** The field names in the `data` of a read, for field selection; undefined when they are not known completely. */
  readonly answerFields?: FieldNames | undefined;
  readonly examples: readonly Example[];
  readonly cli?: CliNames;
  /** Only on operations of an imported OpenAPI document. */
  readonly imported?: ImportedShape;
  /** The schema of `data`; only on imported operations, whose annotations are not compiled in advance. */
  readonly dataSchema?: JsonSchema;
}

/** Access class → roles that pass it (`x-roles`). An active owner passes every class. */
export type RoleTable = { readonly [access: string]: readonly string[] };

export interface Contract {
  readonly version: string;
  readonly roles: RoleTable;
  readonly operations: readonly Operation[];
}
