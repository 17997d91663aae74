/**
 * What a change would do: the real unit of work, run and undone, with a look at its record after and before. Not: who
 * is shown it, or what a refusal keeps.
 */
import type { BackendPreview, BackendResult } from '../../contract/backend.js';
import { CrmError } from '../../contract/errors.js';
import { CONTRACT } from '../../contract/generated/contract.js';
import type { JsonSchema, Operation } from '../../contract/operation.js';
import type { Driver } from './driver.js';
import type { Context, HandlerTable } from './handler.js';
import type { Steps } from './step.js';
import { recordError, resultOf, runUnitOfWork, type UnitOfWork, type UnitResult } from './unit-of-work.js';

/** A read of one record, and the fields that can name it: all of any one list. */
interface Reader {
  readonly operation: Operation;
  readonly keys: readonly (readonly string[])[];
}

interface DryRunResult extends UnitResult {
  readonly look?: () => Steps<object | undefined>;
  readonly before?: object | undefined;
  readonly after?: object | undefined;
}

type Fields = { readonly [field: string]: unknown };

const READERS: readonly Reader[] = CONTRACT.operations
  .filter(({ effect, path }) => effect === 'read' && path.endsWith('/get'))
  .map((operation) => ({ operation, keys: keysOf(operation.requestSchema) }));

/**
 * Rehearses a unit. What would change nothing is done indeed, and its answer is the call's; so is a refusal, which
 * counts and is kept as ever: a preview is no way to try PINs.
 * @throws CrmError what the unit refuses.
 */
export async function dryRun(
  driver: Driver,
  handlers: HandlerTable,
  { cx: real, ...rest }: UnitOfWork,
): Promise<BackendResult | BackendPreview> {
  const minted = new Set<string>();
  const cx: Context = { ...real, newId: () => noted(minted, real.newId()) };
  const unit: UnitOfWork = { cx, ...rest };
  const { answer, changed, before, after } = await driver.write<DryRunResult>({
    steps: () => runAndLook(unit, handlers),
    onError: (error) => recordError(unit, error),
    rollBackAndRead: (done) => (done.changed ? lookBack(done) : undefined),
  });
  const performed = resultOf(answer);
  if (!changed) return performed;
  const preview = { data: foreseeable(unit.operation, performed.data), ...seen(before, after) };
  return { preview: withoutNames(preview, minted) as BackendPreview['preview'] };
}

function* runAndLook(unit: UnitOfWork, handlers: HandlerTable): Steps<DryRunResult> {
  const done = yield* runUnitOfWork(unit);
  if (!done.changed || 'refusal' in done.answer) return done;
  const look = lookerOf(unit, handlers, done.answer.performed.data);
  return look === undefined ? done : { ...done, look, after: yield* look() };
}

function* lookBack(done: DryRunResult): Steps<DryRunResult> {
  return done.look === undefined ? done : { ...done, before: yield* done.look() };
}

/** A look at the record a unit is about, through the read that fits what its request, or else its answer, names. */
function lookerOf({ cx, operation, input }: UnitOfWork, handlers: HandlerTable, data: object): DryRunResult['look'] {
  for (const named of [input as Fields, data as Fields]) {
    const reader = readerFor(operation, named);
    const handler = reader === undefined ? undefined : handlers[reader.id];
    if (reader === undefined || handler === undefined || !cx.permits(reader.access)) continue;
    const known = Object.keys((reader.requestSchema.properties ?? {}) as object);
    const asked = Object.fromEntries(known.filter((name) => name in named).map((name) => [name, named[name]]));
    return () => unlessRefused(handler(cx, asked));
  }
  return undefined;
}

function* unlessRefused(steps: Steps<object>): Steps<object | undefined> {
  try {
    const record = yield* steps;
    return 'error' in record ? undefined : record;
  } catch (error) {
    if (error instanceof CrmError) return undefined;
    throw error;
  }
}

/** The nearest in path, then the plainest. */
function readerFor(operation: Operation, named: Fields): Operation | undefined {
  const fits = READERS.filter(({ keys }) => keys.some((key) => key.every((name) => typeof named[name] === 'string')));
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

function seen(before: object | undefined, after: object | undefined): { before?: object; after?: object } {
  return before === undefined || after === undefined ? {} : { before, after };
}

function foreseeable({ shownOnce, unforeseen = [] }: Operation, data: object): object {
  const hidden = [...shownOnce, ...unforeseen].filter((field) => field in data);
  return { ...data, ...Object.fromEntries(hidden.map((field) => [field, null])) };
}

/** Ids made for the rehearsal name nothing: the change itself will make others. */
function withoutNames(value: unknown, minted: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return minted.has(value) ? null : value;
  if (Array.isArray(value)) return value.map((item) => withoutNames(item, minted));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutNames(inner, minted)]));
}

function noted(minted: Set<string>, id: string): string {
  minted.add(id);
  return id;
}
