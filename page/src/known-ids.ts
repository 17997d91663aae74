/** Remembers ids from earlier results and suggests them for id fields. In memory only, and bounded. */

export interface KnownId {
  readonly id: string;
  /** What tells the record from others: name, contact as the caller may see it, tier or state, day of creation. */
  readonly label: string;
}

export interface KnownIds {
  /** Collects the ids of a result. */
  learn(result: unknown): void;
  /** The known ids for a field, newest first. */
  of(field: string): readonly KnownId[];
}

const MAX_PER_FIELD = 30;
const MAX_NODES = 20_000;
const MAX_ID_LENGTH = 128;
const LABELS = ['caption', 'legal_name', 'given_name', 'email', 'certificate_number', 'masked_code', 'kind', 'status'];

/** An empty memory of ids. */
export function createKnownIds(): KnownIds {
  const known = new Map<string, Map<string, string>>();
  return {
    learn: (result) => {
      for (const record of recordsIn(result)) learnFrom(record, known);
    },
    of: (field) => [...(known.get(field) ?? [])].map(([id, label]) => ({ id, label })).reverse(),
  };
}

/** The ids of the records in a result, with their labels. */
export function idsIn(result: unknown, field: string): readonly KnownId[] {
  return recordsIn(result).flatMap((record) => {
    const id = record[field];
    return typeof id === 'string' ? [{ id, label: labelOf(record) }] : [];
  });
}

type Plain = { readonly [name: string]: unknown };

function recordsIn(result: unknown): readonly Plain[] {
  const found: Plain[] = [];
  const waiting = [result];
  for (let node = waiting.shift(); node !== undefined && found.length < MAX_NODES; node = waiting.shift()) {
    if (typeof node !== 'object' || node === null) continue;
    if (!Array.isArray(node)) found.push(node as Plain);
    waiting.push(...Object.values(node).filter((value) => typeof value === 'object' && value !== null));
  }
  return found;
}

/** The first id of a record is its own and gets the record's label; its other ids refer to other records. */
function learnFrom(record: Plain, known: Map<string, Map<string, string>>): void {
  const ids = Object.entries(record).filter(([name, value]) => isId(name, value)) as [string, string][];
  for (const [index, [name, id]] of ids.entries()) {
    const ofField = known.get(name) ?? new Map<string, string>();
    const label = index === 0 ? labelOf(record) : (ofField.get(id) ?? '');
    ofField.delete(id);
    ofField.set(id, label);
    const [oldest] = ofField.keys();
    if (ofField.size > MAX_PER_FIELD && oldest !== undefined) ofField.delete(oldest);
    known.set(name, ofField);
  }
}

function isId(name: string, value: unknown): boolean {
  return /_(id|guid)$/.test(name) && typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH;
}

/** The first name that a record has, and what tells it from its namesakes. */
function labelOf(record: Plain): string {
  const name = LABELS.map((label) => textAt(record, label)).find((text) => text !== '');
  if (name === undefined) return '';
  const contact = textAt(record, 'email') || textAt(record, 'phone');
  const tier = textAt((record.loyalty ?? {}) as Plain, 'tier');
  const status = textAt(record, 'status').replace(/^active$/, '');
  const created = textAt(record, 'created_at').slice(0, 'YYYY-MM-DD'.length);
  const parts = [name, contact, tier, status, created && `since ${created}`];
  return [...new Set(parts.filter((part) => part !== ''))].join(' · ');
}

function textAt(record: Plain, field: string): string {
  if (field === 'given_name') return [record.given_name, record.family_name].filter(isText).join(' ');
  const value = record[field];
  return isText(value) ? value : '';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
