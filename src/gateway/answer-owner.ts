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
    if (value === expected || !isComparable(value) || !isComparable(expected)) return;
    if (comparable(value) === comparable(expected)) return;
    throw new UpstreamError({ kind: 'unreadable', reason, outcome: 'unknown', transient: false, status, path });
  };
  if (imported === undefined) requireSame(envelope.stats.orgcode, credentials.orgcode, 'other_org', 'stats.orgcode');
  for (const path of orgcodes) {
    eachValueAt(record, path, (value) => requireSame(value, credentials.orgcode, 'other_org', path));
  }
  for (const [field, path] of Object.entries(recordIds)) {
    eachValueAt(record, path, (value) => requireSame(value, input[field], 'other_record', path));
  }
}

function isComparable(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** An upstream may write an id in another case than the caller did. */
function comparable(value: string | number): string {
  return String(value).trim().toLowerCase();
}

/** Visits the values at a path. In it, `*` stands for each item of a list, or each value of a map. */
function eachValueAt(value: unknown, path: FieldPath, visit: (value: unknown) => void): void {
  if (path === '') {
    visit(value);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const dot = path.indexOf('.');
  const step = dot === -1 ? path : path.slice(0, dot);
  const rest = dot === -1 ? '' : path.slice(dot + 1);
  if (step === '*') for (const each of Object.values(value)) eachValueAt(each, rest, visit);
  else if (Object.hasOwn(value, step)) eachValueAt((value as { readonly [name: string]: unknown })[step], rest, visit);
}
