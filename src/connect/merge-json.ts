/** Puts an entry into a JSON configuration, with or without comments: everything else keeps its text. */
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { type ClientKind, type Entry, fileWith, KEY_INPUT, KEY_PLACEHOLDER, KEY_VARIABLE } from './client-entries.js';
import { ConnectError } from './connect-error.js';
import { addToList, isTwice, READ, setField, textAt } from './json-edit.js';

/** What is read of a file: its fields, and the field with an entry per server. */
type Fields = { readonly [field: string]: unknown };

/**
 * The text of the file with the entry under its name, instead of an older one. The key in an older entry is kept, if
 * the client has no other place for it.
 * @param text of the file; empty if there is none
 * @throws ConnectError when the text is no JSON object, or a field has another form than the client's
 */
export function mergeJson(text: string, client: ClientKind, name: string, entry: Entry): string {
  if (text.trim() === '') return `${JSON.stringify(fileWith(client, name, entry), undefined, 2)}\n`;
  const fields = fieldsOf(text, client, name);
  const list = fields[client.list];
  if (list !== undefined && !isFields(list)) throw new ConnectError(`its field ${client.list} is not an object`);
  const kept = withOlderKey(entry, list?.[name]);
  const merged =
    list === undefined ? setField(text, [], client.list, { [name]: kept }) : setField(text, [client.list], name, kept);
  return client.name === 'vscode' ? withInput(merged, fields.inputs) : merged;
}

/** Adds the question for the key. */
function withInput(text: string, inputs: unknown): string {
  if (inputs === undefined) return setField(text, [], 'inputs', [KEY_INPUT]);
  if (!Array.isArray(inputs)) throw new ConnectError('its field inputs is not a list');
  return inputs.some(isOurInput) ? text : addToList(text, ['inputs'], KEY_INPUT);
}

function isOurInput(input: unknown): boolean {
  return isFields(input) && input.id === KEY_INPUT.id;
}

/** What of the text is ours: the entry of this name, and the question for the key. @throws ConnectError as mergeJson */
export function oursInJson(text: string, client: ClientKind, name: string): readonly [entry: string, input: string] {
  if (text.trim() === '') return ['', ''];
  const { inputs } = fieldsOf(text, client, name);
  const input = client.name === 'vscode' && Array.isArray(inputs) ? inputs.findIndex(isOurInput) : -1;
  return [textAt(text, [client.list, name]), input === -1 ? '' : textAt(text, ['inputs', input])];
}

function fieldsOf(text: string, client: ClientKind, name: string): Fields {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, READ);
  const [first] = errors;
  if (first !== undefined) {
    const line = text.slice(0, first.offset).split('\n').length;
    throw new ConnectError(`it is not valid JSON (line ${line}: ${printParseErrorCode(first.error)})`);
  }
  if (!isFields(value)) throw new ConnectError('it is not a JSON object');
  const ours = [[client.list], [client.list, name], ...(client.name === 'vscode' ? [['inputs']] : [])];
  const twice = ours.find((path) => isTwice(text, path.slice(0, -1), path.at(-1) ?? ''));
  if (twice !== undefined) throw new ConnectError(`it is not valid JSON: it has ${twice.join('.')} twice`);
  return value;
}

/** Keeps a key that a user put where the placeholder is. */
function withOlderKey(entry: Entry, older: unknown): Entry {
  const { env } = entry;
  if (!isFields(env) || !isFields(older) || !isFields(older.env)) return entry;
  const kept = older.env[KEY_VARIABLE];
  const isKept = env[KEY_VARIABLE] === KEY_PLACEHOLDER && typeof kept === 'string' && kept !== '';
  return isKept ? { ...entry, env: { ...(env as Record<string, string>), [KEY_VARIABLE]: kept } } : entry;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
