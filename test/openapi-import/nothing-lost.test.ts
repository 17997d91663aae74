/** Of every operation of a document, each parameter, body and response is offered or stands in the report. */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ImportedShape, Operation } from '../../src/contract/operation.js';
import { parseDocument } from '../../src/openapi-import/parse-document.js';
import { documentOf, imported, type Loose } from '../support/openapi.js';
import { PUBLISHED_DOCUMENTS } from '../support/published-openapi.js';

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];
/** Set by the gateway itself. */
const SET_BY_GATEWAY = /^(accept|accept-encoding|authorization|content-type|user-agent|x-api-key|x-orgcode)$/i;

const resolved = (document: Loose, value: Loose): Loose =>
  typeof value?.$ref === 'string'
    ? resolved(
        document,
        value.$ref
          .slice(2)
          .split('/')
          .reduce((node: Loose, step: string) => node?.[decodeURIComponent(step).replace('~1', '/')], document),
      )
    : value;

/** What neither the contract nor the report has: `POST /pets body`. */
function lostParts(document: Loose): readonly string[] {
  const { contract, report } = imported(document);
  const omitted = new Set(report.omitted.map(({ operation }) => operation));
  const reported = new Set(report.omittedParts.map(({ operation, part }) => `${operation} ${part}`));
  const lost: string[] = [];
  for (const [path, source] of Object.entries<Loose>(document.paths)) {
    const item = resolved(document, source);
    for (const method of METHODS.filter((name) => item?.[name] !== undefined && !omitted.has(path))) {
      const where = `${method.toUpperCase()} ${path}`;
      if (omitted.has(where)) continue;
      const operation = contract.operations.find((one) => one.path === path && one.method === method.toUpperCase());
      if (operation === undefined) lost.push(where);
      else {
        const parts = unofferedParts(document, item, item[method], operation);
        lost.push(...parts.map((part) => `${where} ${part}`).filter((part) => !reported.has(part)));
      }
    }
  }
  return lost;
}

function unofferedParts(document: Loose, item: Loose, source: Loose, operation: Operation): readonly string[] {
  const shape: ImportedShape = operation.imported ?? { parameters: [], bodiless: false, enveloped: true };
  const declared = [...(item.parameters ?? []), ...(source.parameters ?? [])].map((part) => resolved(document, part));
  const parameters = declared.filter((parameter) => !isOffered(document, parameter, shape));
  const body = resolved(document, source.requestBody) !== undefined && (shape.bodiless || operation.method === 'GET');
  const statuses = Object.keys(source.responses ?? {}).filter((status) => /^2/.test(status));
  const responses = statuses.filter((status) => {
    const types = Object.keys(resolved(document, source.responses[status]).content ?? {});
    return types.length > 0 && !types.some((type) => /json|\*\/\*|^application\/\*/i.test(type));
  });
  return [
    ...parameters.map(({ in: location, name }) => `${location} parameter ${name}`),
    ...(body ? ['body'] : []),
    ...responses.map((status) => `response ${status}`),
  ];
}

function isOffered(document: Loose, { in: location, name, schema }: Loose, { parameters }: ImportedShape): boolean {
  if (location === 'header' && SET_BY_GATEWAY.test(name)) return true;
  const schemes = Object.values<Loose>(document.components?.securitySchemes ?? {});
  if (schemes.some((scheme) => scheme.in === location && scheme.name === name)) return true;
  const fields = Object.keys(resolved(document, schema)?.properties ?? {});
  const names = [name, ...fields, ...fields.map((field) => `${name}[${field}]`)];
  const isNamed = (wire: string) =>
    location === 'header' ? wire.toLowerCase() === name.toLowerCase() : names.includes(wire);
  return parameters.some((parameter) => parameter.in === location && isNamed(parameter.name));
}

describe('nothing is lost of', () => {
  test.each(PUBLISHED_DOCUMENTS)('%s', async (path) => {
    expect(lostParts(await parseDocument(readFileSync(`node_modules/${path}`, 'utf8')))).toEqual([]);
  });

  test('the examples of OpenAPI 3.0 and 3.1', async () => {
    const directories = ['3.0', '3.1'].map((version) => `node_modules/@readme/oas-examples/${version}/json`);
    const files = directories.flatMap((directory) =>
      readdirSync(directory)
        .filter((name) => name.endsWith('.json') && !/star-trek|circular/.test(name))
        .map((name) => `${directory}/${name}`),
    );
    for (const file of files) {
      const document: Loose = await parseDocument(readFileSync(file, 'utf8'));
      if (document.paths !== undefined) expect([file, lostParts(document)]).toEqual([file, []]);
    }
    expect(files.length).toBeGreaterThan(40);
  });

  const some = fc.constantFrom;
  const schema = some<Loose>(
    undefined,
    {},
    { type: 'string' },
    { type: 'string', format: 'binary' },
    { type: 'array', items: { type: 'string' } },
    { type: 'array', items: { type: 'object' } },
    { type: 'object' },
    { type: 'object', required: ['a'], properties: { a: { type: 'integer' }, b: {} } },
    { type: 'object', additionalProperties: { type: 'string' } },
    { anyOf: [{ type: 'string' }, { type: 'object', properties: { a: {} } }] },
  );
  const parameter = fc.record(
    {
      name: some('id', 'q', 'a b', 'X-Trace', 'Cookie', 'Accept', 'Via', 'token'),
      in: some('path', 'query', 'header', 'cookie'),
      required: fc.boolean(),
      style: some('form', 'simple', 'label', 'matrix', 'deepObject', 'spaceDelimited', 'pipeDelimited'),
      explode: fc.boolean(),
      schema,
    },
    { requiredKeys: ['name', 'in', 'schema'] },
  );
  const type = some(
    ...['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data', 'multipart/mixed'],
    ...['text/plain', 'application/octet-stream', 'image/*', '*/*', 'nonsense'],
  );
  const content = fc.dictionary(type, fc.record({ schema }), { maxKeys: 3 });
  const requestBody = fc.record({ content, required: fc.boolean() }, { requiredKeys: ['content'] });
  const responses = fc.dictionary(some('200', '201', '204', '2XX', '400', 'default'), fc.record({ content }), {
    maxKeys: 3,
  });
  const operation = fc.record(
    {
      parameters: fc.uniqueArray(parameter, { selector: (one) => `${one.in} ${one.name}`, maxLength: 4 }),
      requestBody,
      responses,
    },
    { requiredKeys: ['responses'] },
  );

  test('generated documents', () => {
    const offered = { operations: 0, bodies: 0 };
    const securitySchemes = { key: { type: 'apiKey', in: 'query', name: 'token' } };
    fc.assert(
      fc.property(fc.array(fc.tuple(some(...METHODS), operation), { minLength: 1, maxLength: 8 }), (operations) => {
        const paths = operations.map(([method, source], index) => [`/p${index}/{id}`, { [method]: source }]);
        const document = documentOf(Object.fromEntries(paths), { components: { securitySchemes } });
        expect(lostParts(document)).toEqual([]);
        const { contract } = imported(document);
        offered.operations += contract.operations.length;
        offered.bodies += contract.operations.filter(({ imported: shape }) => shape?.bodiless === false).length;
      }),
      { seed: 20_261_129, numRuns: 150 },
    );
    expect(offered.operations).toBeGreaterThan(200);
    expect(offered.bodies).toBeGreaterThan(50);
  });
});
