/** Normalises the fields of a record from the form people type to the form that is stored. */
import { type Issue, invalidRequest } from '../contract/errors.js';
import { normalizeEmail } from './email.js';
import { toE164 } from './phone.js';
import { unique } from './words.js';

/** Objects whose texts are trimmed like the record's own; `attributes` stay unchanged. */
const PARTS: ReadonlySet<string> = new Set(['billing_address']);

/**
 * Trims, normalises and validates the given fields: e-mail in lower case with an ASCII domain, phone in E.164,
 * distinct tags.
 * @param noun the record's name in the request, the prefix of every issue's path
 * @param defaultRegion for phone numbers without a country code, ISO 3166-1 alpha-2
 * @throws CrmError 400 with every issue
 */
export function normalizeFields<Fields extends object>(noun: string, fields: Fields, defaultRegion: string): Fields {
  const issues: Issue[] = [];
  const normal = mapFields(fields, (name, value) => normalizeField(noun, name, value, defaultRegion, issues));
  if (issues.length > 0) throw invalidRequest(issues);
  return normal;
}

function normalizeField(noun: string, name: string, value: unknown, region: string, issues: Issue[]): unknown {
  if (name === 'tags' && Array.isArray(value))
    return unique(value.map((tag) => trimmed(String(tag))).filter((tag) => tag !== ''));
  if (Array.isArray(value)) return value.map((item: object) => normalizeItem(item));
  if (PARTS.has(name) && value !== null) return normalizeItem(value as object);
  if (typeof value !== 'string') return value;
  const text = trimmed(value);
  const path = `${noun}.${name}`;
  if (text === '') {
    issues.push({ path, message: 'must not be blank' });
    return text;
  }
  if (name === 'email') return normalizeEmail(text);
  if (name !== 'phone') return text;
  const phone = toE164(text, region);
  if (phone !== undefined) return phone;
  issues.push({ path, message: 'is not a phone number', expected: 'E.164, such as +12125550123' });
  return text;
}

function normalizeItem(item: object): object {
  return mapFields(item, (_, value) => (typeof value === 'string' ? trimmed(value) : value));
}

/** The names are those of a schema. A loop takes a fifth of the time of entries. */
function mapFields<Fields extends object>(fields: Fields, change: (name: string, value: unknown) => unknown): Fields {
  const changed: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) changed[name] = change(name, fields[name as keyof Fields]);
  return changed as Fields;
}

function trimmed(text: string): string {
  return text.normalize('NFC').trim();
}
