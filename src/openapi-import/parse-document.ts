/** Parses the text of a document, JSON or YAML, within the import limits. */

import { cleanLine } from './document-text.js';
import { ImportError } from './import-error.js';
import {
  MAX_ALIASES,
  MAX_DOCUMENT_CHARACTERS,
  MAX_DOCUMENT_DEPTH,
  MAX_DOCUMENT_VALUES,
  MAX_MERGED_KEYS,
} from './import-limits.js';

/**
 * Parses JSON; text that is not JSON is parsed as YAML 1.2 with merge keys.
 * @throws ImportError when the text is neither, or exceeds the limits on size and depth.
 */
export async function parseDocument(text: string): Promise<unknown> {
  if (text.length > MAX_DOCUMENT_CHARACTERS)
    throw new ImportError(`the document has more than ${MAX_DOCUMENT_CHARACTERS} characters`);
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  return /^\s*[{[]/.test(source) ? parseJson(source) : parseYaml(source);
}

async function parseJson(text: string): Promise<unknown> {
  requireBounded(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
    const where = position === undefined ? '' : ` at ${lineOf(text, Number(position))}`;
    return parseYaml(text, `the document is neither JSON, by an error${where}, nor YAML`);
  }
}

async function parseYaml(text: string, otherwise = 'the document is not YAML'): Promise<unknown> {
  requireFewValues(text, /[\n,[{]/g);
  const { load, CORE_SCHEMA, mergeTag } = await import('js-yaml');
  try {
    return load(text, {
      schema: CORE_SCHEMA.withTags(mergeTag),
      maxDepth: MAX_DOCUMENT_DEPTH,
      maxAliases: MAX_ALIASES,
      maxTotalMergeKeys: MAX_MERGED_KEYS,
    });
  } catch (error) {
    throw new ImportError(`${otherwise}${reasonOf(error)}`);
  }
}

/** Checks the limits before parsing: for a million brackets, JSON.parse needs a gigabyte. */
function requireBounded(text: string): void {
  let depth = 0;
  let values = 0;
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case 0x22: // "
        index = endOfString(text, index);
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        values += 1;
        if (depth > MAX_DOCUMENT_DEPTH) throw tooDeep(lineOf(text, index));
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        break;
      case 0x2c: // ,
        values += 1;
        break;
    }
  }
  if (values > MAX_DOCUMENT_VALUES) throw tooMany();
}

/** Checks the limit before parsing, because the YAML parser first builds all events. May count one value too many. */
function requireFewValues(text: string, sign: RegExp): void {
  let values = 0;
  while (sign.exec(text) !== null) {
    values += 1;
    if (values > MAX_DOCUMENT_VALUES) throw tooMany();
  }
}

export function tooDeep(where: string): ImportError {
  return new ImportError(`the document is nested deeper than ${MAX_DOCUMENT_DEPTH} levels, at ${cleanLine(where, 60)}`);
}

export function tooMany(): ImportError {
  return new ImportError(`the document has more than ${MAX_DOCUMENT_VALUES} values, repeated ones counted each time`);
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes += 1;
    if (escapes % 2 === 0) return end;
  }
  return text.length;
}

function reasonOf(error: unknown): string {
  const { reason, mark } = error as { reason?: unknown; mark?: { line?: unknown; column?: unknown } };
  if (typeof reason !== 'string') return '';
  const line = typeof mark?.line === 'number' ? ` at line ${mark.line + 1}` : '';
  return `: ${reason.slice(0, 200)}${line}`;
}

function lineOf(text: string, position: number): string {
  const before = text.slice(0, position).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}
