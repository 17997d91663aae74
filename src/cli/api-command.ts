/** `g3n api METHOD PATH`: sends any request to the API, with the target and credential of every other command. */
import { Argument, type Command } from 'commander';
import type { Method, Operation } from '../contract/operation.js';
import { PLAIN_OPERATION } from '../contract/plain-operation.js';
import { addCallOptions, flagsOf } from './call-options.js';
import { CliError } from './cli-error.js';
import type { OnExit } from './crm-command.js';
import { type CallContext, sendCall } from './send-call.js';

const METHODS: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Adds the command. */
export function addApiCommand(program: Command, context: () => Promise<CallContext>, onExit: OnExit): void {
  const command = program
    .command('api')
    .description('send a request by its method and path, as the documentation writes them')
    .addArgument(new Argument('<method>', 'GET or POST').choices(METHODS.flatMap((name) => [name, name.toLowerCase()])))
    .argument('<path>', 'below the base URL: /customer/get');
  addCallOptions(command, { changes: true, asks: true, revision: false, nullable: false, pages: true });
  command.addHelpText('after', `\nExample:\n  $ g3n api POST /customer/get -d '{"customer_id":"CUSTOMER_ID"}'`);
  command.action(async (method: string, path: string) => {
    const { contract, ...rest } = await context();
    const operation = operationAt(contract.operations, method.toUpperCase() as Method, path);
    const flags = flagsOf(command);
    onExit(
      await sendCall(
        { contract, ...rest },
        { command: { words: ['api', method, path], operation }, signature: NO_FLAGS, given: [], flags },
      ),
    );
  });
}

const NO_FLAGS = { flags: [], argument: undefined };

/** The operation of the contract, or one about which nothing is known: a write that may do anything. */
function operationAt(operations: readonly Operation[], method: Method, path: string): Operation {
  if (!/^\/[^\s?#]*(\?\S*)?$/.test(path)) throw new CliError('the path must begin with /: /customer/get');
  const known = operations.find((operation) => operation.method === method && operation.path === path);
  if (known !== undefined) return known;
  const isRead = method === 'GET' || method === 'HEAD';
  return {
    ...PLAIN_OPERATION,
    id: 'api',
    method,
    path,
    family: 'api',
    summary: `${method} ${path}`,
    description: '',
    effect: isRead ? 'read' : 'destroy',
    origin: 'vendor',
    inputSchema: {},
    requestSchema: {},
    outputSchema: {},
  };
}
