/**
 * Where a call happens: facility, channel and cost code, from headers or, when the headers are silent, from arguments.
 */
import type { Input, OperatingContext } from '../contract/backend.js';
import { badRequest, type CrmError } from '../contract/errors.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import { CCCODE, CHANNEL_CODE, type Headers, header, LOGICAL_GUID } from './headers.js';

interface Field {
  readonly name: keyof OperatingContext;
  readonly header: string;
  readonly pattern: RegExp;
  readonly description: string;
  /** The `error_code` when it is malformed. */
  readonly invalid: string;
  /** The `error_code` when an operational action lacks it; without one it may be lacking. */
  readonly missing?: string;
}

const FIELDS: readonly Field[] = [
  {
    name: 'logical_guid',
    header: LOGICAL_GUID,
    pattern: /^[\x21-\x7e]{1,128}$/,
    description: 'Facility of the action',
    invalid: 'crm.logical_guid_invalid',
    missing: 'crm.logical_guid_required',
  },
  {
    name: 'channel_code',
    header: CHANNEL_CODE,
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    description: 'Sales channel',
    invalid: 'crm.channel_code_invalid',
    missing: 'crm.channel_code_required',
  },
  {
    name: 'cccode',
    header: CCCODE,
    pattern: /^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$/,
    description: 'Cost code XXXX-XXXX-XXXX',
    invalid: 'crm.cccode_invalid',
  },
];

/** Which places a connection sets itself: one bit a field. */
export type PinnedFields = number;

/** Every combination of them. */
export const ALL_PINNED_FIELDS: readonly PinnedFields[] = Array.from({ length: 2 ** FIELDS.length }, (_, pins) => pins);

/** The places these headers set. */
export function pinnedFieldsOf(headers: Headers): PinnedFields {
  return FIELDS.reduce(
    (pins, field, bit) => (header(headers, field.header) === undefined ? pins : pins | (1 << bit)),
    0,
  );
}

/** The optional arguments an operational tool takes besides its request: places that the connection does not set. */
export function contextProperties(pins: PinnedFields): { readonly [name: string]: JsonSchema } {
  const open = FIELDS.filter((_, bit) => (pins & (1 << bit)) === 0);
  return Object.fromEntries(open.map(({ name, description }) => [name, { type: 'string', description }]));
}

/** Takes the place arguments out of a tool's arguments. Only operational tools have them. */
export function splitContextArguments(
  operation: Operation,
  args: Input,
): { readonly input: Input; readonly place: Input } {
  if (!operation.operational || !FIELDS.some(({ name }) => name in args)) return { input: args, place: {} };
  const { logical_guid, channel_code, cccode, ...input } = args;
  return { input, place: { logical_guid, channel_code, cccode } };
}

/**
 * Step 7 of the contract's checks.
 * @throws CrmError 400: `crm.<field>_required`, `crm.<field>_invalid`, or `crm.context_mismatch` when header and
 * argument differ.
 */
export function readOperatingContext(operation: Operation, headers: Headers, args: Input): OperatingContext {
  const place: { -readonly [Name in keyof OperatingContext]: OperatingContext[Name] } = {};
  for (const field of FIELDS) {
    const value = agreed(field, header(headers, field.header), args[field.name]);
    if (value !== undefined) place[field.name] = value;
    else if (operation.operational && field.missing !== undefined) throw required(field, field.missing);
  }
  return place;
}

function agreed(field: Field, fromHeader: string | undefined, fromArgument: unknown): string | undefined {
  const argument = fromArgument === undefined || fromArgument === null ? undefined : normal(field, fromArgument);
  const value = fromHeader === undefined ? undefined : normal(field, fromHeader);
  if (value !== undefined && argument !== undefined && value !== argument) {
    throw badRequest('crm.context_mismatch', `${field.name} differs from what the connection sets. Leave it out.`);
  }
  return value ?? argument;
}

function normal(field: Field, value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  const folded = field.name === 'cccode' ? text.toUpperCase() : text;
  if (!field.pattern.test(folded)) throw badRequest(field.invalid, `${field.name} is not well formed.`);
  return folded;
}

function required(field: Field, code: string): CrmError {
  const how = `Send it in the ${field.header} header, or as the argument ${field.name}.`;
  return badRequest(code, `This action needs ${field.name}. ${how}`);
}
