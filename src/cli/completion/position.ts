/** Reads the words before the cursor: which command they reach, what is given, and what the next word can be. */
import type { Command, Option } from 'commander';

export interface CursorPosition {
  readonly command: Command;
  /** The words of the command. */
  readonly path: readonly string[];
  /** Options → their values so far; true stands for none. */
  readonly given: ReadonlyMap<Option, readonly (string | true)[]>;
  readonly operands: readonly string[];
  /** The option that the next word is the value of. */
  readonly awaiting: Option | undefined;
  /** After `--`, no word is an option. */
  readonly isAfterOptions: boolean;
}

/** @param reach called with each command on the way, before its options are looked at */
export function positionAfter(
  program: Command,
  words: readonly string[],
  reach: (command: Command, path: readonly string[]) => void,
): CursorPosition {
  const given = new Map<Option, (string | true)[]>();
  const path: string[] = [];
  const operands: string[] = [];
  let command = program;
  let awaiting: Option | undefined;
  let isAfterOptions = false;
  const give = (option: Option, value: string | true) => given.set(option, [...(given.get(option) ?? []), value]);
  for (const word of words) {
    const isOption = !isAfterOptions && /^-./.test(word);
    if (awaiting !== undefined && (awaiting.required || !isOption)) {
      give(awaiting, word);
      awaiting = undefined;
    } else if (word === '--' && !isAfterOptions) isAfterOptions = true;
    else if (isOption) {
      const { name, value } = optionWord(word);
      const option = optionNamed(command, name);
      awaiting = value === undefined && (option?.required || option?.optional) ? option : undefined;
      if (option !== undefined && awaiting === undefined) give(option, value ?? true);
    } else {
      const below = operands.length === 0 ? commandNamed(command, word) : undefined;
      if (below === undefined) operands.push(word);
      else {
        command = below;
        path.push(below.name());
        reach(command, path);
      }
    }
  }
  return { command, path, given, operands, awaiting, isAfterOptions };
}

/** `--name=value` in its parts. */
export function optionWord(word: string): { readonly name: string; readonly value: string | undefined } {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at === -1 ? { name: word, value: undefined } : { name: word.slice(0, at), value: word.slice(at + 1) };
}

/** The option of a command with this name, with its dashes. */
export function optionNamed({ options }: Command, name: string): Option | undefined {
  return options.find(({ long, short }) => name === long || name === short);
}

function commandNamed({ commands }: Command, name: string): Command | undefined {
  return commands.find((command) => command.name() === name || command.aliases().includes(name));
}
