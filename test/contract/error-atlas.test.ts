/**
 * The error atlas is whole and true: every code in the source stands in it and every code in it stands in the source.
 * That tags, statuses and retries are as it says is checked on every call of every test (support/world.ts).
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

test('the scan of the source sees codes', () => {
  const codes = literals.map(({ text }) => text);
  expect(codes).toContain('crm.not_found');
  expect(codes).toContain('crm.idempotency_mismatch');
  expect(codes.filter((text) => CODE.test(text)).length).toBeGreaterThan(50);
});

test('every code in the source stands in the atlas', () => {
  const strange = literals.filter(({ text, composed }) => !composed && CODE.test(text) && !(text in ATLAS));
  const advice = 'add the code to openapi/errors.yaml (tag, when, what_to_do) and run npm run generate';
  expect(
    strange.map(({ file, text }) => `${file}: ${text}`),
    advice,
  ).toEqual([]);
});

test('no code is put together from parts, where nobody would find it', () => {
  const composed = literals.filter(({ text, composed }) => composed && text.startsWith('crm.'));
  expect(
    composed.map(({ file, text }) => `${file}: ${text}`),
    'write each code out',
  ).toEqual([]);
});

test('the atlas lists no code that nothing says', () => {
  const said = new Set(literals.map(({ text }) => text));
  const silent = Object.keys(ATLAS).filter((code) => !said.has(code));
  expect(silent, 'remove it from openapi/errors.yaml, or find out who stopped saying it').toEqual([]);
});

describe('an entry of the atlas', () => {
  test.each(Object.entries(ATLAS))('%s is whole', (code, { tag, http_status, retryable, when, what_to_do, group }) => {
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
  });
});

test('an answer that is not as the atlas says is seen', () => {
  const error = { error_code: 'crm.not_found', http_status: 404, retryable: false, major: { tag: 'not-found' } };
  const answer = (fields: object) => ({ success: false, error: { ...error, ...fields } }) as never;
  expect(() => requireAtlas(answer({}), 'read')).not.toThrow();
  expect(() => requireAtlas(answer({ http_status: 410 }), 'read')).toThrow('not-found 404 final');
  expect(() => requireAtlas(answer({ retryable: true }), 'read')).toThrow('retryable');
  expect(() => requireAtlas(answer({ error_code: 'crm.nobody_knows' }), 'read')).toThrow('states nothing about');
  const internal = { error_code: 'crm.internal', http_status: 500, major: { tag: 'internal-error' } };
  expect(() => requireAtlas(answer({ ...internal, retryable: true }), 'read')).not.toThrow();
  expect(() => requireAtlas(answer({ ...internal, retryable: true }), 'append')).toThrow('final');
});

interface Text {
  readonly text: string;
  /** It is the beginning of a template, or of a sum of strings. */
  readonly composed: boolean;
}

/** Every string a file's code holds, comments aside. */
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
