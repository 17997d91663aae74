/** The text of a client's file, whatever its format: puts the entry in, finds it, and shows what changes of it. */
import type { ClientKind, Entry } from './client-entries.js';
import { changed, withoutMark } from './client-file.js';
import { mergeJson, oursInJson } from './merge-json.js';
import { mergeToml, oursInToml } from './merge-toml.js';
import { diffOf } from './text-diff.js';

/** The text with the entry under its name. @throws ConnectError when it is not valid; see mergeJson and mergeToml */
export function withEntry(text: string, client: ClientKind, name: string, entry: Entry): string {
  const merge = client.format === 'toml' ? mergeToml : mergeJson;
  return changed(text, (plain) => merge(plain, client, name, entry));
}

/** Whether the text has an entry of this name. @throws ConnectError when it is not valid */
export function hasEntry(text: string, client: ClientKind, name: string): boolean {
  return oursIn(text, client, name)[0] !== '';
}

/**
 * The difference in what is ours. Everything else can have secrets of others, so `…` stands for it.
 * @param after what `withEntry` made of `before`
 */
export function shownChange(before: string, after: string, client: ClientKind, name: string): readonly string[] {
  if (withoutMark(before).trim() === '') return diffOf('', withoutMark(after));
  const ours = oursIn(after, client, name);
  const parts = oursIn(before, client, name).map((part, at) => diffOf(part, ours[at] ?? ''));
  const shown = parts.filter((part) => part.length > 0);
  return shown.length === 0 ? [] : [...shown.flatMap((part) => [REST, ...part]), REST];
}

const REST = '  …';

function oursIn(text: string, client: ClientKind, name: string): readonly string[] {
  const plain = withoutMark(text);
  return client.format === 'toml' ? [oursInToml(plain, client, name)] : oursInJson(plain, client, name);
}
