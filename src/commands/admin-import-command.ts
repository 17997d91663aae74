/** The `admin import` command: adds the customers of a CSV or JSON lines file to an org. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { ConfigError, type DatabaseFlags, readEnvironment } from '../config.js';
import type { Caller } from '../contract/backend.js';
import { createValidate } from '../contract/validate.js';
import { createStampMaker } from '../create-pipeline.js';
import { isSameFile } from '../database-file/file-identity.js';
import type { CustomerImport, ImportCounts, ImportResult } from '../import/customer-import.js';
import type { MappedColumn } from '../import/row-mapping.js';
import type { SourceFormat } from '../import/row-source.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { parseHeaders } from '../pipeline/headers.js';
import { statusOfOrg } from '../store/engine/org-status.js';
import type { Store } from '../store/store.js';
import { createProgress, duration, grouped, progressBar } from '../terminal/progress.js';
import { parseWhole } from './admin-options.js';
import { operatorName } from './administer.js';
import { jsonOption, print, wantsJson } from './output.js';
import { onDatabase, resolvedPath } from './shared-options.js';

interface ImportFlags extends DatabaseFlags {
  readonly org: string;
  readonly map?: string;
  readonly refSystem?: string;
  readonly report?: string;
  readonly maxErrors: number;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** The file as it is to be read. */
interface Plan {
  readonly file: string;
  readonly format: SourceFormat;
  readonly mapping: readonly MappedColumn[];
  readonly refSystem: string;
}

const DEFAULT_REF_SYSTEM = 'import';
/** Adds the command to `admin`. `directory` is the directory of the running program. */
export function addAdminImport(admin: Command, directory: string): void {
  onDatabase(admin.command('import <file>'))
    .description('add the customers of a CSV or JSON lines file to an org; run it again to go on after an interruption')
    .requiredOption('--org <orgcode>', 'the org')
    .addOption(new Option('--kind <kind>', 'what the rows are').choices(['customers']).default('customers'))
    .option('--map <map>', 'what the columns are: a YAML or JSON file, or target=Column,target=Column')
    .option('--ref-system <name>', `system of the column external_ref (default: ${DEFAULT_REF_SYSTEM})`)
    .option('--dry-run', 'check every row, and change nothing', false)
    .option('--report <file>', 'write what is wrong with which rows as JSON lines')
    .option(
      '--max-errors <count>',
      'stop when more rows than this have failed (default: no limit)',
      (text: string) => parseWhole(text, 0, 999_999_999),
      Infinity,
    )
    .addOption(jsonOption())
    .action((file: string, flags: ImportFlags) => runImport(directory, file, flags));
}

async function runImport(directory: string, file: string, flags: ImportFlags): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  const plan = await explained(() => planImport(file, flags));
  showMapping(plan);
  const database = resolvedPath(environment.db);
  requireOwnFile(flags.report, [file, flags.map, database, environment.keyFile ?? `${database}.key`]);
  const log = createLog(environment.logLevel);
  const store = await openBackend({ database, environment, log, asOwner: true, writesManyRows: !flags.dryRun });
  try {
    const caller = await operatorOf(store, flags);
    const { openReport } = await import('../import/row-report.js');
    const report = openReport(flags.report);
    const options = { directory, plan, flags, caller, uniqueFields: environment.uniqueCustomerFields };
    const result = await explained(() => importShown(store, options, report)).finally(report.close);
    if (wantsJson(flags)) print(result);
    else process.stdout.write(tableOf(result));
    if (result.failed > 0) process.exitCode = 1;
  } finally {
    await store.close();
  }
}

/** A report begins empty: it must not be a file that the import reads. @throws ConfigError */
function requireOwnFile(report: string | undefined, read: readonly (string | undefined)[]): void {
  const same = read.find((path) => report !== undefined && path !== undefined && isSameFile(report, path));
  if (same !== undefined)
    throw new ConfigError(`--report ${report} is ${same}, which it would empty: give another name`);
}

/** Reads the header, so that a wrong mapping is told before a database is opened. */
async function planImport(file: string, flags: ImportFlags): Promise<Plan> {
  const { columnsOfFile, formatOf } = await import('../import/row-source.js');
  const { columnsOfMap, mapColumns, readMap } = await import('../import/row-mapping.js');
  const format = formatOf(file);
  if (format === undefined)
    throw new ConfigError(`${file}: a file to import ends in .csv, .tsv, .txt, .jsonl or .ndjson`);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw new ConfigError(`there is no file ${file}`);
  const settings = await readMap(flags.map);
  const mapping = mapColumns(await columnsOfFile(file, format, columnsOfMap(settings)), settings);
  return { file, format, mapping, refSystem: flags.refSystem ?? settings.ref_system ?? DEFAULT_REF_SYSTEM };
}

function showMapping({ mapping, refSystem }: Plan): void {
  const width = Math.max(...mapping.map(({ column }) => column.length));
  const lines = mapping.map(({ column, target, by }) => {
    const system = target === 'external_ref' ? ` (system "${refSystem}")` : '';
    return `  ${column.padEnd(width)}  ${target}${system}${by === 'map' ? ', as mapped' : ''}\n`;
  });
  process.stderr.write(`Columns:\n${lines.join('')}`);
}

interface ShownImport {
  readonly directory: string;
  readonly plan: Plan;
  readonly flags: ImportFlags;
  readonly caller: Caller;
  readonly uniqueFields: CustomerImport['uniqueFields'];
}

type Printed = ImportResult & {
  readonly orgcode: string;
  readonly dry_run: boolean;
  readonly seconds: number;
};

async function importShown(
  store: Store,
  { directory, plan, flags, caller, uniqueFields }: ShownImport,
  report: CustomerImport['report'],
): Promise<Printed> {
  const { importCustomers, pacing } = await import('../import/customer-import.js');
  const { readSource } = await import('../import/row-source.js');
  const stampOf = createStampMaker();
  const headers = parseHeaders({});
  const shown = createProgress(process.stderr, flags.dryRun ? 'dry run' : 'import');
  const started = Date.now();
  const result = await importCustomers({
    ...plan,
    store,
    caller,
    uniqueFields,
    report,
    rows: readSource(plan.file, plan.format),
    validate: createValidate(join(directory, 'validators')),
    makeStamp: () => stampOf(headers),
    dryRun: flags.dryRun,
    maxErrors: flags.maxErrors,
    ...pacing(store.driver.dialect.hasManyWriters, flags.dryRun),
    onProgress: showing(statSync(plan.file).size, started, shown.step),
  }).finally(shown.done);
  return { orgcode: caller.orgcode, dry_run: flags.dryRun, ...result, seconds: (Date.now() - started) / 1000 };
}

/** Shows the rows so far, rows a second, and how long the rest of the file will take. */
function showing(size: number, started: number, step: (text: string) => void): CustomerImport['onProgress'] {
  return ({ rows, failed }: ImportCounts, bytes) => {
    const now = Date.now();
    const seconds = Math.max(0.001, (now - started) / 1000);
    const left = duration((seconds * (size - bytes)) / bytes);
    const rate = grouped(Math.round(rows / seconds));
    step(`${progressBar(bytes, size)} ${grouped(rows)} rows, ${grouped(failed)} failed, ${rate} rows/s, ${left} left`);
  };
}

/** The caller of every call of the import: the operator, who may do everything. @throws ConfigError */
async function operatorOf(store: Store, { org }: ImportFlags): Promise<Caller> {
  const orgcode = org.trim().toUpperCase();
  const status = await store.combine({ orgcode, dryRun: true, steps: () => statusOfOrg(orgcode) }).catch((error) => {
    if ((error as { readonly code?: string }).code === 'crm.not_found') return undefined;
    throw error;
  });
  if (status === undefined) throw new ConfigError(`there is no org ${orgcode}`);
  if (status !== 'verified')
    throw new ConfigError(`the org ${orgcode} is ${status}: only a verified one takes changes`);
  return {
    orgcode,
    org_status: status,
    owner: true,
    roles: [],
    actor: operatorName(),
    context_source: 'api_key',
    fingerprint: 'operator',
  };
}

/** Reports the operator's mistakes as such. @throws ConfigError */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  const { MappingError } = await import('../import/row-mapping.js');
  const { UnreadableFileError } = await import('../import/csv-reader.js');
  try {
    return await work();
  } catch (error) {
    if (error instanceof MappingError || error instanceof UnreadableFileError) throw new ConfigError(error.message);
    throw error;
  }
}

function tableOf({ dry_run, issues, failed, complete, seconds, ...counts }: Printed): string {
  const { rows, created, existing, opening_balances } = counts;
  const would = dry_run ? 'would be ' : '';
  const lines = [
    `${grouped(rows)} rows in ${seconds.toFixed(1)} s: ${grouped(created)} ${would}created, ${grouped(existing)} there already, ${grouped(failed)} failed`,
    `${grouped(opening_balances)} opening balances ${would}posted`,
    ...issues.map(({ row, column = '', code, message, fix }) => `row ${row}  ${column}  ${code}  ${message}  ${fix}`),
    ...(failed > 0 && issues.length >= 20 ? ['… more in the report, which --report writes'] : []),
    ...(complete ? [] : ['Stopped, because more rows failed than --max-errors allows.']),
  ];
  return `${lines.join('\n')}\n`;
}
