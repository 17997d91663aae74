/** The `stdio` command: serves one MCP client over stdin and stdout, with credentials from the environment. */
import type { Command } from 'commander';
import { headersFromEnvironment, readEnvironment } from '../config.js';
import { createLog, describe } from '../log.js';
import { createServerFactory } from '../mcp/server.js';
import { parseHeaders } from '../pipeline/headers.js';
import { AGENT_SETTINGS, type AgentFlags, agentApplication, agentSettings } from './agent-options.js';
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
  const serve = async (serving: Serving) => {
    const headers = parseHeaders({ ...serving.demo?.headers, ...headersFromEnvironment(process.env) });
    const { openStdio } = await import('../transport/stdio.js');
    const traces = await serveTraces(traceSettings, log);
    const application = traces.traced(agentApplication(serving, log, settings), 'stdio');
    const factory = createServerFactory(application, () => headers);
    const transport = openStdio(factory, (error) => log.warn({ cause: describe(error) }, 'stdio transport error'));
    await Promise.race([transport.closed, signalled()]);
    await transport.close();
    await traces.close();
  };
  await withServing(serve, directory, { ...flags, readOnly }, 'direct', environment, log);
}
