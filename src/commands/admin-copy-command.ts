/** The `admin copy` command: moves all data between a SQLite file and a PostgreSQL database. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { ConfigError, type Environment, readEnvironment } from '../config.js';
import { CONTRACT } from '../contract/generated/contract.js';
import { makeDirectory, requireDatabase } from '../database-file/open-error.js';
import { type CopyOptions, type CopyReport, copyDatabase } from '../store/copy/copy-database.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { createProgress, duration, grouped, progressBar } from '../terminal/progress.js';
import { resolvedPath } from './shared-options.js';

interface CopyFlags {
  readonly from: string;
  readonly to: string;
  readonly keyFile?: string;
}

/** The databases of a copy, one of which is a file. */
interface CopyEnds {
  readonly file: string;
  readonly url: string;
  readonly toPostgres: boolean;
  /** The server key of the PostgreSQL database. */
  readonly keyFile: string;
}

/** Adds the command to `admin`. */
export function addAdminCopy(admin: Command): void {
  admin
    .command('copy')
    .description(
      'copy all data from a SQLite file to a PostgreSQL database, or back, and compare both; run it again to go on after an interruption',
    )
    .requiredOption('--from <db>', 'file or PostgreSQL URL to copy; stop its servers first')
    .requiredOption('--to <db>', 'PostgreSQL URL or file to copy to, which must be empty')
    .option('--key-file <file>', 'server key of the PostgreSQL database (default: G3N_KEY_FILE)')
    .action(async (flags: CopyFlags) => {
      const ends = endsOf(flags, readEnvironment(process.env));
      const shown = createProgress(process.stderr, 'copy');
      const report = await copyBetween(ends, showing(shown.step)).finally(shown.done);
      process.stdout.write(tableOf(report));
      if (!report.complete) process.exitCode = 1;
    });
}

/** @throws ConfigError when not exactly one of the databases is a file, or no key file is named. */
function endsOf({ from, to, keyFile: flag }: CopyFlags, environment: Environment): CopyEnds {
  const toPostgres = isPostgresUrl(to);
  if (toPostgres === isPostgresUrl(from))
    throw new ConfigError('admin copy copies between a file and PostgreSQL: give one of each');
  const keyFile = flag ?? environment.keyFile;
  if (keyFile === undefined)
    throw new ConfigError('--key-file names the server key of the PostgreSQL database: give it, or set G3N_KEY_FILE');
  const [file, url] = toPostgres ? [from, to] : [to, from];
  return { file: resolvedPath(file), url, toPostgres, keyFile };
}

/** Opens both databases, and copies; the key of the source becomes that of the receiver. */
async function copyBetween(
  { file, url, toPostgres, keyFile }: CopyEnds,
  onProgress: CopyOptions['onProgress'],
): Promise<CopyReport> {
  const { openCopySource, openCopyReceiver } = await import('../store/open-copy.js');
  const besideFile = `${file}.key`;
  const fileKey = toPostgres && !existsSync(besideFile) ? keyFile : besideFile;
  const [sourceKey, receiverKey] = toPostgres ? [fileKey, keyFile] : [keyFile, fileKey];
  const settings = { roles: CONTRACT.roles, settings: readEnvironment(process.env) };
  if (toPostgres) requireDatabase(file);
  const source = await openCopySource(toPostgres ? file : url, sourceKey, settings);
  try {
    if (!toPostgres) makeDirectory(file);
    const receiver = await openCopyReceiver(toPostgres ? url : file, receiverKey, {
      keys: source.keys,
      keyPath: sourceKey,
    });
    try {
      return await copyDatabase({ source: source.driver, receiver, keys: source.keys, onProgress });
    } finally {
      await receiver.close();
    }
  } finally {
    await source.close();
  }
}

/** Shows how many rows are copied, and how long the others will take at the speed so far. */
function showing(step: (text: string) => void, now: () => number = Date.now): CopyOptions['onProgress'] {
  let start: { readonly at: number; readonly copied: number } | undefined;
  return (text, rows) => {
    if (rows === undefined) return step(text);
    start ??= { at: now(), copied: rows.copied };
    const done = rows.copied - start.copied;
    const left = done === 0 ? '' : `, ${duration((((now() - start.at) / 1000) * (rows.of - rows.copied)) / done)} left`;
    step(`${progressBar(rows.copied, rows.of)} ${grouped(rows.copied)} of ${grouped(rows.of)} rows${left}: ${text}`);
  };
}

/** The comparison as a table, and what it means. */
function tableOf(report: CopyReport): string {
  const { compared, verified, rows, resumed, sourceChanged, complete } = report;
  const lines = [
    ['', 'source', 'receiver', ''],
    ...compared.map(({ name, source, receiver, equal }) => [
      name,
      grouped(source),
      grouped(receiver),
      equal ? '' : 'DIFFERENT',
    ]),
    [
      'discrepancies found by verify',
      ...[verified.source, verified.receiver].map(({ disagreements }) => grouped(disagreements.length)),
      '',
    ],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const table = lines.map(([name = '', source = '', receiver = '', mark = '']) =>
    [name.padEnd(widths[0] ?? 0), source.padStart(widths[1] ?? 0), receiver.padStart(widths[2] ?? 0), mark]
      .join('  ')
      .trimEnd(),
  );
  const outcome = [
    `Copied ${grouped(rows)} rows${resumed > 0 ? `, ${grouped(resumed)} of them before this run` : ''}.`,
    ...(sourceChanged
      ? ['The source was changed meanwhile: stop its servers, and copy again into an empty database.']
      : []),
    complete ? 'The receiver is complete.' : 'The receiver is not complete: servers will not open it.',
  ];
  return `${[...table, '', ...outcome].join('\n')}\n`;
}
