/**
 * The dry run of a change: runs the real unit of work, rolls it back, and reads the changed record after and before.
 * Does not decide who sees the preview; see mcp/confirmation.ts.
 */
import type { BackendPreview, BackendResult } from '../../contract/backend.js';
import { CrmError } from '../../contract/errors.js';
import { CONTRACT } from '../../contract/generated/contract.js';
import type { JsonSchema, Operation } from '../../contract/operation.js';
import type { Driver } from './driver.js';
import type { Context, HandlerTable } from './handler.js';
import type { Steps } from './step.js';
import { recordError, resultOf, runUnitOfWork, type UnitOfWork, type UnitResult } from './unit-of-work.js';

/** An operation that reads one record. The record is identified by all fields of any one of the lists in `keys`. */
interface Reader {
  readonly operation: Operation;
  readonly keys: readonly (readonly string[])[];
}

interface DryRunResult extends UnitResult {
  readonly read?: () => Steps<object | undefined>;
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

type Fields = { readonly [field: string]: unknown };

const READERS: readonly Reader[] = CONTRACT.operations
  .filter(({ effect, path }) => effect === 'read' && path.endsWith('/get'))
  .map((operation) => ({ operation, keys: keysOf(operation.requestSchema) }));

/**
 * Runs a unit of work and rolls it back. A unit that would change no record is committed, and its result is the call's
 * result. An error is committed like that of a real call, with its counted failure and its idempotency record, so that
 * a preview cannot be used to try PINs.
 * @throws CrmError the error of the unit.
 */
export async function dryRun(
  driver: Driver,
  handlers: HandlerTable,
  { cx: real, ...rest }: UnitOfWork,
): Promise<BackendResult | BackendPreview> {
  const minted = new Set<string>();
  const cx: Context = { ...real, newId: () => remembered(minted, real.newId()) };
  const unit: UnitOfWork = { cx, ...rest };
  const { response, changed, before, after } = await driver.write<DryRunResult>({
    orgcode: cx.orgcode,
    keyed: unit.request !== undefined,
    steps: () => runAndRead(unit, handlers),
    onError: (error) => recordError(unit, error),
    rollBackAndRead: (done) => (done.changed ? readBefore(done) : undefined),
  });
  const result = resultOf(response);
  if (!changed) return result;
  const preview = { data: withoutUnpredictable(unit.operation, result.data), ...beforeAndAfter(before, after) };
  return { preview: withoutMintedIds(preview, minted) as BackendPreview['preview'] };
}

function* runAndRead(unit: UnitOfWork, handlers: HandlerTable): Steps<DryRunResult> {
  const done = yield* runUnitOfWork(unit);
  if (!done.changed || 'refusal' in done.response) return done;
  const read = readerOf(unit, handlers, done.response.performed.data);
  return read === undefined ? done : { ...done, read, after: yield* read() };
}

function* readBefore(done: DryRunResult): Steps<DryRunResult> {
  return done.read === undefined ? done : { ...done, before: yield* done.read() };
}

/** Reads the record that a unit changes, with the operation that fits the ids in its request, or else in its result. */
function readerOf({ cx, operation, input }: UnitOfWork, handlers: HandlerTable, data: object): DryRunResult['read'] {
  for (const source of [input as Fields, data as Fields]) {
    const reader = readerFor(operation, source);
    const handler = reader === undefined ? undefined : handlers[reader.id];
    if (reader === undefined || handler === undefined || !cx.permits(reader.access)) continue;
    const known = Object.keys((reader.requestSchema.properties ?? {}) as object);
    const request = Object.fromEntries(known.filter((name) => name in source).map((name) => [name, source[name]]));
    return () => undefinedOnError(handler(cx, request));
  }
  return undefined;
}

function* undefinedOnError(steps: Steps<object>): Steps<object | undefined> {
  try {
    const record = yield* steps;
    return 'error' in record ? undefined : record;
  } catch (error) {
    if (error instanceof CrmError) return undefined;
    throw error;
  }
}

/** The reader whose path shares most with that of the operation; of several, the one with the shortest path. */
function readerFor(operation: Operation, source: Fields): Operation | undefined {
  const fits = READERS.filter(({ keys }) => keys.some((key) => key.every((name) => typeof source[name] === 'string')));
  const nearness = (path: string) => shared(path.split('/'), operation.path.split('/'));
  const [best] = fits
    .map((reader) => reader.operation)
    .sort((a, b) => nearness(b.path) - nearness(a.path) || a.path.length - b.path.length);
  return best;
}

function shared(a: readonly string[], b: readonly string[]): number {
  const end = a.findIndex((part, index) => part !== b[index]);
  return end === -1 ? a.length : end;
}

function keysOf({ required, oneOf }: JsonSchema): readonly (readonly string[])[] {
  const lists = [required, ...((oneOf as JsonSchema[] | undefined) ?? []).map((branch) => branch.required)];
  return lists.filter((list): list is readonly string[] => Array.isArray(list) && list.length > 0);
}

function beforeAndAfter(before: object | undefined, after: object | undefined): { before?: object; after?: object } {
  return before === undefined || after === undefined ? {} : { before, after };
}

function withoutUnpredictable({ shownOnce, unforeseen = [] }: Operation, data: object): object {
  const hidden = [...shownOnce, ...unforeseen].filter((field) => field in data);
  return { ...data, ...Object.fromEntries(hidden.map((field) => [field, null])) };
}

/** Replaces the ids made during the dry run by null: the change itself will make others. */
function withoutMintedIds(value: unknown, minted: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return minted.has(value) ? null : value;
  if (Array.isArray(value)) return value.map((item) => withoutMintedIds(item, minted));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutMintedIds(inner, minted)]));
}

function remembered(minted: Set<string>, id: string): string {
  minted.add(id);
  return id;
}
