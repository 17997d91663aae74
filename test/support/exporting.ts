/** Runs exports in this process, and reads their lines. */
import { exportOrg, type OrgExport } from '../../src/export/export-org.js';

export interface ExportLine {
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of records they do not type
  readonly [field: string]: any;
}

/** The lines of an export of DEMO, or of one of its customers. */
export async function exportedLines(
  driver: OrgExport['driver'],
  { customerId, withJournal }: Pick<OrgExport, 'customerId' | 'withJournal'> = {},
): Promise<ExportLine[]> {
  let text = '';
  const write = async (more: string) => {
    text += more;
  };
  const now = '2026-01-01T00:00:00.000Z';
  await exportOrg({ driver, orgcode: 'DEMO', customerId, withJournal, now, write, onProgress() {} });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportLine);
}

/** The number of lines of each kind, without the first and the last one. */
export function countKinds(lines: readonly ExportLine[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of lines.slice(1, -1)) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
