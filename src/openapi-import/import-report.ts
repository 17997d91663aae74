/** The import report: everything of a document that is not offered, with the reason, and as lines of text. */
import { cutText } from './document-text.js';
import { MAX_REPORTED } from './import-limits.js';

/** A part of an operation that is not offered, or not as the document describes it. */
export interface OmittedPart {
  /** `body`, `query parameter filter`, `response 200` */
  readonly part: string;
  /** Continues `part`: `is multipart/mixed, which cannot be sent`. The same words for the same kind of case. */
  readonly reason: string;
}

export interface ImportFinding {
  /** `POST /pets` */
  readonly operation: string;
  /** The part concerned; undefined when it is the operation as a whole. */
  readonly part?: string | undefined;
  /** Continues `part`; without one it is a sentence: `its path is not one that can be called`. */
  readonly reason: string;
}

export interface ImportReport {
  /** Number of operations in the document, imported or omitted. */
  readonly operations: number;
  readonly offered: number;
  /** Omitted operations; the list is bounded, the count is not. */
  readonly omitted: readonly ImportFinding[];
  readonly omittedCount: number;
  /** Parts of offered operations: parameters, bodies, responses, credentials, patterns. */
  readonly omittedParts: readonly ImportFinding[];
  readonly omittedPartsCount: number;
}

export interface ImportFindings {
  readonly list: ImportFinding[];
  count: number;
}

const DEFAULT_LINES = 50;
const EXAMPLES = 3;
const MAX_LINE_LENGTH = 500;

export function createFindings(): ImportFindings {
  return { list: [], count: 0 };
}

/** Adds a finding; after the first `MAX_REPORTED` it only counts. */
export function addFinding(findings: ImportFindings, finding: ImportFinding): void {
  findings.count += 1;
  if (findings.list.length < MAX_REPORTED) findings.list.push(finding);
}

/** A finding as a sentence, without its operation: `body is multipart/mixed, which cannot be sent`. */
export function sentenceOf({ part, reason }: Omit<ImportFinding, 'operation'>): string {
  return part === undefined ? reason : `${part} ${reason}`;
}

/** The report as lines of text: one for each reason, at most `lines` for each of its two lists. */
export function reportLines(report: ImportReport, lines = DEFAULT_LINES): readonly string[] {
  const { operations, offered, omittedCount, omitted, omittedPartsCount, omittedParts } = report;
  return [
    `${operations} operations in the document, ${offered} offered as tools, ${omittedCount} left out`,
    ...summarized(omitted, omittedCount, lines),
    ...(omittedPartsCount === 0 ? [] : [`${omittedPartsCount} parts of offered operations left out`]),
    ...summarized(omittedParts, omittedPartsCount, lines),
  ];
}

/** One line for each reason, the most frequent first, with the first operations that have it. */
function summarized(list: readonly ImportFinding[], count: number, lines: number): readonly string[] {
  const groups = new Map<string, ImportFinding[]>();
  for (const finding of list) {
    const group = groups.get(finding.reason);
    if (group === undefined) groups.set(finding.reason, [finding]);
    else group.push(finding);
  }
  const shown = [...groups.values()].sort((one, other) => other.length - one.length).slice(0, lines);
  const left = count - shown.reduce((sum, { length }) => sum + length, 0);
  return [...shown.map(groupLine), ...(left > 0 ? [`  and ${left} more`] : [])];
}

function groupLine(group: readonly ImportFinding[]): string {
  const [first] = group;
  if (first === undefined) return '';
  if (group.length === 1) return cutText(`  ${first.operation}: ${sentenceOf(first)}`, MAX_LINE_LENGTH);
  const examples = group.slice(0, EXAMPLES).map(({ operation, part }) => [operation, part].filter(Boolean).join(' '));
  const more = group.length > EXAMPLES ? `, and ${group.length - EXAMPLES} more` : '';
  return cutText(`  ${group.length} times ${first.reason}: ${examples.join(', ')}${more}`, MAX_LINE_LENGTH);
}
