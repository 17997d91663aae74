/** The preview that a user sees before a call is confirmed: as data for a model, as text for a user. */
import type { BackendPreview, Input } from '../contract/backend.js';
import type { Operation } from '../contract/operation.js';
import { visibleText } from '../contract/visible-text.js';

export interface ShownPreview {
  readonly action: string;
  /** What the call would change in its record. */
  readonly changes?: readonly Change[];
  /** The result the call would have. */
  readonly result?: object;
  /** The request itself, when the backend cannot preview its effect. */
  readonly request?: Input;
  readonly note?: string;
}

export interface Change {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Leaves = ReadonlyMap<string, unknown>;

const MAX_CHANGES = 40;
const MAX_LINES = 20;
const MAX_VALUE_LENGTH = 100;
/** Fields that every change updates. */
const ALWAYS_CHANGED = new Set(['revision', 'updated_at']);
const NO_PREVIEW_NOTE =
  'What this would change cannot be told beforehand: this is what is asked for, and nothing more is known.';
const SECRET_PLACEHOLDER = '(not shown)';

/** The preview of a call; when the backend has none, the request with a note that says so. */
export function toShownPreview(
  operation: Operation,
  input: Input,
  previewed: BackendPreview | undefined,
): ShownPreview {
  const { summary } = operation;
  if (previewed === undefined)
    return { action: summary, request: withoutSecrets(operation, input), note: NO_PREVIEW_NOTE };
  const { data, before, after } = previewed.preview;
  const changes = before === undefined || after === undefined ? [] : changesBetween(before, after);
  return { action: summary, ...(changes.length === 0 ? {} : { changes }), result: data };
}

/** Where two states of a record differ, field by field. */
export function changesBetween(before: object, after: object): readonly Change[] {
  const [previous, current] = [leavesOf(before), leavesOf(after)];
  const fields = [...new Set([...previous.keys(), ...current.keys()])].filter((field) => !ALWAYS_CHANGED.has(field));
  return fields
    .filter((field) => JSON.stringify(previous.get(field) ?? null) !== JSON.stringify(current.get(field) ?? null))
    .map((field) => toChange(field, displayValue(previous.get(field)), displayValue(current.get(field))))
    .slice(0, MAX_CHANGES);
}

function toChange(field: string, before: unknown, after: unknown): Change {
  return { field, before, after: before === after ? `${after}, changed` : after };
}

/** The preview and the request as text for a user. Every value is on its own line and cannot break out of it. */
export function describePreview(operation: Operation, input: Input, preview: ShownPreview): string {
  const leaves = leavesOf(withoutSecrets(operation, input));
  const requested = [...leaves].map(
    ([field, value]) => `${fieldText(field)}: ${value === SECRET_PLACEHOLDER ? SECRET_PLACEHOLDER : valueText(value)}`,
  );
  const { changes, result, note } = preview;
  const effect =
    changes?.map(({ field, before, after }) => `${fieldText(field)}: ${valueText(before)} → ${valueText(after)}`) ??
    [...leavesOf(result ?? {})]
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${fieldText(name)}: ${valueText(value)}`);
  return [
    `${preview.action} (${operation.path})`,
    ...section('Asked for:', requested),
    ...section(changes === undefined ? 'Would answer:' : 'Would change:', effect),
    ...(note === undefined ? [] : [note]),
    'Nothing has been done yet.',
  ].join('\n');
}

/** Fields that a response shows only once are secrets; a request may have a field of the same name. */
function withoutSecrets({ shownOnce }: Operation, input: Input): Input {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, shownOnce.includes(name) ? SECRET_PLACEHOLDER : value]),
  );
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MAX_LINES ? [`… and ${lines.length - MAX_LINES} more`] : [];
  return [title, ...[...lines.slice(0, MAX_LINES), ...more].map((line) => `  ${line}`)];
}

/** Dotted path → value; a list counts as one value. */
function leavesOf(value: unknown, path = '', leaves = new Map<string, unknown>()): Leaves {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) leaves.set(path, value);
  else
    for (const [name, inner] of Object.entries(value)) leavesOf(inner, path === '' ? name : `${path}.${name}`, leaves);
  return leaves;
}

/** A leaf in displayable form; a list of records is reduced to its length. */
function displayValue(leaf: unknown): unknown {
  return Array.isArray(leaf) ? listText(leaf) : (leaf ?? null);
}

function listText(items: readonly unknown[]): string {
  if (items.length === 0) return 'none';
  const records = items.some((item) => typeof item === 'object' && item !== null);
  return records ? `${items.length} item${items.length === 1 ? '' : 's'}` : items.join(', ');
}

function fieldText(field: string): string {
  return truncate(JSON.stringify(visibleText(field)).slice(1, -1));
}

function valueText(value: unknown): string {
  const leaf = displayValue(value);
  if (leaf === null) return 'none';
  return truncate(typeof leaf === 'string' ? JSON.stringify(visibleText(leaf)) : String(leaf));
}

function truncate(text: string): string {
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}…`;
}
