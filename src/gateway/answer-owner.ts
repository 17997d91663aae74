/**
 * Rejects answers that belong to somebody else: to another org, or to another record than the one asked for. This is
 * never drift of a schema. The upstream, or a cache in front of it, has mixed up answers.
 */
import type { FieldPath } from '../contract/operation.js';
import { UpstreamError, type UpstreamErrorReason } from './upstream-error.js';
import type { ParsedReply } from './upstream-reply.js';
import type { RequestParts } from './upstream-request.js';

/** The part of a request that its answer is compared with. */
export type AskedFor = Pick<RequestParts, 'operation' | 'input' | 'credentials'>;

/**
 * Compares the org codes and record ids that the operation declares, and the org in `stats`. A field that is absent or
 * null is not compared. After a write, the error says that its outcome is unknown.
 * @throws UpstreamError `other_org` or `other_record`, with the field that differs.
 */
export function requireOwnAnswer({ operation, input, credentials }: AskedFor, { envelope, status }: ParsedReply): void {
  const { orgcodes = [], recordIds = {}, imported } = operation;
  const record = envelope.success ? envelope.data : envelope.error.conflict_snapshot;
  const requireSame = (value: unknown, expected: unknown, reason: UpstreamErrorReason, path: string) => {
    if (isComparable(value) && isComparable(expected) && comparable(value) !== comparable(expected)) {
      throw new UpstreamError({ kind: 'unreadable', reason, outcome: 'unknown', transient: false, status, path });
    }
  };
  if (imported === undefined) requireSame(envelope.stats.orgcode, credentials.orgcode, 'other_org', 'stats.orgcode');
  for (const path of orgcodes) {
    for (const value of valuesAt(record, path)) requireSame(value, credentials.orgcode, 'other_org', path);
  }
  for (const [field, path] of Object.entries(recordIds)) {
    for (const value of valuesAt(record, path)) requireSame(value, input[field], 'other_record', path);
  }
}

function isComparable(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** An upstream may write an id in another case than the caller did. */
function comparable(value: string | number): string {
  return String(value).trim().toLowerCase();
}

function valuesAt(value: unknown, path: FieldPath): readonly unknown[] {
  const steps = path === '' ? [] : path.split('.');
  return steps.reduce<readonly unknown[]>((values, step) => values.flatMap((each) => below(each, step)), [value]);
}

/** The value of a field; with `*` the items of a list, or the values of a map. */
function below(value: unknown, step: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (step === '*') return Object.values(value);
  return Object.hasOwn(value, step) ? [(value as { readonly [name: string]: unknown })[step]] : [];
}
