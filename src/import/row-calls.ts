/** Turns a row into the inputs of the calls that an API client would make for it. It checks nothing: the calls do. */
import type { MappedColumn } from './row-mapping.js';
import { IGNORE, TEXT_FIELDS } from './row-targets.js';

export interface ExternalRef {
  readonly system: string;
  readonly ref: string;
}

/** The inputs of `customer/create`, and without their customer_id those of `consent/set` and `loyalty/adjust`. */
export interface RowCalls {
  readonly ref: ExternalRef | undefined;
  readonly customer: Readonly<Record<string, unknown>>;
  readonly consents?: Readonly<Record<string, unknown>>;
  /** The opening balance. */
  readonly points?: unknown;
  readonly points_expires_at?: unknown;
}

interface Draft {
  ref?: string | undefined;
  readonly customer: Record<string, unknown>;
  readonly address: Record<string, unknown>;
  readonly refs: unknown[];
  readonly attributes: Record<string, unknown>;
  readonly consents: Record<string, unknown>;
  readonly consentGrounds: Record<string, unknown>;
  points?: unknown;
  points_expires_at?: unknown;
  /** Consents that are no object, for the schema to reject. */
  unfitConsents?: unknown;
}

const IS_TEXT_FIELD: ReadonlySet<string> = new Set(TEXT_FIELDS);

/** Empty values are left out. `refSystem` is the system of `external_ref`. */
export function callsOf(
  values: Readonly<Record<string, unknown>>,
  mapping: readonly MappedColumn[],
  refSystem: string,
): RowCalls {
  const draft: Draft = { customer: {}, address: {}, refs: [], attributes: {}, consents: {}, consentGrounds: {} };
  for (const { column, target, values: translated } of mapping) {
    const found = values[column];
    if (found === undefined || found === null || found === '' || target === IGNORE) continue;
    place(draft, target, translated?.[String(found)] ?? found);
  }
  return finish(draft, refSystem);
}

function place(draft: Draft, target: string, value: unknown): void {
  const [group = '', ...rest] = target.split('.');
  const name = rest.join('.');
  if (IS_TEXT_FIELD.has(target)) draft.customer[target] = value;
  else if (target === 'external_ref') draft.ref = textOf(value);
  else if (target === 'tags') draft.customer.tags = typeof value === 'string' ? splitTags(value) : value;
  else if (target === 'points') draft.points = typeof value === 'string' ? wholeNumber(value) : value;
  else if (target === 'points_expires_at') draft.points_expires_at = value;
  else if (target === 'consents' && isObject(value)) Object.assign(draft.consents, value);
  else if (target === 'consents') draft.unfitConsents = value;
  else if (target === 'attributes' && isObject(value)) Object.assign(draft.attributes, value);
  else if (target === 'attributes') draft.customer.attributes = value;
  else if (target === 'addresses') draft.customer.addresses = value;
  else if (target === 'external_refs') draft.refs.push(...(Array.isArray(value) ? value : [value]));
  else if (group === 'address') draft.address[name] = value;
  else if (group === 'attribute') draft.attributes[name] = value;
  else if (group === 'consent') draft.consents[name] = value;
  else if (group === 'ref') draft.refs.push({ system: name, ref: textOf(value) ?? value });
  else if (target.startsWith('consent_')) draft.consentGrounds[target.slice('consent_'.length)] = value;
}

/** Text, and numbers as text; undefined for what is neither. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'object' ? undefined : String(value);
}

/** What does not fit is left as it is, for the schema to reject. */
function finish(draft: Draft, refSystem: string): RowCalls {
  const { customer, address, refs, attributes, consentGrounds, points, points_expires_at } = draft;
  const consents = draft.unfitConsents ?? draft.consents;
  const ref = draft.ref === undefined ? undefined : { system: refSystem, ref: draft.ref };
  const { addresses = [] } = customer;
  if (Object.keys(address).length > 0 && Array.isArray(addresses)) customer.addresses = [address, ...addresses];
  const others = refs.filter((other) => !isSame(other, ref));
  if (ref !== undefined || others.length > 0) customer.external_refs = [...(ref === undefined ? [] : [ref]), ...others];
  if (Object.keys(attributes).length > 0) customer.attributes ??= attributes;
  return {
    ref,
    customer,
    ...(isObject(consents) && Object.keys(consents).length === 0 ? {} : { consents: { consents, ...consentGrounds } }),
    ...(points === undefined || points === 0 ? {} : { points }),
    ...(points_expires_at === undefined ? {} : { points_expires_at }),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(other: unknown, ref: ExternalRef | undefined): boolean {
  return ref !== undefined && isObject(other) && other.system === ref.system && other.ref === ref.ref;
}

function splitTags(text: string): readonly string[] {
  return text
    .split(/[,;|]/)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
}

/** The number, or the text as it is, which the schema then rejects. */
function wholeNumber(text: string): unknown {
  return /^\s*-?\d{1,15}(\.0+)?\s*$/.test(text) ? Number(text) : text;
}

/** The target that a path in a call's input comes from: `customer.addresses.0.city` from `address.city`. */
export function targetOfPath(path: string): string {
  const [first = '', second = '', third = '', ...rest] = path.split('.');
  if (first === 'consents') return second === '' ? first : `consent.${second}`;
  if (first !== 'customer') return first === 'expires_at' ? 'points_expires_at' : path;
  if (second === 'addresses') return rest.length === 0 ? second : `address.${rest.join('.')}`;
  if (second === 'attributes' && third !== '') return `attribute.${[third, ...rest].join('.')}`;
  return second === 'external_refs' && third === '0' ? 'external_ref' : second;
}
