/** The `doctor` command: checks everything a working server needs, and prints a remedy for each problem. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { createStampMaker, openBackend } from '../application.js';
import { type Environment, headersFromEnvironment, readEnvironment } from '../config.js';
import type { Backend } from '../contract/backend.js';
import { checkCredentials } from '../doctor/check-credentials.js';
import { checkEnvironment, checkNode, namesCaller } from '../doctor/check-runtime.js';
import { checkStore } from '../doctor/check-store.js';
import type { Finding } from '../doctor/finding.js';
import { createLog } from '../log.js';
import { readCredentials } from '../pipeline/credentials.js';
import { parseHeaders } from '../pipeline/headers.js';
import { openServing, type ServingFlags } from './open-serving.js';
import { print } from './output.js';
import { dbOption, gatewayOptions, resolvedPath } from './shared-options.js';

type DoctorFlags = ServingFlags & { readonly json: boolean };

const MARK = { ok: 'ok  ', warn: 'warn', fail: 'FAIL' } as const;

/** Adds the `doctor` command. `directory` is the directory of the running program. */
export function addDoctor(program: Command, directory: string): void {
  const command = program
    .command('doctor')
    .description('check Node, configuration, database or gateway, and credentials; exit 1 if a check fails')
    .addOption(dbOption())
    .option('--json', 'print the findings as JSON', false);
  for (const option of gatewayOptions()) command.addOption(option);
  command.action((flags: DoctorFlags) => examine(directory, { ...flags, demo: false }));
}

async function examine(directory: string, flags: DoctorFlags): Promise<void> {
  const findings = [checkNode(process.versions.node), ...checkEnvironment(process.env)];
  const environment = environmentOr(findings);
  if (environment !== undefined) {
    const more = flags.gateway === undefined ? storeFindings(flags, environment) : gatewayFindings(directory, flags);
    findings.push(...(await more));
  }
  if (flags.json) print({ findings });
  else for (const finding of findings) process.stdout.write(lineOf(finding));
  if (findings.some(({ verdict }) => verdict === 'fail')) process.exitCode = 1;
}

/** Returns undefined if the environment is invalid: nothing else can be opened, and a finding already says so. */
function environmentOr(findings: readonly Finding[]): Environment | undefined {
  return findings.some(({ verdict, check }) => verdict === 'fail' && check === 'environment')
    ? undefined
    : readEnvironment(process.env);
}

async function storeFindings({ db }: DoctorFlags, environment: Environment): Promise<readonly Finding[]> {
  const path = resolvedPath(db);
  const findings = checkStore(path, environment.keyFile);
  if (findings.some(({ verdict }) => verdict === 'fail') || !existsSync(path) || !namesCaller(process.env))
    return findings;
  const store = openBackend({ path, environment, log: createLog('silent') });
  return [...findings, await callerFinding(store)];
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
  const serving = await openServing(
    directory,
    { ...flags, gatewayDb: ':memory:' },
    'direct',
    readEnvironment(process.env),
    createLog('silent'),
  );
  return [...findings, await callerFinding(serving.backend)];
}

/** Identifies the caller whose credentials are in the environment. Closes the backend. */
async function callerFinding(backend: Backend): Promise<Finding> {
  try {
    const headers = parseHeaders(headersFromEnvironment(process.env));
    const stamp = createStampMaker()(headers);
    return await checkCredentials(async () => backend.identify(readCredentials(headers), stamp), backend.kind);
  } finally {
    await backend.close();
  }
}

function lineOf({ check, verdict, found, remedy }: Finding): string {
  const line = `${MARK[verdict]}  ${check.padEnd(14)} ${found}\n`;
  return remedy === undefined ? line : `${line}      ${' '.repeat(14)} → ${remedy}\n`;
}
