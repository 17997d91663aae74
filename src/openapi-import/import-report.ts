/** What was left out of a document, and why: kept within bounds while it is read, and put into lines for people. */
import { MAX_REPORTED } from './import-limits.js';

export interface OmittedOperation {
  /** `POST /pets` */
  readonly where: string;
  /** `its body is multipart/form-data, not JSON` */
  readonly why: string;
}

export interface ImportReport {
  /** Operations in the document, offered or not. */
  readonly operations: number;
  readonly offered: number;
  /** Operations that are not offered, the first of them one by one. */
  readonly omitted: readonly OmittedOperation[];
  readonly omittedCount: number;
  /** What is not read of operations that are offered: parameters, patterns. */
  readonly loosened: readonly OmittedOperation[];
  readonly loosenedCount: number;
}

export interface ImportFindings {
  readonly list: OmittedOperation[];
  count: number;
}

export function createFindings(): ImportFindings {
  return { list: [], count: 0 };
}

/** Remembers one; beyond the first few it is only counted. */
export function note(findings: ImportFindings, where: string, why: string): void {
  findings.count += 1;
  if (findings.list.length < MAX_REPORTED) findings.list.push({ where, why });
}

/** The report in lines, at most `lines` for each of its two lists. */
export function reportLines(report: ImportReport, lines = 50): readonly string[] {
  const { operations, offered, omittedCount, omitted, loosenedCount, loosened } = report;
  return [
    `${operations} operations in the document, ${offered} offered as tools, ${omittedCount} left out`,
    ...listed(omitted, omittedCount, lines),
    ...(loosenedCount === 0 ? [] : [`${loosenedCount} details of offered operations left out`]),
    ...listed(loosened, loosenedCount, lines),
  ];
}

function listed(list: readonly OmittedOperation[], count: number, lines: number): readonly string[] {
  const shown = list.slice(0, lines).map(({ where, why }) => `  ${where}: ${why}`);
  return count > shown.length ? [...shown, `  and ${count - shown.length} more`] : shown;
}
