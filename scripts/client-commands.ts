/** Writes the tables of docs/cli.md: every command of g3n, from the contract, and its exit codes. */
import { RESERVED_NAMES } from '../src/cli/call-options.js';
import { CLIENT_EXIT_CODES } from '../src/cli/client-exit-codes.js';
import { type CrmCommand, commandsOf } from '../src/cli/commands.js';
import { needsConfirmation } from '../src/cli/confirm.js';
import { readOfSameRecord } from '../src/cli/latest-revision.js';
import { type Flag, signatureOf } from '../src/cli/request-flags.js';
import type { Contract } from '../src/contract/operation.js';
import { cell, table } from './markdown-table.js';
import { sentence } from './variables.js';

const GENERATED = /^<!-- (commands|exit codes): written by `npm run generate` -->\n.*?^<!-- end -->$/gms;

/** docs/cli.md with current tables. @throws Error when it has no lines that mark where they go. */
export function withClientCommands(document: string, contract: Contract): string {
  const parts: { readonly [name: string]: () => string } = {
    commands: () => commandTable(contract),
    'exit codes': exitTable,
  };
  let count = 0;
  const filled = document.replace(GENERATED, (_whole, name: string) => {
    count += 1;
    return `<!-- ${name}: written by \`npm run generate\` -->\n\n${parts[name]?.()}\n\n<!-- end -->`;
  });
  if (count !== 2) throw new Error('docs/cli.md must have a line that starts each table, and one that ends it');
  return filled;
}

function commandTable(contract: Contract): string {
  const rows = commandsOf(contract).map((command) => [
    `\`${usageOf(command, contract)}\``,
    cell(sentence(command.operation.summary)),
    needsConfirmation(command.operation) ? 'yes' : '',
  ]);
  return table(['`g3n crm …`', 'what it does', 'asks first'], rows);
}

/** The words, the argument, and the flags that are required. */
function usageOf({ words, operation }: CrmCommand, contract: Contract): string {
  const { flags, argument } = signatureOf(operation, RESERVED_NAMES);
  const required = flags.filter((flag) => flag.isRequired && flag !== argument);
  const body = Object.fromEntries(flags.map(({ path }) => [path[0] ?? '', 'given']));
  const hasRead = readOfSameRecord(contract, operation, body) !== undefined;
  return [
    ...words,
    ...(argument === undefined ? [] : [argumentText(argument)]),
    ...required.map(({ names }) => `--${names[0]} …`),
    ...(operation.requiresRevision ? [hasRead ? '--latest' : '--expected-revision …'] : []),
  ].join(' ');
}

function argumentText({ names, isRequired }: Flag): string {
  const name = (names[0] ?? '').toUpperCase();
  return isRequired ? name : `[${name}]`;
}

function exitTable(): string {
  return table(
    ['code', 'meaning', 'error tags'],
    CLIENT_EXIT_CODES.map(({ code, meaning, tags = [] }) => [
      String(code),
      sentence(meaning),
      tags.map((tag) => `\`${tag}\``).join(', '),
    ]),
  );
}
