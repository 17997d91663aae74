/** The options that every call has, beside the fields of its request. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_DEADLINE_MS, LONGEST_DEADLINE_MS } from '../gateway/deadline.js';
import { FORMATS, type Format } from './output/write-answer.js';
import type { TargetFlags } from './profiles/target.js';

export interface CallFlags extends TargetFlags {
  readonly data?: string;
  readonly unset: readonly string[];
  readonly latest?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly curl?: boolean;
  readonly retry?: boolean;
  readonly deadlineMs: number;
  readonly output?: Format;
  readonly fields?: readonly string[];
  readonly envelope?: boolean;
  readonly all?: boolean;
  readonly pager: boolean;
  readonly quiet?: boolean;
}

interface Described {
  readonly group: string;
  readonly option: Option;
}

/** The options of a call, with the heading of the help under which each stands. */
function callOptions(): readonly Described[] {
  const request = [
    new Option('-d, --data <json>', 'the request as JSON, @FILE, or - for stdin; flags win over it'),
    new Option('--unset <field...>', 'set fields to null').default([], 'none').argParser(collect),
    new Option('--latest', 'read the current revision of the record and send it as expected_revision'),
  ];
  const sending = [
    new Option('-y, --yes', 'do not ask before a call that moves value or cannot be undone'),
    new Option('--dry-run', 'show the request instead of sending it'),
    new Option('--curl', 'print the request as a curl command instead of sending it'),
    new Option(
      '--retry',
      'send a write that got no answer again, under its idempotency key; only where the server honours these keys',
    ),
    new Option('--deadline-ms <ms>', 'how long a call may take').default(DEFAULT_DEADLINE_MS).argParser(readDeadline),
  ];
  const output = [
    new Option('-o, --output <format>', 'default: a table on a terminal, otherwise json').choices(FORMATS),
    new Option('--fields <names>', 'only these fields, by dotted names with commas between').argParser(splitCommas),
    new Option('--envelope', 'print the whole envelope: data or error, revision, build and statistics'),
    new Option('--all', 'all pages of a list, as jsonl or csv'),
    new Option('--no-pager', 'never show a long table in $PAGER'),
    new Option('-q, --quiet', 'print no notes on stderr, only errors'),
  ];
  const within = (group: string, options: readonly Option[]) => options.map((option) => ({ group, option }));
  return [
    ...within('Request:', request),
    ...within('Sending:', sending),
    ...within('Output:', output),
    ...within('Target:', targetOptions()),
  ];
}

/** Where a call goes, and in which operating context. The credential is never a flag: others could read it. */
export function targetOptions(): readonly Option[] {
  return [
    new Option('--profile <name>', 'the profile to use (G3N_PROFILE)'),
    new Option('--base-url <url>', 'the API to call (G3N_BASE_URL); default: the live one'),
    new Option('--db <database>', 'call this database directly: a file or a postgres:// URL (G3N_DB)'),
    new Option('--key-file <file>', 'the server key of the database (G3N_KEY_FILE)'),
    new Option('--orgcode <code>', 'the org (G3N_ORGCODE)'),
    new Option('--facility <id>', 'the facility, for actions at one (G3N_LOGICAL_GUID)'),
    new Option('--channel-code <code>', 'the sales channel, for actions in one (G3N_CHANNEL_CODE)'),
    new Option('--cccode <code>', 'the cost center (G3N_CCCODE)'),
  ];
}

/** Names that a field of a request cannot have as its flag. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  [
    ...callOptions().flatMap(({ option }) => [option.long ?? '', option.long?.replace('--no-', '--') ?? '']),
    '--help',
    '--openapi',
  ].map((name) => name.slice(2)),
);

/** What an operation is like, as far as the options of its command depend on it. */
export interface OptionsThatApply {
  readonly changes: boolean;
  /** It needs the user's confirmation. */
  readonly asks: boolean;
  readonly revision: boolean;
  readonly nullable: boolean;
  readonly pages: boolean;
}

/** Options that only some operations have, by the names of their values. */
const CONDITIONS: { readonly [name: string]: keyof OptionsThatApply } = {
  unset: 'nullable',
  latest: 'revision',
  yes: 'asks',
  retry: 'changes',
  all: 'pages',
};

/** Adds the options that apply, under their headings. */
export function addCallOptions(command: Command, applies: OptionsThatApply): void {
  for (const { group, option } of callOptions()) {
    const condition = CONDITIONS[option.attributeName()];
    if (condition !== undefined && !applies[condition]) continue;
    command.addOption(option.helpGroup(group));
  }
}

/** The flags as the commands take them: `--channel-code` is the channel of the target. */
export function flagsOf(command: Command): CallFlags {
  const { channelCode, ...flags } = command.opts<Omit<CallFlags, 'channel'> & { readonly channelCode?: string }>();
  return { ...flags, unset: flags.unset ?? [], ...(channelCode === undefined ? {} : { channel: channelCode }) };
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...splitCommas(text)];
}

function splitCommas(text: string): readonly string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function readDeadline(text: string): number {
  const ms = Number(text);
  if (!/^\d+$/.test(text) || ms < 1 || ms > LONGEST_DEADLINE_MS)
    throw new InvalidArgumentError(`must be a whole number from 1 to ${LONGEST_DEADLINE_MS}.`);
  return ms;
}
