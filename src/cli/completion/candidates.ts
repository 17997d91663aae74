/** What the word at the cursor can be: commands, options that are not given yet, and values. */
import type { Argument, Command, Option } from 'commander';
import { oneLine } from '../terminal-text.js';
import { type CursorPosition, optionNamed, optionWord } from './position.js';

export interface Suggestion {
  readonly value: string;
  readonly description: string;
}

/** Values that are known without asking a server, `files` of this machine, or none. */
export type Values = readonly Suggestion[] | 'files';

/** What can be given for an option or an argument. */
export interface ValueSource {
  ofOption(option: Option, position: CursorPosition): Promise<Values>;
  ofArgument(argument: Argument, index: number, position: CursorPosition): Promise<Values>;
  /** Whether an option can be given again. */
  canRepeat(option: Option, position: CursorPosition): boolean;
  /** Whether an option has been given, maybe under another name. */
  isGiven(option: Option, position: CursorPosition): boolean;
}

const MAX_DESCRIPTION = 80;

/** The candidates for a word, of which `current` has been typed. */
export async function candidatesAt(position: CursorPosition, current: string, source: ValueSource): Promise<Values> {
  const { awaiting, command, operands, isAfterOptions } = position;
  if (awaiting?.required || (awaiting !== undefined && !current.startsWith('-'))) {
    return matching(await source.ofOption(awaiting, position), current);
  }
  if (!isAfterOptions && current.startsWith('-')) {
    const { name, value } = optionWord(current);
    if (value === undefined) return matching(optionsOf(command, position, source), current);
    return withPrefix(`${name}=`, await valuesAfterEquals(position, name, value, source));
  }
  if (command.commands.length > 0) return operands.length > 0 ? [] : matching(commandsOfGroup(command), current);
  const index = Math.min(operands.length, command.registeredArguments.length - 1);
  const argument = command.registeredArguments[index];
  const isFree = argument !== undefined && (argument.variadic || operands.length === index);
  const values = isFree ? await source.ofArgument(argument, operands.length, position) : [];
  if (values === 'files' || values.length > 0 || current !== '' || isAfterOptions) return matching(values, current);
  return optionsOf(command, position, source);
}

async function valuesAfterEquals(
  position: CursorPosition,
  name: string,
  value: string,
  source: ValueSource,
): Promise<Values> {
  const option = optionNamed(position.command, name);
  return option === undefined ? [] : matching(await source.ofOption(option, position), value);
}

function withPrefix(prefix: string, values: Values): Values {
  if (values === 'files') return values;
  return values.map(({ value, description }) => ({ value: `${prefix}${value}`, description }));
}

function matching(values: Values, current: string): Values {
  return values === 'files' ? values : values.filter(({ value }) => value.startsWith(current));
}

function commandsOfGroup(command: Command): readonly Suggestion[] {
  const help = command.createHelp();
  return help
    .visibleCommands(command)
    .map((below) => ({ value: below.name(), description: help.subcommandDescription(below) }));
}

function optionsOf(command: Command, position: CursorPosition, source: ValueSource): readonly Suggestion[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => source.canRepeat(option, position) || !source.isGiven(option, position))
    .map(({ long, short, description }) => ({ value: long ?? short ?? '', description }));
}

/**
 * The lines that the scripts of the shells read. A candidate with a control character or a line break is left out: a
 * shell could not tell where it ends. A description gets one line of visible characters.
 */
export function completionText(values: Values): string {
  if (values === 'files') return 'files\n';
  const lines = values
    .filter(({ value }) => value !== '' && oneLine(value) === value)
    .map(({ value, description }) => {
      const text = oneLine(description);
      const short = text.length > MAX_DESCRIPTION ? `${text.slice(0, MAX_DESCRIPTION - 1)}…` : text;
      return short === '' ? value : `${value}\t${short}`;
    });
  return ['words', ...lines].map((line) => `${line}\n`).join('');
}
