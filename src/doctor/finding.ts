/** The result of a doctor check. */
import { colored } from '../terminal/color.js';

export interface Finding {
  /** What was checked, in one or two words. */
  readonly check: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  /** What was found. It contains no secret and no personal data. */
  readonly found: string;
  /** What to do about it; present unless the check is ok. */
  readonly remedy?: string;
}

export function ok(check: string, found: string): Finding {
  return { check, verdict: 'ok', found };
}

export function warn(check: string, found: string, remedy: string): Finding {
  return { check, verdict: 'warn', found, remedy };
}

export function fail(check: string, found: string, remedy: string): Finding {
  return { check, verdict: 'fail', found, remedy };
}

const MARK = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;
const COLOR = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

/** Findings as text, each with its remedy on a second line. */
export function linesOf(findings: readonly Finding[]): string {
  const width = findings.reduce((most, { check }) => Math.max(most, check.length), 14);
  return findings.map((finding) => lineOf(finding, width)).join('');
}

function lineOf({ check, verdict, found, remedy }: Finding, width: number): string {
  const line = `${colored(MARK[verdict], COLOR[verdict], process.stdout)}  ${check.padEnd(width)} ${found}\n`;
  return remedy === undefined ? line : `${line}      ${' '.repeat(width)} → ${remedy}\n`;
}
