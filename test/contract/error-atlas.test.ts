/**
 * The error atlas is complete and correct: it lists exactly the error codes that occur in the source.
 * support/world.ts checks the tag, status and retryability of each error on every call of every test.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { STATUS_BY_TAG } from '../../src/contract/errors.js';
import { ATLAS, requireAtlas } from '../support/atlas.js';
import { filesUnder } from '../support/files.js';

const CODE = /^crm\.[a-z][a-z0-9_]*$/;
const sources = filesUnder('src').filter((file) => file.endsWith('.ts') && !file.includes('generated'));
const literals = sources.flatMap((file) => textsOf(file).map((found) => ({ file, ...found })));

test('the scan of the source finds error codes', () => {
  const codes = literals.map(({ text }) => text);
  expect(codes).toContain('crm.not_found');
  expect(codes).toContain('crm.idempotency_mismatch');
  expect(codes.filter((text) => CODE.test(text)).length).toBeGreaterThan(50);
});

test('the atlas lists every code in the source', () => {
  const unlisted = literals.filter(({ text, composed }) => !composed && CODE.test(text) && !(text in ATLAS));
  const advice = 'add the code to openapi/errors.yaml (tag, when, what_to_do) and run npm run generate';
  expect(
    unlisted.map(({ file, text }) => `${file}: ${text}`),
    advice,
  ).toEqual([]);
});

test('no code is composed from parts, which the scan would not find', () => {
  const composed = literals.filter(({ text, composed }) => composed && text.startsWith('crm.'));
  expect(
    composed.map(({ file, text }) => `${file}: ${text}`),
    'write each code out',
  ).toEqual([]);
});

test('every code in the atlas occurs in the source', () => {
  const inSource = new Set(literals.map(({ text }) => text));
  const unused = Object.keys(ATLAS).filter((code) => !inSource.has(code));
  expect(unused, 'remove it from openapi/errors.yaml, or find out why the source no longer uses it').toEqual([]);
});

describe('an entry of the atlas', () => {
  test.each(Object.entries(ATLAS))(
    '%s is complete',
    (code, { tag, http_status, retryable, when, what_to_do, group }) => {
      expect(code).toMatch(CODE);
      expect([...Object.keys(STATUS_BY_TAG), 'varies']).toContain(tag);
      if (tag !== 'varies' && tag !== 'validation-error' && tag !== 'internal-error') {
        expect(http_status).toBe(STATUS_BY_TAG[tag as keyof typeof STATUS_BY_TAG]);
      }
      expect(['no', 'yes', 'reads', 'varies']).toContain(retryable);
      expect(group.length).toBeGreaterThan(3);
      for (const text of [when, what_to_do]) {
        expect(text).toMatch(/^[A-Za-z]/);
        expect(text).not.toMatch(/[.|\n]$/);
        expect(text.length).toBeLessThanOrEqual(160);
      }
    },
  );
});

test('requireAtlas throws for a response that contradicts the atlas', () => {
  const error = { error_code: 'crm.not_found', http_status: 404, retryable: false, major: { tag: 'not-found' } };
  const response = (fields: object) => ({ success: false, error: { ...error, ...fields } }) as never;
  expect(() => requireAtlas(response({}), 'read')).not.toThrow();
  expect(() => requireAtlas(response({ http_status: 410 }), 'read')).toThrow('not-found 404 final');
  expect(() => requireAtlas(response({ retryable: true }), 'read')).toThrow('retryable');
  expect(() => requireAtlas(response({ error_code: 'crm.nobody_knows' }), 'read')).toThrow('states nothing about');
  const internal = { error_code: 'crm.internal', http_status: 500, major: { tag: 'internal-error' } };
  expect(() => requireAtlas(response({ ...internal, retryable: true }), 'read')).not.toThrow();
  expect(() => requireAtlas(response({ ...internal, retryable: true }), 'append')).toThrow('final');
});

interface Text {
  readonly text: string;
  /** Whether the text is the beginning of a template or part of a string concatenation. */
  readonly composed: boolean;
}

/** Returns every string in a file's code; comments are not included. */
function textsOf(file: string): readonly Text[] {
  const found: Text[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      const composed = ts.isBinaryExpression(node.parent) && node.parent.operatorToken.kind === ts.SyntaxKind.PlusToken;
      found.push({ text: node.text, composed });
    }
    if (ts.isTemplateExpression(node)) found.push({ text: node.head.text, composed: true });
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  return found;
}
