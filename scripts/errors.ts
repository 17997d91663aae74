/**
 * Reads openapi/errors.yaml into the published error atlas (`x-errors`): every code with its tag, its status, and
 * whether the same call may be repeated. A test compares the atlas with the codes that the source throws.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type ErrorTag, STATUS_BY_TAG } from '../src/contract/errors.js';

/** The error object itself states it. */
type Varies = 'varies';

/** `reads`: only if the call was a read. */
export type Retryable = 'no' | 'yes' | 'reads' | Varies;

export interface AtlasEntry {
  readonly group: string;
  readonly tag: ErrorTag | Varies;
  readonly http_status: number | Varies;
  readonly retryable: Retryable;
  readonly when: string;
  readonly what_to_do: string;
  readonly ask?: Person;
}

/** The person with whom the next steps of an error end. */
export interface Person {
  /** `somebody`: a colleague whose role may do it. */
  readonly who: 'operator' | 'user' | 'somebody';
  readonly because: string;
}

const PEOPLE = ['operator', 'user', 'somebody'];

export type Atlas = { readonly [errorCode: string]: AtlasEntry };

type Source = Omit<AtlasEntry, 'group' | 'http_status' | 'retryable'> & Partial<AtlasEntry>;

/** Reads the atlas, in file order. @throws Error that names the code that is incomplete or listed twice. */
export function readAtlas(path: string): Atlas {
  const { groups } = parse(readFileSync(path, 'utf8')) as { groups: Record<string, Record<string, Source>> };
  const atlas: Record<string, AtlasEntry> = {};
  for (const [group, errors] of Object.entries(groups)) {
    for (const [code, source] of Object.entries(errors)) {
      if (code in atlas) throw new Error(`${path}: ${code} is listed twice`);
      atlas[code] = complete(`${path}: ${code}`, group, source);
    }
  }
  return atlas;
}

/** The next steps of each error that states none of its own: the sentences of `what_to_do`. */
export function stepsByCode(atlas: Atlas): { readonly [errorCode: string]: readonly string[] } {
  const sentences = (text: string) =>
    text.split('; ').map((part) => `${part.charAt(0).toUpperCase()}${part.slice(1)}.`);
  return Object.fromEntries(Object.entries(atlas).map(([code, { what_to_do }]) => [code, sentences(what_to_do)]));
}

function complete(where: string, group: string, { tag, when, what_to_do, ask, ...rest }: Source): AtlasEntry {
  if (tag !== 'varies' && !(tag in STATUS_BY_TAG)) throw new Error(`${where}: ${tag} is not a tag`);
  if (!when || !what_to_do) throw new Error(`${where}: when and what_to_do are required`);
  if (ask && !(PEOPLE.includes(ask.who) && ask.because)) throw new Error(`${where}: ask names who and because`);
  const { http_status = tag === 'varies' ? tag : STATUS_BY_TAG[tag], retryable = 'no' } = rest;
  return { group, tag, http_status, retryable, when, what_to_do, ...(ask ? { ask } : {}) };
}
