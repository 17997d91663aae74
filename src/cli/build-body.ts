/** The body of a request: what `--data` gives, and over it what the flags say. */
import type { Input } from '../contract/backend.js';
import { nearestName } from '../nearest-name.js';
import { CliError } from './cli-error.js';
import { readValue } from './read-value.js';
import type { Flag, Signature } from './request-flags.js';

/** A flag as it was given, once or several times. */
export interface GivenFlag {
  readonly flag: Flag;
  readonly texts: readonly string[];
}

export interface GivenBody {
  /** The object of `--data`. */
  readonly data: Input;
  readonly flags: readonly GivenFlag[];
  /** Fields to set to null. */
  readonly unset: readonly string[];
}

type Loose = { [field: string]: unknown };

/** @throws CliError for a value that its field does not take, or for a required field that is not given. */
export function buildBody({ flags }: Signature, { data, flags: given, unset }: GivenBody): Input {
  const body = structuredClone(data) as Loose;
  // Objects first: a flag for a field of one wins, in whichever order they are given.
  for (const { flag, texts } of given.toSorted((one, other) => one.flag.path.length - other.flag.path.length)) {
    const values = texts.map((text) => readValue(flag, text));
    put(body, flag, combined(flag, values));
  }
  for (const name of unset) put(body, nullable(flags, name), null);
  const missing = flags.filter((flag) => flag.isRequired && at(body, flag.path) === undefined);
  const named = missing.filter(({ path }) => path.join('.') !== 'expected_revision');
  if (named.length > 0)
    throw new CliError(`give ${named.map(({ names }) => `--${names[0]}`).join(' and ')} (or the fields with --data)`);
  return body;
}

function combined(flag: Flag, values: readonly unknown[]): unknown {
  if (flag.isList) return values.flat(); // an item each, or a whole list as JSON
  if (flag.isMap && values.every((value) => typeof value === 'object')) return Object.assign({}, ...values);
  if (values.length > 1) throw new CliError(`--${flag.names[0]} can be given once`);
  return values[0];
}

/** Sets a field; objects on the way to it are made, and those that are there keep their other fields. */
function put(body: Loose, { path, names }: Flag, value: unknown): void {
  let within = body;
  for (const name of path.slice(0, -1)) {
    const next = within[name] ?? {};
    if (typeof next !== 'object' || Array.isArray(next)) throw new CliError(`--${names[0]}: ${name} is not an object`);
    within[name] = next;
    within = next as Loose;
  }
  within[path.at(-1) ?? ''] = value;
}

function at(body: Loose, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Loose | undefined | null)?.[name], body);
}

function nullable(flags: readonly Flag[], name: string): Flag {
  const found = flags.find(({ names }) => names.includes(name.replaceAll('_', '-')));
  const known = flags.filter(({ isNullable }) => isNullable).map(({ names }) => names[0] ?? '');
  if (found?.isNullable === true) return found;
  if (found !== undefined) throw new CliError(`--unset ${name}: this field cannot be empty`);
  const near = nearestName(name, known);
  throw new CliError(`--unset ${name}: there is no such field${near === undefined ? '' : `: did you mean ${near}?`}`);
}
