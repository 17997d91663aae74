/**
 * An imported document: checked once against the limits, then used to resolve its references. Schemas and operations
 * are read elsewhere; see read-schema.ts and operation-draft.ts.
 */

import { cleanText } from './document-text.js';
import { ImportError, OmittedOperationError } from './import-error.js';
import {
  MAX_DOCUMENT_DEPTH,
  MAX_DOCUMENT_VALUES,
  MAX_OBJECT_KEYS,
  MAX_REFERENCE_HOPS,
  MAX_SCHEMAS_READ,
} from './import-limits.js';
import { tooDeep, tooMany } from './parse-document.js';

export type DocumentNode = { readonly [key: string]: unknown };

export interface OpenApiDocument {
  readonly root: DocumentNode;
  /** Whether the document marks untrusted text and personal data anywhere. */
  readonly marksUntrusted: boolean;
  readonly marksPersonal: boolean;
  /** Whether an object has more keys than are read. */
  isWide(value: object): boolean;
  /**
   * The target of a `$ref`, which may be another `$ref`. @throws OmittedOperationError when it is missing or external.
   */
  resolve(reference: string): unknown;
  /** The value itself, or the target of its `$ref`s. @throws OmittedOperationError as `resolve`, and for a cycle. */
  follow(value: unknown): unknown;
  /** Counts work. @throws OmittedOperationError when the document exceeds its limit. */
  spend(steps: number): void;
  /** Cached results of readers, each under its own key. */
  readonly memory: WeakMap<object, unknown>;
}

/** @throws ImportError for a value that is not an OpenAPI 3 document, is nested too deeply, or contains itself. */
export function openDocument(value: unknown): OpenApiDocument {
  if (!isNode(value)) throw new ImportError('the document is not an object');
  requireOpenApi(value);
  const surveyed = survey(value);
  let left = MAX_SCHEMAS_READ;
  const known = new Map<string, unknown>(); // documents repeat the same few thousand references
  const resolve = (reference: string) => {
    const found = known.get(reference) ?? resolveReference(value, surveyed.named, reference);
    known.set(reference, found);
    return found;
  };
  return {
    root: value,
    marksUntrusted: surveyed.markers.has('x-untrusted'),
    marksPersonal: surveyed.markers.has('x-personal'),
    isWide: (object) => surveyed.wide.has(object),
    resolve,
    follow: (start) => follow(resolve, start),
    memory: new WeakMap(),
    spend: (steps) => {
      left -= steps;
      if (left < 0) throw new OmittedOperationError('the document is too large to be read to its end');
    },
  };
}

/** Whether a value is an object and not a list. */
export function isNode(value: unknown): value is DocumentNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of an own property; inherited properties do not count. */
export function own(value: unknown, name: string): unknown {
  return isNode(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** An own property that is an object; otherwise an empty object. */
export function nodeAt(value: unknown, name: string): DocumentNode {
  const found = own(value, name);
  return isNode(found) ? found : {};
}

/** An own property that is a list; otherwise an empty list. */
export function listAt(value: unknown, name: string): readonly unknown[] {
  const found = own(value, name);
  return Array.isArray(found) ? found : [];
}

function requireOpenApi(value: DocumentNode): void {
  const version = own(value, 'openapi');
  if (/^3(\.[012](\.|$)|$)/.test(String(version))) return; // YAML reads an unquoted 3.0 as the number 3
  const found = version ?? own(value, 'swagger');
  const problem = found === undefined ? 'says no OpenAPI version' : `is of version ${cleanText(String(found), 20)}`;
  throw new ImportError(`the document ${problem}; OpenAPI 3.0 or 3.1 is needed`);
}

interface Survey {
  readonly wide: ReadonlySet<object>;
  readonly markers: ReadonlySet<string>;
  /** Targets of `$anchor` and `$id`. */
  readonly named: ReadonlyMap<string, unknown>;
}

/**
 * Visits every value, a shared one each time it occurs. YAML aliases thus count at their expanded size, and a value
 * that contains itself is too deep.
 */
function survey(root: DocumentNode): Survey {
  const wide = new Set<object>();
  const markers = new Set<string>();
  const named = new Map<string, unknown>();
  let left = MAX_DOCUMENT_VALUES;
  const visit = (value: object, depth: number): void => {
    const names = Object.keys(value);
    left -= names.length;
    if (left < 0) throw tooMany();
    if (depth > MAX_DOCUMENT_DEPTH) throw tooDeep(names[0] ?? 'its end');
    if (names.length > MAX_OBJECT_KEYS && !Array.isArray(value)) wide.add(value);
    for (const name of names) {
      const part = (value as DocumentNode)[name];
      if (typeof part === 'object' && part !== null) visit(part, depth + 1);
      else if (part === true && (name === 'x-untrusted' || name === 'x-personal')) markers.add(name);
      else if (typeof part === 'string' && (name === '$anchor' || name === '$id')) {
        const reference = name === '$id' ? part : `#${part}`;
        if (!named.has(reference)) named.set(reference, value);
      }
    }
  };
  visit(root, 1);
  return { wide, markers, named };
}

function follow(resolve: OpenApiDocument['resolve'], start: unknown): unknown {
  let value = start;
  for (let hops = 0; isNode(value) && typeof value.$ref === 'string'; hops += 1) {
    if (hops === MAX_REFERENCE_HOPS) throw new OmittedOperationError('leads in a circle', shown(value.$ref));
    value = resolve(value.$ref);
  }
  return value;
}

/** Resolves an `$anchor`, an `$id`, or a JSON pointer (RFC 6901) in a URI fragment. */
function resolveReference(root: DocumentNode, named: ReadonlyMap<string, unknown>, reference: string): unknown {
  const value = named.get(reference) ?? (reference.startsWith('#/') ? resolvePointer(root, reference) : undefined);
  if (value !== undefined) return value;
  const why = reference.startsWith('#') ? 'leads nowhere' : 'leads out of the document';
  throw new OmittedOperationError(why, shown(reference));
}

function resolvePointer(root: DocumentNode, pointer: string): unknown {
  let value: unknown = root;
  for (const part of pointer.slice(2).split('/', MAX_DOCUMENT_DEPTH)) {
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
