/** One example for the help of each command, from the examples of the contract. */
import type { CrmCommand } from './commands.js';
import type { Flag, Signature } from './request-flags.js';

type Fields = Readonly<Record<string, unknown>>;

/** The arguments after `g3n crm`; undefined when the contract has no example. */
export function exampleOf(
  { words, operation }: CrmCommand,
  { flags, argument }: Signature,
): readonly string[] | undefined {
  if (Object.keys((operation.requestSchema.properties as Fields | undefined) ?? {}).length === 0) return words;
  const isSecret = (value: Fields) => operation.shownOnce.some((field) => field in value);
  const example = operation.examples.find(({ value }) => !isSecret(value)) ?? operation.examples[0];
  if (example === undefined) return undefined;
  const args: string[] = [];
  let body: Fields = example.value;
  for (const flag of flags) {
    const value = valueAt(body, flag.path);
    if (value === undefined || flag.path.join('.') === 'idempotency_key') continue;
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && hasPartsWithin(flag, flags)) continue;
    body = without(body, flag.path);
    if (flag === argument) args.unshift(textOf(value));
    else for (const text of textsOf(flag, value)) args.push(`--${flag.names[0]}`, text);
  }
  return [...words, ...args];
}

/** A line for a POSIX shell. */
export function shellLine(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}

function hasPartsWithin(flag: Flag, flags: readonly Flag[]): boolean {
  return flags.some(({ path }) => path.length > flag.path.length && flag.path.every((name, at) => path[at] === name));
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

function without(body: Fields, [name = '', ...rest]: readonly string[]): Fields {
  const { [name]: part, ...others } = body;
  if (rest.length === 0) return others;
  return { ...others, [name]: without(part as Fields, rest) };
}
