/** What can be given for an option or an argument: choices, files, profiles, or ids that a server lists. */
import type { Option } from 'commander';
import type { Input } from '../../contract/backend.js';
import type { Prepared } from '../crm-command.js';
import { PROFILE_FIELDS, readProfiles } from '../profiles/profile-files.js';
import { destinationKey, destinationOfProfile, resolveTarget, type TargetFlags } from '../profiles/target.js';
import type { Flag } from '../request-flags.js';
import type { CallContext } from '../send-call.js';
import type { Suggestion, ValueSource, Values } from './candidates.js';
import type { CursorPosition } from './position.js';
import { idsIn, listFor } from './record-ids.js';

/** A person waits for the answer. */
const DEADLINE_MS = 800;
const FILES = ['--data', '--db', '--key-file', '--openapi'];
const TARGET_FLAGS = {
  profile: 'profile',
  baseUrl: 'baseUrl',
  db: 'db',
  orgcode: 'orgcode',
  facility: 'facility',
  channelCode: 'channel',
  cccode: 'cccode',
} as const satisfies { readonly [option: string]: keyof TargetFlags };

/** @param prepared the command of an operation that the words have reached */
export function createValueSource(context: CallContext, prepared: () => PreparedCommand | undefined): ValueSource {
  const { env } = context.io;
  const flagOf = ({ long }: Option) => prepared()?.signature.flags.find(({ names }) => names.includes(bare(long)));
  const valuesOf = (flag: Flag | undefined, position: CursorPosition) =>
    flag === undefined ? [] : valuesOfFlag(flag, position, context, prepared());
  return {
    async ofOption(option, position) {
      if (option.argChoices !== undefined) return plain(option.argChoices);
      if (FILES.includes(option.long ?? '')) return 'files';
      if (option.long === '--profile') return profiles(env);
      return valuesOf(flagOf(option), position);
    },
    async ofArgument(argument, index, position) {
      if (argument.argChoices !== undefined) return plain(argument.argChoices);
      if (position.path[0] === 'profile') return [profiles, fieldsOf][index]?.(env, position) ?? [];
      return valuesOf(prepared()?.signature.argument, position);
    },
    canRepeat: (option) => option.variadic || flagOf(option)?.isList === true || flagOf(option)?.isMap === true,
    isGiven(option, { given, operands }) {
      const flag = flagOf(option);
      if (flag === undefined) return given.has(option);
      const byArgument = operands.length > 0 && flag === prepared()?.signature.argument;
      return byArgument || [...given.keys()].some((one) => flagOf(one) === flag);
    },
  };
}

/** The command of an operation, with its fields as flags. */
export interface PreparedCommand extends Pick<Prepared, 'signature'> {
  readonly family: string;
}

function bare(long: string | undefined): string {
  return long?.slice(2) ?? '';
}

function plain(values: readonly string[]): readonly Suggestion[] {
  return values.map((value) => ({ value, description: '' }));
}

async function profiles(env: NodeJS.ProcessEnv): Promise<readonly Suggestion[]> {
  const { profiles: all = {} } = await readProfiles(env);
  return Object.entries(all).map(([value, profile]) => {
    const facts = [profile.orgcode, destinationKey(destinationOfProfile(profile))].filter((fact) => fact !== undefined);
    return { value, description: facts.join(' at ') };
  });
}

async function fieldsOf(_env: NodeJS.ProcessEnv, { path }: CursorPosition): Promise<readonly Suggestion[]> {
  return path[1] === 'set' ? plain(PROFILE_FIELDS) : [];
}

async function valuesOfFlag(
  { choices, kind, path }: Flag,
  position: CursorPosition,
  context: CallContext,
  command: PreparedCommand | undefined,
): Promise<Values> {
  if (choices !== undefined) return plain(choices);
  if (kind === 'boolean') return plain(['true', 'false']);
  const { operations } = context.contract;
  const list = command && listFor(path.at(-1) ?? '', command.family, operations, inputGiven(position, command));
  return list === undefined ? [] : idsFrom(list, position, context);
}

/** The fields of the request that are given as texts, by their names. */
function inputGiven({ given, operands }: CursorPosition, { signature }: PreparedCommand): Input {
  const { flags, argument } = signature;
  const named = [...given].flatMap(([{ long }, values]) => {
    const flag = flags.find(({ names }) => names.includes(bare(long)));
    return flag === undefined ? [] : [[flag.path.join('.'), values.at(-1)] as const];
  });
  const first = argument !== undefined && operands[0] !== undefined ? [[argument.path.join('.'), operands[0]]] : [];
  return Object.fromEntries([...first, ...named]);
}

/** Asks only a server: a database would be opened for writing, and an older one changed. */
async function idsFrom(
  { operation, input, idField }: NonNullable<ReturnType<typeof listFor>>,
  position: CursorPosition,
  { io, contract: { operations } }: CallContext,
): Promise<readonly Suggestion[]> {
  const target = await resolveTarget(targetFlags(position), io.env);
  const credential = target.database === undefined ? await target.credentialWithoutCommand() : undefined;
  if (credential === undefined || target.orgcode === undefined) return [];
  const { createHttpClient } = await import('../http-client.js');
  const client = createHttpClient({
    baseUrl: target.baseUrl,
    operations,
    caller: { orgcode: target.orgcode, credential, context: {} },
    deadlineMs: DEADLINE_MS,
    repeatsWrites: false,
  });
  try {
    const envelope = await client.send({ operation, input });
    return envelope.success ? idsIn(envelope.data, idField) : [];
  } finally {
    await client.close();
  }
}

function targetFlags({ given }: CursorPosition): TargetFlags {
  const values = [...given].flatMap(([option, texts]) => {
    const name = TARGET_FLAGS[option.attributeName() as keyof typeof TARGET_FLAGS];
    const text = texts.at(-1);
    return name === undefined || typeof text !== 'string' ? [] : [[name, text] as const];
  });
  return Object.fromEntries(values);
}
