/** The `stdio` command: serves one MCP client over stdin and stdout, with credentials from the environment. */
import type { Command } from 'commander';
import { ConfigError, headersFromEnvironment, readEnvironment } from '../config.js';
import type { Backend } from '../contract/backend.js';
import { CrmError } from '../contract/errors.js';
import { createStampMaker } from '../create-pipeline.js';
import { createLog, describe } from '../log.js';
import { readCredentials } from '../pipeline/credentials.js';
import { type CallHeaders, parseHeaders } from '../pipeline/headers.js';
import { surviveClosedPipe } from '../terminal/closed-pipe.js';
import {
  AGENT_SETTINGS,
  type AgentFlags,
  agentApplication,
  agentSettings,
  checkAgentSettings,
} from './agent-options.js';
import { type Serving, type ServingFlags, withServing } from './open-serving.js';
import { signalled } from './output.js';
import { readTraceSettings, serveTraces } from './serve-traces.js';
import { addSettings } from './setting-options.js';
import { CALLER_SETTINGS, DATABASE_SETTINGS, GATEWAY_SETTINGS } from './shared-options.js';
import type { TraceFlags } from './telemetry-options.js';

/** Adds the `stdio` command. `directory` is the directory of the running program. */
export function addStdio(program: Command, directory: string): void {
  const command = program.command('stdio').description('serve one MCP client over stdin and stdout');
  addSettings(command, [...DATABASE_SETTINGS, ...CALLER_SETTINGS, ...AGENT_SETTINGS, ...GATEWAY_SETTINGS, 'otel']);
  command.action((flags: ServingFlags & AgentFlags & TraceFlags) => serveStdio(directory, flags));
}

async function serveStdio(directory: string, flags: ServingFlags & AgentFlags & TraceFlags): Promise<void> {
  const environment = readEnvironment(process.env, flags);
  const log = createLog(environment.logLevel);
  const settings = agentSettings(flags);
  const traceSettings = readTraceSettings(flags.otel, process.env, log);
  const { readOnly } = settings;
  const given = headersFromEnvironment(process.env);
  const serve = async (serving: Serving) => {
    const headers = parseHeaders({ ...serving.demo?.headers, ...given });
    if (serving.backend.kind === 'store') await requireAccepted(serving.backend, headers);
    surviveClosedPipe(); // the transport closes when its pipe does
    // The SDK, which other commands need not load.
    const { openStdio, stdioApplicationOf } = await import('../transport/stdio.js');
    const traces = await serveTraces(traceSettings, log);
    const application = traces.traced(agentApplication(serving, log, settings), 'stdio');
    const served = stdioApplicationOf(application, headers);
    const transport = openStdio(served, (error) => log.warn({ cause: describe(error) }, 'stdio transport error'));
    await Promise.race([transport.closed, signalled()]);
    await transport.close();
    await traces.close();
  };
  await withServing(serve, directory, { ...flags, readOnly }, 'direct', environment, log, {
    mayCreate: flags.demo, // a new database has no org whose caller could be served
    check(contract) {
      if (!flags.demo) requireCredentials(parseHeaders(given));
      checkAgentSettings(contract, settings);
    },
  });
}

/** @throws ConfigError when the environment does not identify a caller: every call would be rejected. */
function requireCredentials(headers: CallHeaders): void {
  try {
    readCredentials(headers);
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    throw new ConfigError(
      'stdio serves the caller whose credentials are in the environment: set G3N_ORGCODE, and G3N_API_KEY or ' +
        'G3N_SESSION_GUID; or add --demo',
    );
  }
}

const REJECTED: readonly number[] = [401, 404];

/** @throws ConfigError when the store does not know the org or the credential. */
async function requireAccepted(backend: Backend, headers: CallHeaders): Promise<void> {
  try {
    await backend.identify(readCredentials(headers), createStampMaker()(headers));
  } catch (error) {
    if (!(error instanceof CrmError) || !REJECTED.includes(error.status)) throw error;
    throw new ConfigError(
      `G3N_ORGCODE and the credential are rejected with ${error.code}: make a key with g3n-crm-mcp admin key create, ` +
        'and set it as G3N_API_KEY',
    );
  }
}
