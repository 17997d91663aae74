/** What commands print: tables for a person at a terminal, JSON for programs. */
import { expect, test } from 'vitest';
import { type OutputStream, printRecord, printRows } from '../../src/commands/output.js';

const KEYS = [
  { fingerprint: 'ab12', name: 'till\u001b[31m\n2', roles: ['crm_view', 'crm_edit'], owner: false, last_used_at: null },
  { fingerprint: 'cd34567', name: 'office', roles: [], owner: true, last_used_at: '2026-01-02T03:04:05.678Z' },
];

test('a list is a table on a terminal, without control characters, and JSON elsewhere or with --json', () => {
  const columns = ['fingerprint', 'name', 'roles', 'owner', 'last_used_at'];
  const listing = { name: 'keys', rows: KEYS, columns, more: { next: 'cd34567' } };
  expect(printed((stream) => printRows(listing, {}, stream), true)).toBe(
    [
      'FINGERPRINT  NAME        ROLES              OWNER  LAST USED AT',
      'ab12         till[31m 2  crm_view,crm_edit  no     -',
      'cd34567      office      -                  yes    2026-01-02T03:04:05.678Z',
      '',
      'next  cd34567',
      '',
    ].join('\n'),
  );
  const json = { keys: KEYS, next: 'cd34567' };
  expect(JSON.parse(printed((stream) => printRows(listing, {}, stream), false))).toEqual(json);
  expect(JSON.parse(printed((stream) => printRows(listing, { json: true }, stream), true))).toEqual(json);
  expect(printed((stream) => printRows({ name: 'api_keys', rows: [] }, {}, stream), true)).toBe('no api keys\n');
});

test('a record is a line per field on a terminal, and a JSON object elsewhere', () => {
  const record = { orgcode: 'ACME', created_at: null, group: undefined };
  expect(printed((stream) => printRecord(record, {}, stream), true)).toBe('orgcode     ACME\ncreated at  -\n');
  expect(printed((stream) => printRecord(record, {}, stream), false)).toBe(
    '{\n  "orgcode": "ACME",\n  "created_at": null\n}\n',
  );
});

function printed(print: (stream: OutputStream) => void, isTTY: boolean): string {
  const texts: string[] = [];
  print({ isTTY, write: (text) => texts.push(text) });
  return texts.join('');
}
