/** The operating context of a call: facility, channel and cost code, from headers or else from arguments. */
import type { Input, OperatingContext } from '../contract/backend.js';
import { badRequest, type CrmError } from '../contract/errors.js';
import type { JsonSchema, Operation } from '../contract/operation.js';
import { type CallHeaders, CCCODE, CHANNEL_CODE, LOGICAL_GUID } from './headers.js';

interface Field {
  /** The name of the argument. */
  readonly name: keyof OperatingContext;
  readonly header: string;
  readonly valueIn: (headers: CallHeaders) => string | undefined;
  readonly pattern: RegExp;
  readonly description: string;
  /** The `error_code` of a malformed value. */
  readonly invalid: string;
  /** The `error_code` when an operational action lacks it; undefined for an optional field. */
  readonly missing?: string;
}

const FIELDS: readonly Field[] = [
  {
    name: 'logical_guid',
    header: LOGICAL_GUID,
    valueIn: ({ logicalGuid }) => logicalGuid,
    pattern: /^[\x21-\x7e]{1,128}$/,
    description: 'Facility',
    invalid: 'crm.logical_guid_invalid',
    missing: 'crm.logical_guid_required',
  },
  {
    name: 'channel_code',
    header: CHANNEL_CODE,
    valueIn: ({ channelCode }) => channelCode,
    pattern: /^[A-Za-z0-9_-]{1,64}$/,
    description: 'Sales channel',
    invalid: 'crm.channel_code_invalid',
    missing: 'crm.channel_code_required',
  },
  {
    name: 'cccode',
    header: CCCODE,
    valueIn: (headers) => headers.cccode,
    pattern: /^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$/,
    description: 'Cost code XXXX-XXXX-XXXX',
    invalid: 'crm.cccode_invalid',
  },
];

/** The context fields that a connection sets in its headers: a bit set, one bit per field. */
export type PinnedFields = number;

/** Every combination of pinned fields. */
export const ALL_PINNED_FIELDS: readonly PinnedFields[] = Array.from({ length: 2 ** FIELDS.length }, (_, pins) => pins);

/** The context fields that these headers set. */
export function pinnedFieldsOf(headers: CallHeaders): PinnedFields {
  return FIELDS.reduce((pins, { valueIn }, bit) => (valueIn(headers) === undefined ? pins : pins | (1 << bit)), 0);
}

/** The optional arguments an operational tool takes besides its request: fields that the connection does not pin. */
export function contextProperties(pins: PinnedFields): { readonly [name: string]: JsonSchema } {
  const open = FIELDS.filter((_, bit) => (pins & (1 << bit)) === 0);
  return Object.fromEntries(open.map(({ name, description }) => [name, { type: 'string', description }]));
}

/** Takes the context fields out of a tool's arguments. Only operational tools have them. */
export function splitContextArguments(
  operation: Operation,
  args: Input,
): { readonly input: Input; readonly context: Input } {
  if (!operation.operational || !FIELDS.some(({ name }) => name in args)) return { input: args, context: {} };
  const { logical_guid, channel_code, cccode, ...input } = args;
  return { input, context: { logical_guid, channel_code, cccode } };
}

/**
 * Step 7 of the contract's checks.
 * @throws CrmError 400: `crm.<field>_required`, `crm.<field>_invalid`, or `crm.context_mismatch` when header and
 * argument differ.
 */
export function readOperatingContext(operation: Operation, headers: CallHeaders, args: Input): OperatingContext {
  const context: { -readonly [Name in keyof OperatingContext]: OperatingContext[Name] } = {};
  for (const field of FIELDS) {
    const value = agreed(field, field.valueIn(headers), args[field.name]);
    if (value !== undefined) context[field.name] = value;
    else if (operation.operational && field.missing !== undefined) throw required(field, field.missing);
  }
  return context;
}

function agreed(field: Field, fromHeader: string | undefined, fromArgument: unknown): string | undefined {
  const argument = fromArgument === undefined || fromArgument === null ? undefined : normalise(field, fromArgument);
  const value = fromHeader === undefined ? undefined : normalise(field, fromHeader);
  if (value !== undefined && argument !== undefined && value !== argument) {
    throw badRequest('crm.context_mismatch', `${field.name} differs from what the connection sets. Leave it out.`);
  }
  return value ?? argument;
}

function normalise(field: Field, value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  const folded = field.name === 'cccode' ? text.toUpperCase() : text;
  if (!field.pattern.test(folded)) throw badRequest(field.invalid, `${field.name} is not well formed.`);
  return folded;
}

function required(field: Field, code: string): CrmError {
  const how = `Send it in the ${field.header} header, or as the argument ${field.name}.`;
  return badRequest(code, `This action needs ${field.name}. ${how}`);
}
