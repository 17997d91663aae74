/** What is wrong with the rows of an import, one JSON line for each issue. It names columns, never their values. */
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import { type CrmError, type Issue, nextStepsOf } from '../contract/errors.js';
import { targetOfPath } from './row-calls.js';
import type { MappedColumn } from './row-mapping.js';

export interface RowIssue {
  readonly row: number;
  readonly line: number;
  readonly column?: string;
  readonly code: string;
  readonly message: string;
  readonly fix: string;
  /** The customer that has the identifier already. */
  readonly existing_customer_id?: string;
}

type Place = Pick<RowIssue, 'row' | 'line'>;

/** The issues of an error that a call has thrown. */
export function issuesOfError(place: Place, error: CrmError, mapping: readonly MappedColumn[]): RowIssue[] {
  const { issues, field, existing_customer_id } = (error.details ?? {}) as {
    readonly issues?: readonly Issue[];
    readonly field?: string;
    readonly existing_customer_id?: string;
  };
  const fix = nextStepsOf(error).join(' ');
  if (issues !== undefined)
    return issues.map(({ path, message, expected }) => ({
      ...place,
      ...columnOf(path, mapping),
      code: error.code,
      message,
      fix: expected === undefined ? 'Correct the value.' : `Expected: ${expected}`,
    }));
  return [
    {
      ...place,
      ...(field === undefined ? {} : columnOf(`customer.${field}`, mapping)),
      code: error.code,
      message: error.message,
      fix,
      ...(existing_customer_id === undefined ? {} : { existing_customer_id }),
    },
  ];
}

/** The column from which a field of a call comes; the field itself when it comes from none. */
function columnOf(path: string, mapping: readonly MappedColumn[]): { readonly column: string } {
  const target = targetOfPath(path);
  return { column: mapping.find((mapped) => mapped.target === target)?.column ?? target };
}

export interface ReportFile {
  add(issues: readonly RowIssue[]): void;
  close(): void;
}

/** Begins the report, for its owner alone. It replaces an earlier one. @throws when it cannot be written. */
export function openReport(path: string | undefined): ReportFile {
  if (path === undefined) return { add() {}, close() {} };
  const file = openSync(path, 'w', 0o600);
  if (fstatSync(file).isFile()) fchmodSync(file, 0o600); // an earlier one may have been for others, too
  return {
    add(issues) {
      if (issues.length > 0) writeSync(file, issues.map((issue) => `${JSON.stringify(issue)}\n`).join(''));
    },
    close: () => closeSync(file),
  };
}
