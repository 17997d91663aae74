/** References in task files: `${carla}`, `${carla.email}`, `${2.items[email=x@example.com].customer_id}`. */

/** What calls answered: by number in a solution, by name in a start state. */
export type Answers = ReadonlyMap<string, unknown>;

/** A reference that leads nowhere. */
export class UnknownReference extends Error {}

const WHOLE = /^\$\{([^}]+)\}$/;
const PART = /\$\{([^}]+)\}/g;

/** The id fields of records, the record's own before those it points to. */
const OWN_ID = [
  ...['loyalty_txn_id', 'giftcard_id', 'assessment_id', 'hold_id', 'flag_id', 'merge_id', 'certificate_id'],
  ...['comment_id', 'inbox_id', 'account_contact_id', 'account_id', 'customer_id'],
];

/** Replaces the references in a value. @throws UnknownReference */
export function resolve(value: unknown, answers: Answers): unknown {
  if (typeof value === 'string') return resolveText(value, answers);
  if (Array.isArray(value)) return value.map((item) => resolve(item, answers));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, answers)]));
}

/** The id of a record, by its name or by a reference. @throws UnknownReference */
export function idOf(text: string, answers: Answers): string {
  return String(resolveText(text.startsWith('${') ? text : `\${${text}}`, answers));
}

function resolveText(text: string, answers: Answers): unknown {
  const whole = WHOLE.exec(text)?.[1];
  if (whole !== undefined) return follow(whole, answers);
  return text.replaceAll(PART, (_, path: string) => String(follow(path, answers)));
}

/** A name alone is the id of its record. */
function follow(path: string, answers: Answers): unknown {
  const [first = '', ...keys] = path.match(/[^.[\]]+(?:\[[^\]]+\])?|\[[^\]]+\]/g)?.flatMap(split) ?? [];
  if (!answers.has(first)) throw new UnknownReference(`\${${path}}: there is no ${first}`);
  const start = answers.get(first);
  if (keys.length === 0) return ownId(start, path);
  let value: unknown = start;
  for (const key of keys) {
    value = select(value, key);
    if (value === undefined) throw new UnknownReference(`\${${path}}: there is no ${key}`);
  }
  return value;
}

function split(part: string): string[] {
  const [, name, index] = /^([^[]*)(?:\[(.+)\])?$/.exec(part) ?? [];
  return [name, index].filter((text): text is string => text !== undefined && text !== '');
}

/** A field, an index of a list, or the item of a list that has a value: `email=x@example.com`. */
function select(value: unknown, key: string): unknown {
  const [field, wanted] = key.split(/=(.*)/s);
  if (Array.isArray(value) && wanted !== undefined)
    return value.find((item) => String((item as Record<string, unknown>)[field as string]) === wanted);
  return (value as Record<string, unknown> | null | undefined)?.[key];
}

function ownId(value: unknown, path: string): unknown {
  const record = value as Record<string, unknown> | null;
  const field = OWN_ID.find((name) => typeof record?.[name] === 'string');
  if (field === undefined) throw new UnknownReference(`\${${path}}: it has no id`);
  return record?.[field];
}
