/** One example for the help of each command, from the examples of the contract. */
import type { CrmCommand } from './commands.js';
import type { Flag, Signature } from './request-flags.js';

type Fields = Readonly<Record<string, unknown>>;

/** The arguments after `g3n crm` of a command's example; undefined when the contract has none. */
export function exampleOf(command: CrmCommand, signature: Signature): readonly string[] | undefined {
  const { operation, words } = command;
  if (Object.keys((operation.requestSchema.properties as Fields | undefined) ?? {}).length === 0) return words;
  const isSecret = (value: Fields) => operation.shownOnce.some((field) => field in value);
  const example = operation.examples.find(({ value }) => !isSecret(value)) ?? operation.examples[0];
  if (example === undefined) return undefined;
  const { idempotency_key: _own, ...value } = example.value;
  return commandLineOf(command, signature, value);
}

/** The arguments after `g3n crm` that make a body. */
export function commandLineOf({ words }: CrmCommand, { flags, argument }: Signature, whole: Fields): readonly string[] {
  const args: string[] = [];
  const first: string[] = [];
  let body = whole;
  for (const flag of flags.toSorted((one, other) => other.path.length - one.path.length)) {
    const value = valueAt(body, flag.path);
    if (value === undefined) continue;
    body = without(body, flag.path);
    if (value === null) args.push('--unset', flag.names[0] ?? '');
    else if (flag === argument) first.push(textOf(value));
    else args.push(...textsOf(flag, value).flatMap((text) => [`--${flag.names[0]}`, text]));
  }
  return [...words, ...first, ...args];
}

/** A line for a POSIX shell. */
export function shellLine(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}

function textsOf(flag: Flag, value: unknown): readonly string[] {
  if (flag.isList && Array.isArray(value)) return value.map(textOf);
  return [textOf(value)];
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function valueAt(body: Fields, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Fields | undefined)?.[name], body);
}

/** The body without a field, and without the objects that are empty then. */
function without(body: Fields, [name = '', ...rest]: readonly string[]): Fields {
  const { [name]: part, ...others } = body;
  if (rest.length === 0) return others;
  const left = without(part as Fields, rest);
  return Object.keys(left).length === 0 ? others : { ...others, [name]: left };
}
