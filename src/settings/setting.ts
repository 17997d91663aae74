/** What a setting is: a flag, an environment variable and a line of the configuration file that mean the same. */

export interface Setting<Value = unknown> {
  /** Lower case, without a full stop, as in the help. */
  readonly description: string;
  /** What the flag takes, as commander writes it: `<file>`, `[url]` or `<host...>`. Without it the flag takes nothing. */
  readonly takes?: string;
  /** There is a variable and a line in the file, but no flag. */
  readonly hasFlag?: false;
  /** The value when nothing is given. */
  readonly default?: Value;
  /** The default in words, where it is not one value. */
  readonly defaultText?: string;
  /** The values that can be given, where they are few. */
  readonly choices?: readonly string[];
  /** The value of an optional argument that is not given: `--gateway` alone. */
  readonly preset?: string;
  /** Never shown. */
  readonly isSecret?: true;
  /** Whether a server over stdio cannot do without. */
  readonly isRequired?: true;
  /** Reads the text of a flag, a variable or a file. @throws Error that says what it must be, without the text. */
  readonly parse: (text: string) => Value;
}

/** The environment variable of a setting: `key-file` is G3N_KEY_FILE. */
export function variableOf(name: string): string {
  return `G3N_${name.replaceAll('-', '_').toUpperCase()}`;
}

/** The text to read: an optional value can also be turned on with `true` and off with `false`. */
export function givenText({ preset }: Setting, text: string | undefined): string | undefined {
  if (preset === undefined || text === undefined) return text;
  if (text === 'true') return preset;
  return text === 'false' ? undefined : text;
}

/** Whether the flag takes nothing. */
export function isYesOrNo({ takes, hasFlag }: Setting): boolean {
  return takes === undefined && hasFlag === undefined;
}
