/** The `doctor` command: checks everything a working server needs, and prints a remedy for each problem. */
import type { Command } from 'commander';
import { type DatabaseFlags, type Environment, headersFromEnvironment, readEnvironment } from '../config.js';
import type { Backend } from '../contract/backend.js';
import { createStampMaker } from '../create-pipeline.js';
import { checkCredentials } from '../doctor/check-credentials.js';
import { checkEnvironment, checkNode, namesCaller } from '../doctor/check-runtime.js';
import { checkStore } from '../doctor/check-store.js';
import { type Finding, linesOf } from '../doctor/finding.js';
import { createLog } from '../log.js';
import { openBackend } from '../open-backend.js';
import { readCredentials } from '../pipeline/credentials.js';
import { parseHeaders } from '../pipeline/headers.js';
import { isPostgresUrl } from '../store/postgres/connection-url.js';
import { type ServingFlags, withServing } from './open-serving.js';
import { print } from './output.js';
import { addSettings } from './setting-options.js';
import { CALLER_SETTINGS, DATABASE_SETTINGS, GATEWAY_SETTINGS, resolvedPath } from './shared-options.js';

type DoctorFlags = ServingFlags & { readonly json: boolean };

/** Adds the `doctor` command. `directory` is the directory of the running program. */
export function addDoctor(program: Command, directory: string): void {
  const command = program
    .command('doctor')
    .description('check Node, configuration, database or gateway, and credentials; exit 1 if a check fails')
    .option('--json', 'print the findings as JSON', false);
  addSettings(command, [...DATABASE_SETTINGS, ...CALLER_SETTINGS, ...GATEWAY_SETTINGS]);
  command.action((flags: DoctorFlags) => examine(directory, { ...flags, demo: false }));
}

async function examine(directory: string, flags: DoctorFlags): Promise<void> {
  const findings = [checkNode(process.versions.node), ...checkEnvironment(process.env)];
  const environment = environmentOr(findings, flags);
  if (environment !== undefined) {
    const more = flags.gateway === undefined ? storeFindings(environment) : gatewayFindings(directory, flags);
    findings.push(...(await more));
  }
  if (flags.json) print({ findings });
  else process.stdout.write(linesOf(findings));
  if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = 1;
}

/** Returns undefined if the environment is invalid: nothing else can be opened, and a finding already says so. */
function environmentOr(findings: readonly Finding[], flags: DatabaseFlags): Environment | undefined {
  return findings.some(({ verdict, check }) => verdict === 'fail' && check === 'environment')
    ? undefined
    : readEnvironment(process.env, flags);
}

async function storeFindings(environment: Environment): Promise<readonly Finding[]> {
  const database = resolvedPath(environment.db);
  const findings = isPostgresUrl(database)
    ? await postgresFindings(database, environment)
    : checkStore(database, environment.keyFile);
  const isOpenable = hasTables(findings);
  if (findings.some(({ verdict }) => verdict === 'fail') || !isOpenable || !namesCaller(process.env)) return findings;
  const store = await openBackend({ database, environment, log: createLog('silent'), readOnly: true });
  try {
    return [...findings, await callerFinding(store)];
  } finally {
    await store.close();
  }
}

async function postgresFindings(url: string, { keyFile, groups }: Environment): Promise<readonly Finding[]> {
  const { checkGroups, checkPostgres } = await import('../doctor/check-postgres.js');
  const first = await checkPostgres(url, keyFile);
  return groups === undefined ? first : [...first, ...(await checkGroups(groups, keyFile))];
}

/** The database is opened read-only: its tables must be those of this version. */
function hasTables(findings: readonly Finding[]): boolean {
  return findings.some(({ check, verdict }) => check === 'schema' && verdict === 'ok');
}

async function gatewayFindings(directory: string, flags: DoctorFlags): Promise<readonly Finding[]> {
  const { checkGateway } = await import('../doctor/check-gateway.js');
  const { checkPublished } = await import('../doctor/check-published.js');
  const { parseUrl, proxyFrom, readContract } = await import('./open-gateway.js');
  const base = parseUrl('--gateway', flags.gateway ?? '');
  const read = (source: string) => readContract(source, flags.proxy);
  const findings = [
    ...(await checkGateway(base, Date.now, proxyFrom(flags.proxy))),
    ...(await checkPublished(base, read)),
  ];
  if (!namesCaller(process.env)) return findings;
  const caller = await withServing(
    ({ backend }) => callerFinding(backend),
    directory,
    { ...flags, gatewayDb: ':memory:' },
    'direct',
    { ...readEnvironment(process.env), keyFile: undefined }, // which would be made
    createLog('silent'),
    { mayCreate: false, check: () => {} },
  );
  return [...findings, caller];
}

/** Identifies the caller whose credentials are in the environment. */
async function callerFinding(backend: Backend): Promise<Finding> {
  const headers = parseHeaders(headersFromEnvironment(process.env));
  const stamp = createStampMaker()(headers);
  return checkCredentials(async () => backend.identify(readCredentials(headers), stamp), backend.kind);
}
