/** Every limit on what is read of an imported OpenAPI document. */

/** Characters in the document. */
export const MAX_DOCUMENT_CHARACTERS = 20 * 1024 * 1024;
/** Objects, lists and values; a list of a million numbers has a million and one. */
export const MAX_DOCUMENT_VALUES = 2_000_000;
/** Levels of nesting in the text. */
export const MAX_DOCUMENT_DEPTH = 200;
export const MAX_ALIASES = 10_000;
export const MAX_MERGED_KEYS = 100_000;
/** Keys of one object. A schema with more counts as free-form. */
export const MAX_OBJECT_KEYS = 2_000;
export const MAX_OPERATIONS = 2_000;
export const MAX_PARAMETERS = 100;
/** Length of a chain of `$ref`s. */
export const MAX_REFERENCE_HOPS = 20;
/** Nesting of schemas, including references and unions, which are not levels of the value. */
export const MAX_SCHEMA_NESTING = 150;
export const MAX_BRANCHES = 100;
/** Values of an `enum` that are enforced; with more, any value of the type passes. */
export const MAX_ENUM_VALUES = 1_000;
/** Schemas read in total, over all operations. Operations beyond the limit are omitted. */
export const MAX_SCHEMAS_READ = 3_000_000;

/** Maximum size of one schema when every `$ref` is expanded: number of schemas, and levels of the value. */
export interface SchemaBounds {
  readonly schemas: number;
  readonly depth: number;
}
export const REQUEST_BOUNDS: SchemaBounds = { schemas: 600, depth: 8 };
export const RESPONSE_BOUNDS: SchemaBounds = { schemas: 3_000, depth: 12 };
/** An envelope, its data, the fields of the data, and the items of fields that are lists. */
export const OUTLINE_BOUNDS: SchemaBounds = { schemas: 1_000, depth: 3 };

/** Bytes of JSON: all advertised schemas together; the share of one schema at most, and at least. */
export const ALL_ADVERTISED_BYTES = 2_000_000;
export const ADVERTISED_BYTES = 8_000;
export const MIN_ADVERTISED_BYTES = 1_500;
/** An operation is omitted when its schema is larger than this even with names and types only. */
export const MAX_ADVERTISED_BYTES = 32_000;
export const MAX_OUTLINE_BYTES = 4_000;

/** Characters of text shown to agents. */
export const MAX_TITLE_LENGTH = 60;
export const MAX_DESCRIPTION_LENGTH = 600;
export const MAX_FIELD_DESCRIPTION_LENGTH = 500;
/** Characters of an operation's id; tool names add four. */
export const MAX_ID_LENGTH = 36;

/** Characters of a file or text in a request, before decoding. A call as a whole has a smaller limit of bytes. */
export const MAX_BODY_TEXT = 262_144;

/** Findings listed in the import report; further ones are only counted. */
export const MAX_REPORTED = 20_000;
