/** What somebody is shown before they agree to a call: as data for a model, as text for a person. */
import type { BackendPreview, Input } from '../contract/backend.js';
import type { Operation } from '../contract/operation.js';
import { visibleText } from '../contract/visible-text.js';

export interface ShownPreview {
  readonly action: string;
  /** What would be different in the record the call is about. */
  readonly changes?: readonly Change[];
  /** What the call would answer. */
  readonly result?: object;
  /** What was asked for, where nobody can tell what would come of it. */
  readonly request?: Input;
  readonly note?: string;
}

export interface Change {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

type Leaves = ReadonlyMap<string, unknown>;

const MOST_CHANGES = 40;
const MOST_LINES = 20;
const LONGEST_VALUE = 100;
/** They change with every change. */
const ALWAYS = new Set(['revision', 'updated_at']);
const UNTOLD =
  'What this would change cannot be told beforehand: this is what is asked for, and nothing more is known.';
const SECRET = '(not shown)';

/** A preview of a call, or, where there is none, the call and a word on that. */
export function toShownPreview(
  operation: Operation,
  input: Input,
  previewed: BackendPreview | undefined,
): ShownPreview {
  const { summary } = operation;
  if (previewed === undefined) return { action: summary, request: withoutSecrets(operation, input), note: UNTOLD };
  const { data, before, after } = previewed.preview;
  const changes = before === undefined || after === undefined ? [] : changesBetween(before, after);
  return { action: summary, ...(changes.length === 0 ? {} : { changes }), result: data };
}

/** Where two states of a record differ, field by field. */
export function changesBetween(before: object, after: object): readonly Change[] {
  const [old, now] = [leavesOf(before), leavesOf(after)];
  const fields = [...new Set([...old.keys(), ...now.keys()])].filter((field) => !ALWAYS.has(field));
  return fields
    .filter((field) => JSON.stringify(old.get(field) ?? null) !== JSON.stringify(now.get(field) ?? null))
    .map((field) => changed(field, shown(old.get(field)), shown(now.get(field))))
    .slice(0, MOST_CHANGES);
}

function changed(field: string, before: unknown, after: unknown): Change {
  return { field, before, after: before === after ? `${after}, changed` : after };
}

/** The preview and the request as a person reads them. Every value stands on a line of its own, and cannot leave it. */
export function describePreview(operation: Operation, input: Input, preview: ShownPreview): string {
  const leaves = leavesOf(withoutSecrets(operation, input));
  const asked = [...leaves].map(([field, value]) => `${spoken(field)}: ${value === SECRET ? SECRET : told(value)}`);
  const { changes, result, note } = preview;
  const effect =
    changes?.map(({ field, before, after }) => `${spoken(field)}: ${told(before)} → ${told(after)}`) ??
    [...leavesOf(result ?? {})]
      .filter(([, value]) => value !== null)
      .map(([name, value]) => `${spoken(name)}: ${told(value)}`);
  return [
    `${preview.action} (${operation.path})`,
    ...section('Asked for:', asked),
    ...section(changes === undefined ? 'Would answer:' : 'Would change:', effect),
    ...(note === undefined ? [] : [note]),
    'Nothing has been done yet.',
  ].join('\n');
}

/** What an answer shows once, a request may hold under the same name. */
function withoutSecrets({ shownOnce }: Operation, input: Input): Input {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [name, shownOnce.includes(name) ? SECRET : value]),
  );
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const more = lines.length > MOST_LINES ? [`… and ${lines.length - MOST_LINES} more`] : [];
  return [title, ...[...lines.slice(0, MOST_LINES), ...more].map((line) => `  ${line}`)];
}

/** Dotted path → what is there, a list as a whole. */
function leavesOf(value: unknown, path = '', leaves = new Map<string, unknown>()): Leaves {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) leaves.set(path, value);
  else
    for (const [name, inner] of Object.entries(value)) leavesOf(inner, path === '' ? name : `${path}.${name}`, leaves);
  return leaves;
}

/** A leaf as it can be shown: of a list of records only their number. */
function shown(leaf: unknown): unknown {
  return Array.isArray(leaf) ? listed(leaf) : (leaf ?? null);
}

function listed(items: readonly unknown[]): string {
  if (items.length === 0) return 'none';
  const records = items.some((item) => typeof item === 'object' && item !== null);
  return records ? `${items.length} item${items.length === 1 ? '' : 's'}` : items.join(', ');
}

function spoken(field: string): string {
  return cut(JSON.stringify(visibleText(field)).slice(1, -1));
}

function told(value: unknown): string {
  const leaf = shown(value);
  if (leaf === null) return 'none';
  return cut(typeof leaf === 'string' ? JSON.stringify(visibleText(leaf)) : String(leaf));
}

function cut(text: string): string {
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`;
}
