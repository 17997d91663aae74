/**
 * Reads the published documents from files: openapi.yaml, its JSON form from the build, and PROTOCOL.md. The compiled
 * contract needs no file; see generated/contract.ts.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { responseData } from './compile.js';
import { lazy } from './lazy.js';
import type { JsonSchema } from './operation.js';

export interface PublishedDocuments {
  yaml(): string;
  json(): string;
  /** The schema of an operation's `data`, every `$ref` inlined; undefined for an unknown operation. */
  dataSchema(operationId: string): JsonSchema | undefined;
  /** PROTOCOL.md; undefined when the document has none, as an imported OpenAPI document. */
  protocol(): string | undefined;
  /** JSON: every `error_code`, when it is returned and what to do; undefined when the document does not list them. */
  errors(): string | undefined;
}

type Node = { readonly [key: string]: unknown };

/**
 * The document at `yamlPath`. Each form is read on first use; the JSON is parsed from YAML when `jsonPath` is missing.
 */
export function createPublishedDocuments(
  yamlPath: string,
  jsonPath: string,
  protocolPath?: string,
): PublishedDocuments {
  const yaml = lazy(() => readFileSync(yamlPath, 'utf8'));
  const json = lazy(() => (existsSync(jsonPath) ? readFileSync(jsonPath, 'utf8') : JSON.stringify(parsed(yaml()))));
  const operations = lazy(() => operationsOf(JSON.parse(json()) as Node));
  const protocol = lazy(() => readIfPresent(protocolPath));
  const errors = lazy(() => errorsOf(JSON.parse(json()) as Node));
  return { yaml, json, dataSchema: (id) => operations().get(id)?.(), protocol, errors };
}

function readIfPresent(path: string | undefined): string | undefined {
  return path !== undefined && existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function errorsOf(document: Node): string | undefined {
  const errors = document['x-errors'];
  return errors === undefined ? undefined : JSON.stringify({ errors });
}

function operationsOf(document: Node): ReadonlyMap<string, () => JsonSchema> {
  const operations = Object.values(document.paths as Node).flatMap((item) => Object.values(item as Node) as Node[]);
  return new Map(
    operations.map((operation) => [String(operation.operationId), lazy(() => responseData(document, operation))]),
  );
}

function parsed(text: string): unknown {
  const { load } = createRequire(import.meta.url)('js-yaml') as typeof import('js-yaml');
  return load(text);
}
