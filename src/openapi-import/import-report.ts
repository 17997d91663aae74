/** The import report: what was omitted from a document and why, as bounded lists and as lines of text. */
import { MAX_REPORTED } from './import-limits.js';

export interface ImportFinding {
  /** `POST /pets` */
  readonly where: string;
  /** `its body is multipart/form-data, not JSON` */
  readonly why: string;
}

export interface ImportReport {
  /** Number of operations in the document, imported or omitted. */
  readonly operations: number;
  readonly offered: number;
  /** Omitted operations; the list is bounded, the count is not. */
  readonly omitted: readonly ImportFinding[];
  readonly omittedCount: number;
  /** Details of imported operations that were not read: parameters, patterns. */
  readonly loosened: readonly ImportFinding[];
  readonly loosenedCount: number;
}

export interface ImportFindings {
  readonly list: ImportFinding[];
  count: number;
}

export function createFindings(): ImportFindings {
  return { list: [], count: 0 };
}

/** Adds a finding; after the first `MAX_REPORTED` it only counts. */
export function addFinding(findings: ImportFindings, where: string, why: string): void {
  findings.count += 1;
  if (findings.list.length < MAX_REPORTED) findings.list.push({ where, why });
}

/** The report as lines of text, at most `lines` for each of its two lists. */
export function reportLines(report: ImportReport, lines = 50): readonly string[] {
  const { operations, offered, omittedCount, omitted, loosenedCount, loosened } = report;
  return [
    `${operations} operations in the document, ${offered} offered as tools, ${omittedCount} left out`,
    ...listed(omitted, omittedCount, lines),
    ...(loosenedCount === 0 ? [] : [`${loosenedCount} details of offered operations left out`]),
    ...listed(loosened, loosenedCount, lines),
  ];
}

function listed(list: readonly ImportFinding[], count: number, lines: number): readonly string[] {
  const shown = list.slice(0, lines).map(({ where, why }) => `  ${where}: ${why}`);
  return count > shown.length ? [...shown, `  and ${count - shown.length} more`] : shown;
}
