/**
 * openapi/errors.yaml → the error atlas as it is published (`x-errors`): every code with its tag, status and whether
 * the same call may be repeated. Not: where a code is thrown; a test holds the atlas against the source.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { type ErrorTag, STATUS_BY_TAG } from '../src/contract/errors.js';

/** As the error itself says. */
type Varies = 'varies';

/** `reads`: only when the call was a read. */
export type Retryable = 'no' | 'yes' | 'reads' | Varies;

export interface AtlasEntry {
  readonly group: string;
  readonly tag: ErrorTag | Varies;
  readonly http_status: number | Varies;
  readonly retryable: Retryable;
  readonly when: string;
  readonly what_to_do: string;
}

export type Atlas = { readonly [errorCode: string]: AtlasEntry };

type Source = Omit<AtlasEntry, 'group' | 'http_status' | 'retryable'> & Partial<AtlasEntry>;

/** Reads the atlas, in its order. @throws Error naming the code that is incomplete or told twice. */
export function readAtlas(path: string): Atlas {
  const { groups } = parse(readFileSync(path, 'utf8')) as { groups: Record<string, Record<string, Source>> };
  const atlas: Record<string, AtlasEntry> = {};
  for (const [group, errors] of Object.entries(groups)) {
    for (const [code, source] of Object.entries(errors)) {
      if (code in atlas) throw new Error(`${path}: ${code} is told twice`);
      atlas[code] = complete(`${path}: ${code}`, group, source);
    }
  }
  return atlas;
}

function complete(where: string, group: string, { tag, when, what_to_do, ...rest }: Source): AtlasEntry {
  if (tag !== 'varies' && !(tag in STATUS_BY_TAG)) throw new Error(`${where}: ${tag} is no tag`);
  if (!when || !what_to_do) throw new Error(`${where}: say when it happens, and what to do`);
  const { http_status = tag === 'varies' ? tag : STATUS_BY_TAG[tag], retryable = 'no' } = rest;
  return { group, tag, http_status, retryable, when, what_to_do };
}
