/** Builds small OpenAPI documents and imports them. */
import { CONTRACT } from '../../src/contract/generated/contract.js';
import type { JsonSchema, Operation } from '../../src/contract/operation.js';
import { type ImportedContract, importContract } from '../../src/openapi-import/import-contract.js';
import { sentenceOf } from '../../src/openapi-import/import-report.js';
import { HEADER_NAMES } from '../../src/pipeline/headers.js';
import { createCatalogue, type Tool } from '../../src/tools/catalogue.js';

/** A document or a part of one, which a test may make invalid. */
// biome-ignore lint/suspicious/noExplicitAny: documents under test are often not what they should be
export type Loose = any;

export const SUCCESS = {
  200: { description: 'OK', content: { 'application/json': { schema: { type: 'object' } } } },
};

/** A document with these paths; `rest` goes to its top. */
export function documentOf(paths: Loose, rest: Loose = {}): Loose {
  return { openapi: '3.1.0', info: { title: 'Test', version: '1' }, paths, ...rest };
}

/** A document of one `POST /thing` with this request schema. */
export function bodyDocument(schema: Loose, rest: Loose = {}): Loose {
  return documentOf({ '/thing': { post: { requestBody: jsonBody(schema), responses: SUCCESS } } }, rest);
}

export function jsonBody(schema: Loose): Loose {
  return { required: true, content: { 'application/json': { schema } } };
}

/** A document of one `GET /thing` with this parameter. */
export function parameterDocument(...parameters: Loose[]): Loose {
  return documentOf({ '/thing': { get: { parameters, responses: SUCCESS } } });
}

/** A document of one `GET /thing` with this response schema. */
export function answerDocument(schema: Loose, rest: Loose = {}): Loose {
  const response = { description: 'OK', content: { 'application/json': { schema } } };
  return documentOf({ '/thing': { get: { responses: { 200: response } } } }, rest);
}

export function imported(document: unknown): ImportedContract {
  return importContract(document, { overlay: CONTRACT, headers: HEADER_NAMES });
}

/** Returns the only operation of a document. */
export function onlyOperation(document: unknown): Operation {
  const { contract, report } = imported(document);
  const [operation, ...others] = contract.operations;
  if (operation === undefined || others.length > 0) throw new Error(JSON.stringify(report));
  return operation;
}

/** Returns why the only operation of a document is omitted. */
export function omission(document: unknown): string | undefined {
  const { contract, report } = imported(document);
  if (contract.operations.length > 0) throw new Error('the operation is offered');
  const [first] = report.omitted;
  return first === undefined ? undefined : sentenceOf(first);
}

export function toolsOf({ contract }: ImportedContract): readonly Tool[] {
  return createCatalogue(contract).entries.map(({ tool }) => tool);
}

/** Returns a field of the only operation's input schema, as agents see it. */
export function shownField(document: unknown, field: string): JsonSchema {
  const properties = onlyOperation(document).inputSchema.properties as { readonly [name: string]: JsonSchema };
  return properties[field] ?? {};
}

/** Lists `field ← in name` for each parameter; `⇐` marks a parameter whose values are repeated. */
export function parametersOf(document: Loose): readonly string[] {
  const { imported } = onlyOperation(document);
  return (imported?.parameters ?? []).map(
    ({ field, in: location, name, explode, delimiter, allowReserved }) =>
      `${field} ${explode ? '⇐' : '←'} ${location} ${name}${delimiter === undefined ? '' : ` ${delimiter}`}${
        allowReserved ? ' reserved' : ''
      }`,
  );
}
