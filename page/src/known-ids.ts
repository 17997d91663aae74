/** Remembers ids from earlier results and suggests them for id fields. In memory only, and bounded. */

export interface KnownId {
  readonly id: string;
  /** A human-readable name of the record. */
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

function labelOf(record: Plain): string {
  const name = LABELS.find((label) => typeof record[label] === 'string' && record[label] !== '');
  const text = name === undefined ? '' : String(record[name]);
  return name === 'given_name' ? `${text} ${record.family_name ?? ''}`.trim() : text;
}
