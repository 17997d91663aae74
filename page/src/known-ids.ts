/** Ids that answers of this visit held, offered where a later request asks for one. In memory, and bounded. */

export interface KnownId {
  readonly id: string;
  /** What people call the record. */
  readonly label: string;
}

export interface KnownIds {
  /** Takes the ids out of an answer. */
  learn(answer: unknown): void;
  /** Ids of this field, the newest first. */
  of(field: string): readonly KnownId[];
}

const MOST_PER_FIELD = 30;
const MOST_NODES = 20_000;
const LONGEST_ID = 128;
const LABELS = ['caption', 'legal_name', 'given_name', 'email', 'certificate_number', 'masked_code', 'kind', 'status'];

/** An empty memory of ids. */
export function createKnownIds(): KnownIds {
  const known = new Map<string, Map<string, string>>();
  return {
    learn: (answer) => {
      for (const record of recordsIn(answer)) learnFrom(record, known);
    },
    of: (field) => [...(known.get(field) ?? [])].map(([id, label]) => ({ id, label })).reverse(),
  };
}

/** The ids in an answer's records, each with what the record is called. */
export function idsIn(answer: unknown, field: string): readonly KnownId[] {
  return recordsIn(answer).flatMap((record) => {
    const id = record[field];
    return typeof id === 'string' ? [{ id, label: labelOf(record) }] : [];
  });
}

type Plain = { readonly [name: string]: unknown };

function recordsIn(answer: unknown): readonly Plain[] {
  const found: Plain[] = [];
  const waiting = [answer];
  for (let node = waiting.shift(); node !== undefined && found.length < MOST_NODES; node = waiting.shift()) {
    if (typeof node !== 'object' || node === null) continue;
    if (!Array.isArray(node)) found.push(node as Plain);
    waiting.push(...Object.values(node).filter((value) => typeof value === 'object' && value !== null));
  }
  return found;
}

/** A record is called by its label under its own id, which comes first; other ids in it belong to others. */
function learnFrom(record: Plain, known: Map<string, Map<string, string>>): void {
  const ids = Object.entries(record).filter(([name, value]) => isId(name, value)) as [string, string][];
  for (const [index, [name, id]] of ids.entries()) {
    const ofField = known.get(name) ?? new Map<string, string>();
    const label = index === 0 ? labelOf(record) : (ofField.get(id) ?? '');
    ofField.delete(id);
    ofField.set(id, label);
    const [oldest] = ofField.keys();
    if (ofField.size > MOST_PER_FIELD && oldest !== undefined) ofField.delete(oldest);
    known.set(name, ofField);
  }
}

function isId(name: string, value: unknown): boolean {
  return /_(id|guid)$/.test(name) && typeof value === 'string' && value !== '' && value.length <= LONGEST_ID;
}

function labelOf(record: Plain): string {
  const name = LABELS.find((label) => typeof record[label] === 'string' && record[label] !== '');
  const text = name === undefined ? '' : String(record[name]);
  return name === 'given_name' ? `${text} ${record.family_name ?? ''}`.trim() : text;
}
