/** How much of somebody else's document is read: every bound of the import, in one place. */

/** Characters of text. */
export const MAX_DOCUMENT = 20 * 1024 * 1024;
/** Objects, lists and values; a list of a million numbers has a million and one. */
export const MAX_VALUES = 2_000_000;
/** Levels of nesting in the text. */
export const MAX_DEPTH = 200;
export const MAX_ALIASES = 10_000;
export const MAX_MERGED_KEYS = 100_000;
/** Names in one object: a schema with more is taken as free-form. */
export const MAX_WIDTH = 2_000;
export const MAX_OPERATIONS = 2_000;
export const MAX_PARAMETERS = 100;
/** One `$ref` that leads to the next. */
export const MAX_REFERENCE_HOPS = 20;
/** Schemas inside each other, whether they are levels of the value or not: references and unions are none. */
export const DEEPEST_READING = 150;
export const MAX_BRANCHES = 100;
/** Values of an `enum` that are enforced; with more, any value of the type passes. */
export const MAX_ENUM = 1_000;
/** Schemas read in all, over every operation. What is left behind them is left out. */
export const MAX_STEPS = 3_000_000;

/** How large one schema may become when every `$ref` is written out: schemas in it, and levels of them. */
export interface SchemaBounds {
  readonly schemas: number;
  readonly depth: number;
}
export const REQUEST_BOUNDS: SchemaBounds = { schemas: 600, depth: 8 };
export const ANSWER_BOUNDS: SchemaBounds = { schemas: 3_000, depth: 12 };
/** An envelope, its data, the fields of that, and what those are lists of. */
export const OUTLINE_BOUNDS: SchemaBounds = { schemas: 1_000, depth: 3 };

/** Bytes of JSON: all input schemas together, and one of them: at most, and however many there are. */
export const ALL_SCHEMAS_SHOWN = 2_000_000;
export const SCHEMA_SHOWN = 8_000;
export const LEAST_SCHEMA_SHOWN = 1_500;
/** A schema that is larger than this even when nothing but names and types is left cannot be offered. */
export const SCHEMA_SHOWN_AT_ALL = 32_000;
export const OUTLINE_SHOWN = 4_000;

/** Characters of text that agents are shown. */
export const LONGEST_TITLE = 60;
export const LONGEST_DESCRIPTION = 600;
export const LONGEST_FIELD_DESCRIPTION = 500;
/** Characters of an operation's id: tool names have four more. */
export const LONGEST_ID = 36;

/** Things the report names one by one; the rest are counted. */
export const MAX_REPORTED = 200;
