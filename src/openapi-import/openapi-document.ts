/**
 * A document as it is read from: looked through once, within bounds, and then asked for what its references point at.
 * Not: what a schema or an operation in it means.
 */

import { cleanText } from './document-text.js';
import { ContractError, Omission } from './import-error.js';
import { MAX_DEPTH, MAX_REFERENCE_HOPS, MAX_STEPS, MAX_VALUES, MAX_WIDTH } from './import-limits.js';
import { tooDeep, tooMany } from './parse-document.js';

export type DocumentNode = { readonly [key: string]: unknown };

export interface OpenApiDocument {
  readonly root: DocumentNode;
  /** Whether any answer in it says which text strangers wrote, and which of it is about people. */
  readonly saysUntrusted: boolean;
  readonly saysPersonal: boolean;
  /** Whether an object has more names than anybody reads. */
  isWide(value: object): boolean;
  /** What a `$ref` points at, which may be another. @throws Omission when that is outside the document or nowhere. */
  at(reference: string): unknown;
  /** What a value stands for: itself, or what is behind its `$ref`s. @throws Omission as `at`, and for a circle. */
  follow(value: unknown): unknown;
  /** Counts work done. @throws Omission when it is more than one document is worth. */
  spend(steps: number): void;
  /** What readers remember of its parts, each under a key of its own. */
  readonly memory: WeakMap<object, unknown>;
}

/** @throws ContractError for what is no OpenAPI 3 document, too deep, or made of itself. */
export function openDocument(value: unknown): OpenApiDocument {
  if (!isNode(value)) throw new ContractError('the document is not an object');
  requireOpenApi(value);
  const survey = surveyed(value);
  let left = MAX_STEPS;
  const known = new Map<string, unknown>(); // a document points at the same few thousand places again and again
  const at = (reference: string) => {
    const found = known.get(reference) ?? pointedAt(value, survey.named, reference);
    known.set(reference, found);
    return found;
  };
  return {
    root: value,
    saysUntrusted: survey.marks.has('x-untrusted'),
    saysPersonal: survey.marks.has('x-personal'),
    isWide: (object) => survey.wide.has(object),
    at,
    follow: (start) => follow(at, start),
    memory: new WeakMap(),
    spend: (steps) => {
      left -= steps;
      if (left < 0) throw new Omission('the document is too large to be read to its end');
    },
  };
}

/** Any object but a list. */
export function isNode(value: unknown): value is DocumentNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of an own property, never of what every object inherits. */
export function own(value: unknown, name: string): unknown {
  return isNode(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** An own property that is an object, or an empty one. */
export function nodeAt(value: unknown, name: string): DocumentNode {
  const found = own(value, name);
  return isNode(found) ? found : {};
}

/** An own property that is a list, or an empty one. */
export function listAt(value: unknown, name: string): readonly unknown[] {
  const found = own(value, name);
  return Array.isArray(found) ? found : [];
}

function requireOpenApi(value: DocumentNode): void {
  const version = own(value, 'openapi');
  if (/^3(\.[012](\.|$)|$)/.test(String(version))) return; // YAML reads an unquoted 3.0 as the number 3
  const found = version ?? own(value, 'swagger');
  const said = found === undefined ? 'says no OpenAPI version' : `is of version ${cleanText(String(found), 20)}`;
  throw new ContractError(`the document ${said}; OpenAPI 3.0 or 3.1 is needed`);
}

interface Survey {
  readonly wide: ReadonlySet<object>;
  readonly marks: ReadonlySet<string>;
  /** What `$anchor` and `$id` name. */
  readonly named: ReadonlyMap<string, unknown>;
}

/**
 * Visits every value, a repeated one as often as it is repeated: so that what aliases make of a few lines is counted
 * as what it is, and one that holds itself is too deep.
 */
function surveyed(root: DocumentNode): Survey {
  const wide = new Set<object>();
  const marks = new Set<string>();
  const named = new Map<string, unknown>();
  let left = MAX_VALUES;
  const visit = (value: object, depth: number): void => {
    const names = Object.keys(value);
    left -= names.length;
    if (left < 0) throw tooMany();
    if (depth > MAX_DEPTH) throw tooDeep(names[0] ?? 'its end');
    if (names.length > MAX_WIDTH && !Array.isArray(value)) wide.add(value);
    for (const name of names) {
      const part = (value as DocumentNode)[name];
      if (typeof part === 'object' && part !== null) visit(part, depth + 1);
      else if (part === true && (name === 'x-untrusted' || name === 'x-personal')) marks.add(name);
      else if (typeof part === 'string' && (name === '$anchor' || name === '$id')) {
        const reference = name === '$id' ? part : `#${part}`;
        if (!named.has(reference)) named.set(reference, value);
      }
    }
  };
  visit(root, 1);
  return { wide, marks, named };
}

function follow(at: OpenApiDocument['at'], start: unknown): unknown {
  let value = start;
  for (let hops = 0; isNode(value) && typeof value.$ref === 'string'; hops += 1) {
    if (hops === MAX_REFERENCE_HOPS) throw new Omission(`${shown(value.$ref)} leads in a circle`);
    value = at(value.$ref);
  }
  return value;
}

/** An `$anchor`, an `$id`, or RFC 6901 in a URI fragment. */
function pointedAt(root: DocumentNode, named: ReadonlyMap<string, unknown>, reference: string): unknown {
  const value = named.get(reference) ?? (reference.startsWith('#/') ? walked(root, reference) : undefined);
  if (value !== undefined) return value;
  const why = reference.startsWith('#') ? 'leads nowhere' : 'leads out of the document';
  throw new Omission(`${shown(reference)} ${why}`);
}

function walked(root: DocumentNode, pointer: string): unknown {
  let value: unknown = root;
  for (const part of pointer.slice(2).split('/', MAX_DEPTH)) {
    value = step(value, unescaped(part)) ?? step(value, unescaped(percentDecoded(part)));
    if (value === undefined) return undefined;
  }
  return value;
}

function unescaped(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

function step(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^(0|[1-9]\d{0,8})$/.test(name) ? value[Number(name)] : undefined;
  return own(value, name);
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function shown(reference: string): string {
  return `$ref ${cleanText(reference, 80)}`;
}
