/**
 * `g3n crm …`: a command for each operation of a contract. The options of a command are made when it is reached, so the
 * others cost nothing.
 */
import { Argument, type Command, Option } from 'commander';
import type { GivenFlag } from './build-body.js';
import { addCallOptions, flagsOf, type OptionsThatApply, RESERVED_NAMES } from './call-options.js';
import { CliError } from './cli-error.js';
import type { CrmCommand } from './commands.js';
import { needsConfirmation } from './confirm.js';
import { exampleOf, shellLine } from './example.js';
import { type Flag, type Signature, signatureOf } from './request-flags.js';
import { type CallContext, sendCall } from './send-call.js';

/** Runs the command's call; its exit code is the process's. */
export type OnExit = (code: number) => void;

/** Adds the commands of the contract below `parent`. */
export function addCrmCommands(parent: Command, context: CallContext, onExit: OnExit): void {
  const groups = new Map<string, Command>([['', parent]]);
  for (const command of context.commands) {
    const leaf = commandAt(groups, command.words);
    leaf.summary(command.operation.summary);
    leaf.action(async (...args: readonly unknown[]) => {
      onExit(await run(context, command, leaf, args[0] as string | undefined));
    });
    prepareOnUse(leaf, command);
  }
}

/** The command of these words; it and the groups on the way to it are made when they are not there. */
function commandAt(groups: Map<string, Command>, words: readonly string[]): Command {
  const path = words.join(' ');
  const known = groups.get(path);
  if (known !== undefined) return known;
  const parent = commandAt(groups, words.slice(0, -1));
  const made = parent.command(words.at(-1) ?? '').enablePositionalOptions();
  if (words.length === 1) made.description(`${words[0]} commands`);
  groups.set(path, made);
  return made;
}

/** The options that make no sense for an operation are left out. */
function optionsThatApply(operation: CrmCommand['operation'], { flags }: Signature): OptionsThatApply {
  const has = (name: string) => flags.some(({ path }) => path.join('.') === name);
  return {
    changes: operation.effect !== 'read',
    asks: needsConfirmation(operation),
    revision: has('expected_revision'),
    nullable: flags.some(({ isNullable }) => isNullable),
    pages: has('next_token'),
  };
}

const prepared = new WeakMap<Command, Prepared>();

export interface Prepared {
  readonly signature: Signature;
  readonly given: Map<Flag, string[]>;
}

/** Adds the options of a command when the arguments reach it. */
function prepareOnUse(leaf: Command, command: CrmCommand): void {
  leaf.parent?.hook('preSubcommand', (_parent, reached) => {
    if (reached === leaf) prepareCommand(leaf, command);
  });
}

/** Adds what a command takes: once. */
export function prepareCommand(leaf: Command, command: CrmCommand): Prepared {
  const known = prepared.get(leaf);
  if (known !== undefined) return known;
  const { operation } = command;
  leaf.description(operation.description);
  const signature = signatureOf(operation, RESERVED_NAMES);
  const given = new Map<Flag, string[]>();
  const { argument } = signature;
  if (argument !== undefined) {
    const name = (argument.names[0] ?? '').toUpperCase();
    leaf.addArgument(new Argument(`[${name}]`, describe(argument)));
  }
  for (const flag of signature.flags) addFlag(leaf, flag, given, operation.shownOnce);
  addCallOptions(leaf, optionsThatApply(operation, signature));
  const example = exampleOf(command, signature);
  if (example !== undefined) leaf.addHelpText('after', `\nExample:\n  $ g3n crm ${shellLine(example)}`);
  const made = { signature, given };
  prepared.set(leaf, made);
  return made;
}

/** The first name of a flag is shown; its others are for those who know the fields of the API. */
function addFlag(leaf: Command, flag: Flag, given: Map<Flag, string[]>, secrets: readonly string[]): void {
  const isSecret = secrets.includes(flag.path.join('.'));
  for (const [at, name] of flag.names.entries()) {
    const option = new Option(`--${name}${isSecret ? '' : takesOf(flag)}`, describe(flag));
    // Without a value it is yes; a secret is asked for later.
    leaf.on(`option:${name}`, (text: string | null) => given.set(flag, [...(given.get(flag) ?? []), text ?? 'true']));
    option.helpGroup('Fields:');
    leaf.addOption(at > 0 ? option.hideHelp() : option);
  }
}

function takesOf({ kind, choices, isList, isMap }: Flag): string {
  if (kind === 'boolean' && !isList) return ' [true|false]';
  if (isMap) return ' <key=value>';
  if (choices !== undefined) return ' <name>';
  return ` <${{ text: 'text', integer: 'number', number: 'number', boolean: 'true', date: 'date', 'date-time': 'time', json: 'json' }[kind]}>`;
}

function describe({ description, choices, isRequired, isList, isNullable }: Flag): string {
  const notes = [
    ...(choices === undefined ? [] : [choices.join(', ')]),
    ...(isRequired ? ['required'] : []),
    ...(isList ? ['can be given several times'] : []),
    ...(isNullable ? ['can be unset'] : []),
  ];
  const text = description.replace(/\.$/, '');
  return [text, notes.length === 0 ? '' : `(${notes.join('; ')})`].filter((part) => part !== '').join(' ');
}

async function run(
  context: CallContext,
  command: CrmCommand,
  leaf: Command,
  positional: string | undefined,
): Promise<number> {
  const { signature, given } = prepareCommand(leaf, command);
  const flags = [...given].map(([flag, texts]): GivenFlag => ({ flag, texts }));
  const { argument } = signature;
  if (positional !== undefined && argument !== undefined) {
    if (given.has(argument)) throw new CliError(`${argument.names[0]} is given twice: as an argument and as a flag`);
    flags.unshift({ flag: argument, texts: [positional] });
  }
  const complete = await Promise.all(flags.map((one) => typedIfSecret(one, command, context)));
  return sendCall(context, { command, signature, given: complete, flags: flagsOf(leaf) });
}

/** Codes and PINs are typed: what is on a command line, others can read. */
async function typedIfSecret(given: GivenFlag, { operation }: CrmCommand, { io }: CallContext): Promise<GivenFlag> {
  const { flag } = given;
  if (!operation.shownOnce.includes(flag.path.join('.'))) return given;
  const { askSecret } = await import('./ask-secret.js');
  return { flag, texts: [await askSecret(`${flag.names[0]}:`, io)] };
}
