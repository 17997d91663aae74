/** Walks all pages of a list and writes their records as they come (`--all`). */
import type { Input } from '../contract/backend.js';
import { createProgress, grouped } from '../terminal/progress.js';
import { CliError } from './cli-error.js';
import type { CrmClient } from './client.js';
import { csvColumns, csvLine } from './output/csv.js';
import { paperOf } from './output/paper.js';
import { selectFields } from './output/select-fields.js';
import { isList, recordsIn } from './output/write-answer.js';
import type { Call, CallContext } from './send-call.js';
import { exitCodeOfError, showError } from './show-error.js';
import { terminalJson } from './terminal-text.js';
import { write } from './write-output.js';

type Fields = Readonly<Record<string, unknown>>;

/** Returns the exit code. What was written before an error stays written. @throws CliError for another format. */
export async function sendAllPages(client: CrmClient, call: Call, first: Input, context: CallContext): Promise<number> {
  const { operation } = call.command;
  const { stdout, stderr } = context.io;
  const { output: format = 'jsonl', fields, quiet } = call.flags;
  if (format !== 'jsonl' && format !== 'csv')
    throw new CliError('--all writes jsonl or csv: leave -o out, or give -o csv');
  const paper = paperOf(context.io);
  const progress = createProgress(quiet === true ? { write() {} } : stderr, call.command.words.join(' '));
  let input: Input = { limit: largestPage(operation.requestSchema), ...first };
  let columns: readonly string[] | undefined = fields;
  let count = 0;
  for (let isFirst = true; ; isFirst = false) {
    const envelope = await client.send({ operation, input });
    if (!envelope.success) {
      progress.done();
      showError(envelope.error, call.signature, context);
      return exitCodeOfError(envelope.error, operation);
    }
    const rows = recordsIn(envelope.data).map((row) => (fields === undefined ? row : selectFields(row, fields)));
    if (format === 'csv') {
      columns ??= csvColumns(rows);
      await write(stdout, paper.visible(`${isFirst ? csvLine(columns) : ''}${csvText(rows, columns)}`));
    } else await write(stdout, rows.map((row) => `${terminalJson(row, 0)}\n`).join(''));
    count += rows.length;
    progress.step(`${grouped(count)} records`);
    const token = isList(envelope.data) ? envelope.data.next_token : undefined;
    if (token === undefined || token === null) break;
    if (token === input.next_token) throw new CliError('the server repeats a page: its next_token does not move', 1);
    input = { ...input, next_token: token };
  }
  progress.done();
  return 0;
}

function csvText(rows: readonly Fields[], columns: readonly string[]): string {
  return rows.map((row) => csvLine(columns.map((name) => row[name]))).join('');
}

/** The largest page that the contract allows: fewer calls. */
function largestPage(schema: Fields): number | undefined {
  const { limit } = (schema.properties ?? {}) as { readonly limit?: { readonly maximum?: number } };
  return limit?.maximum;
}
