/** Bodies of imported operations that are not JSON: forms, multipart, text and bytes, as the upstream receives them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CrmError } from '../../src/contract/errors.js';
import type { ImportedShape, Operation } from '../../src/contract/operation.js';
import { importedRequestParts } from '../../src/gateway/imported-request.js';
import { documentOf, type Loose, onlyOperation, SUCCESS } from '../support/openapi.js';
import type { Received } from '../support/upstream.js';
import { closingUpstreams } from '../support/upstreams.js';

const { open } = closingUpstreams();

/** The only operation of a document with this request body. */
function operationOf(type: string, media: Loose, parameters: Loose = []): Operation {
  const requestBody = { content: { [type]: media } };
  return onlyOperation(documentOf({ '/things': { post: { parameters, requestBody, responses: SUCCESS } } }));
}

const form = (properties: Loose, encoding: Loose = {}) =>
  operationOf('application/x-www-form-urlencoded', { schema: { type: 'object', properties }, encoding });
const multipart = (properties: Loose, encoding: Loose = {}) =>
  operationOf('multipart/form-data', { schema: { type: 'object', properties }, encoding });

function bodyOf(operation: Operation, input: object) {
  const { body } = importedRequestParts(operation, input as never, () => 'B');
  return body && { type: body.contentType, text: body.content.toString('latin1' as never) };
}

const textOf = (operation: Operation, input: object) => bodyOf(operation, input)?.text;

/** The issues that a call is rejected with. */
function issuesOf(operation: Operation, input: object): unknown {
  try {
    bodyOf(operation, input);
    return [];
  } catch (error) {
    return (error as CrmError).details?.issues;
  }
}

const FILE = { type: 'string', format: 'binary' };
const LIST = { type: 'array', items: {} };
const OBJECT = { type: 'object', properties: { k: {}, l: {} } };

describe('a form', () => {
  test.each<[string, Loose, Loose, unknown, string]>([
    ['text', {}, undefined, 'a&b=c +ü', 'f=a%26b%3Dc%20%2B%C3%BC'],
    ['a number', {}, undefined, 1.5, 'f=1.5'],
    ['false', {}, undefined, false, 'f=false'],
    ['null', {}, undefined, null, ''],
    ['a list, by default', LIST, undefined, ['a,b', 2], 'f=a%2Cb&f=2'],
    ['a list of objects', LIST, undefined, [{ k: 1 }], 'f=%7B%22k%22%3A1%7D'],
    ['an empty list', LIST, undefined, [], ''],
    ['a list in one value', LIST, { explode: false }, ['a,b', 2], 'f=a%2Cb,2'],
    ['a list between pipes', LIST, { style: 'pipeDelimited', explode: false }, ['a', 'b c'], 'f=a%7Cb%20c'],
    ['a list between spaces', LIST, { style: 'spaceDelimited', explode: false }, ['a', 'b'], 'f=a%20b'],
    ['a list in brackets', LIST, { style: 'deepObject' }, ['a', { k: 1 }], 'f%5B0%5D=a&f%5B1%5D%5Bk%5D=1'],
    ['an object, by default JSON', OBJECT, undefined, { k: 1 }, 'f=%7B%22k%22%3A1%7D'],
    ['an object as fields', OBJECT, { style: 'form' }, { k: 1, l: 'x y' }, 'k=1&l=x%20y'],
    ['an object in one value', OBJECT, { style: 'form', explode: false }, { k: 1, l: 'x y' }, 'f=k,1,l,x%20y'],
    ['an object in brackets', OBJECT, { style: 'deepObject' }, { k: { z: [1] }, l: null }, 'f%5Bk%5D%5Bz%5D%5B0%5D=1'],
    ['JSON', LIST, { contentType: 'application/json' }, ['a', 1], 'f=%5B%22a%22%2C1%5D'],
    ['reserved characters', {}, { allowReserved: true }, 'https://x/?a=1&b', 'f=https://x/?a=1%26b'],
  ])('writes %s', (_name, schema, encoding, value, text) => {
    const operation = form({ f: schema, g: {} }, encoding === undefined ? {} : { f: encoding });
    expect(bodyOf(operation, { f: value })).toEqual({ type: 'application/x-www-form-urlencoded', text });
    expect(textOf(operation, { f: value, g: 1 })).toBe(text === '' ? 'g=1' : `${text}&g=1`);
  });

  test('rejects a list item with the separator of its list', () => {
    const operation = form({ f: LIST }, { f: { style: 'pipeDelimited', explode: false } });
    expect(issuesOf(operation, { f: ['a|b'] })).toEqual([{ path: 'f', message: 'must be values without |' }]);
  });

  test('that is optional is left out when none of its fields is given', () => {
    expect(bodyOf(form({ f: {} }), {})).toBeUndefined();
  });

  test('of fields that the document does not name is one argument', () => {
    const operation = operationOf('application/x-www-form-urlencoded', {});
    expect(textOf(operation, { body: { a: 1, 'b c': ['x', 'y'] } })).toBe('a=1&b%20c=x&b%20c=y');
  });

  test('cannot be given more fields by any value', () => {
    const operation = form({ f: {}, g: {} }, { f: { allowReserved: true } });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (f, g) => {
        const read = [...new URLSearchParams(textOf(operation, { f, g }))];
        expect(read).toEqual([
          ['f', Buffer.from(f).toString()],
          ['g', Buffer.from(g).toString()],
        ]);
      }),
      { seed: 20_261_129, numRuns: 300 },
    );
  });
});

describe('multipart', () => {
  /** Reads a multipart body with the parser of the platform. */
  const read = async (operation: Operation, input: object) => {
    const { body } = importedRequestParts(operation, input as never, () => 'g3nBOUNDARY');
    const headers = { 'content-type': body?.contentType ?? '' };
    const received = await new Response(body?.content, { headers }).formData();
    return Promise.all(
      [...received].map(async ([name, value]) =>
        typeof value === 'string'
          ? [name, value]
          : [name, value.name, value.type, Buffer.from(await value.arrayBuffer()).toString('latin1')],
      ),
    );
  };

  test('has parts of text, JSON and files, with the media types of the document', () => {
    const operation = multipart(
      { text: {}, typed: {}, json: OBJECT, list: LIST, file: FILE, image: FILE },
      { typed: { contentType: 'text/markdown' }, image: { contentType: 'image/png, image/jpeg' } },
    );
    const input = {
      text: 'ä',
      typed: '# a',
      json: { k: 1 },
      list: [1, { a: 2 }, null],
      file: { text: 'a,b', filename: 'a.csv' },
      image: { base64: '/+8=' },
    };
    const part = (head: string, content: string) =>
      `--B\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
    expect(bodyOf(operation, input)).toEqual({
      type: 'multipart/form-data; boundary=B',
      text: [
        part('name="text"', '\u00c3\u00a4'),
        part('name="typed"\r\nContent-Type: text/markdown', '# a'),
        part('name="json"\r\nContent-Type: application/json', '{"k":1}'),
        part('name="list"', '1'),
        part('name="list"\r\nContent-Type: application/json', '{"a":2}'),
        part('name="file"; filename="a.csv"\r\nContent-Type: text/plain; charset=utf-8', 'a,b'),
        part('name="image"; filename="file"\r\nContent-Type: image/png', '\u00ff\u00ef'),
        '--B--\r\n',
      ].join(''),
    });
  });

  test('takes the media type of a file that the document allows', () => {
    const operation = multipart({ any: FILE, image: FILE }, { image: { contentType: 'image/*' } });
    const file = { base64: 'AA==', filename: 'a' };
    const typesOf = (of: object) => textOf(operation, of)?.match(/(?<=Content-Type: )\S+/g);
    expect(typesOf({ image: { ...file, content_type: 'image/GIF' }, any: { ...file, content_type: 'a/b' } })).toEqual([
      'image/gif',
      'a/b',
    ]);
    expect(typesOf({ image: file })).toEqual(['application/octet-stream']);
    expect(issuesOf(operation, { image: { ...file, content_type: 'text/html' } })).toEqual([
      { path: 'image.content_type', message: 'is not a media type of this file', expected: 'image/*' },
    ]);
  });

  test.each<[object, string, string]>([
    [{}, 'f', 'must have either text or base64'],
    [{ text: 'a', base64: 'YQ==' }, 'f', 'must have either text or base64'],
    [{ base64: 'a' }, 'f.base64', 'is not base64'],
    [{ base64: 'ÿ===' }, 'f.base64', 'is not base64'],
    [{ text: '', filename: 'a\r\nX: y' }, 'f.filename', 'must be a name on one line, without slashes'],
    [{ text: '', filename: '../a' }, 'f.filename', 'must be a name on one line, without slashes'],
    [{ text: '', filename: 'a\\b' }, 'f.filename', 'must be a name on one line, without slashes'],
    [{ text: '', content_type: 'a/b\r\nX: y' }, 'f.content_type', 'is not a media type of this file'],
  ])('rejects the file %j', (f, path, message) => {
    expect(issuesOf(multipart({ f: FILE }), { f })).toEqual([expect.objectContaining({ path, message })]);
    expect(issuesOf(multipart({ f: { type: 'array', items: FILE } }), { f: [{ text: '' }, f] })).toEqual([
      expect.objectContaining({ path: path.replace('f', 'f.1'), message }),
    ]);
  });

  test('takes base64 with line breaks, for URLs, and without padding', () => {
    for (const base64 of ['/+8=', '_-8', '/\n+8=']) {
      expect(textOf(multipart({ f: FILE }), { f: { base64 } }), base64).toContain('\r\n\r\n\u00ff\u00ef\r\n');
    }
  });

  test('cannot be given more parts or headers by any name, filename or content', async () => {
    const operation = operationOf('multipart/form-data', {});
    const files = multipart({ f: FILE });
    const text = fc.string({ unit: fc.constantFrom(...'ab"\r\n;:=-%\0ü '), maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(text, text, text, async (name, content, filename) => {
        const parts = await read(operation, { body: { [`n${name}`]: content } });
        expect(parts).toHaveLength(1);
        expect(parts[0]?.[1]).toBe(content);
        const safe = `n${filename.replace(/\p{Cc}/gu, '')}`;
        const [file, ...others] = await read(files, { f: { text: content, filename: safe } });
        expect(others).toEqual([]);
        expect(file?.[3]).toBe(Buffer.from(content).toString('latin1'));
      }),
      { seed: 20_261_129, numRuns: 200 },
    );
  });

  test('is sent as bytes, with a boundary that nobody can predict', async () => {
    const { upstream, gateway } = await open(({ answer }) => answer(200, {}));
    await gateway.envelopeOf(multipart({ f: FILE }), { f: { base64: '/+8=' } });
    const { headers, raw } = upstream.requestsAfterStat()[0] as Received;
    const boundary = /^multipart\/form-data; boundary=(g3n[0-9a-f]{32})$/.exec(headers['content-type'] ?? '')?.[1];
    expect(raw).toContain(`\r\n\r\n\u00ff\u00ef\r\n--${boundary}--\r\n`);
  });
});

describe('a body of one value', () => {
  test('is text or bytes in the media type of the document', () => {
    const csv = operationOf('text/csv', { schema: { type: 'string' } });
    expect(bodyOf(csv, { body: 'a,ä' })).toEqual({ type: 'text/csv; charset=utf-8', text: 'a,ä' });
    expect(bodyOf(csv, {})).toBeUndefined();
    const pdf = operationOf('application/pdf', {});
    expect(bodyOf(pdf, { body: { base64: '/+8=' } })).toEqual({ type: 'application/pdf', text: '\u00ff\u00ef' });
    const image = operationOf('image/*', {});
    expect(bodyOf(image, { body: { base64: '/+8=', content_type: 'image/gif' } })?.type).toBe('image/gif');
    expect(bodyOf(image, { body: { base64: '/+8=' } })?.type).toBe('application/octet-stream');
    expect(issuesOf(pdf, { body: {} })).toEqual([{ path: 'body', message: 'must have either text or base64' }]);
  });

  test('keeps the other arguments apart', () => {
    const operation = operationOf('text/plain', {}, [{ name: 'body', in: 'query', schema: { type: 'string' } }]);
    const { bodyField = '', parameters } = operation.imported as ImportedShape;
    const field = parameters[0]?.field ?? '';
    const { path, body } = importedRequestParts(operation, { [bodyField]: 'text', [field]: 'q' } as never, () => 'B');
    expect([path, body?.content]).toEqual(['/things?body=q', 'text']);
  });
});
