/** `stdio`: one MCP client over stdin and stdout, its credentials from the environment. */
import type { Command } from 'commander';
import { createApplication } from '../application.js';
import { headersFromEnvironment, readEnvironment } from '../config.js';
import { createLog, describe } from '../log.js';
import { withConfirmation } from '../mcp/confirmation.js';
import { createServerFactory } from '../server.js';
import { type ConfirmFlags, confirmOption, dbOption, gatewayOptions } from './options.js';
import { signalled } from './output.js';
import { openServing, type ServingFlags } from './serving.js';

/** Adds the `stdio` command; `directory` is the program's own. */
export function addStdio(program: Command, directory: string): void {
  const command = program
    .command('stdio')
    .description('serve one MCP client over stdin and stdout')
    .addOption(dbOption())
    .option(
      '--demo',
      'fill an empty database with org DEMO, and work as its owner unless credentials are given',
      false,
    );
  command.addOption(confirmOption());
  for (const option of gatewayOptions()) command.addOption(option);
  command.action((flags: ServingFlags & ConfirmFlags) => serveStdio(directory, flags));
}

async function serveStdio(directory: string, flags: ServingFlags & ConfirmFlags): Promise<void> {
  const environment = readEnvironment(process.env);
  const log = createLog(environment.logLevel);
  const serving = await openServing(directory, flags, 'direct', environment, log);
  const headers = { ...serving.demo?.headers, ...headersFromEnvironment(process.env) };
  const { openStdio } = await import('../transport/stdio.js');
  const application = withConfirmation(createApplication(serving.backend, log, serving), flags.confirm, serving.keys);
  const factory = createServerFactory(application, () => headers);
  const door = openStdio(factory, (error) => log.warn({ cause: describe(error) }, 'stdio'));
  await Promise.race([door.closed, signalled()]);
  await door.close();
  await serving.backend.close();
}
