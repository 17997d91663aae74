/** Files that cannot be imported, and mappings that do not fit: one clear line each. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { mapColumns, readMap } from '../../src/import/row-mapping.js';
import { columnsOfFile, readSource } from '../../src/import/row-source.js';

const directory = mkdtempSync(join(tmpdir(), 'g3n-import-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function mapped(content: string | Buffer, map?: string) {
  const file = join(directory, 'file.csv');
  writeFileSync(file, content);
  return mapColumns(await columnsOfFile(file, 'csv'), await readMap(map));
}

test.each([
  ['UTF-16', Buffer.from('\uFEFFid,name\n1,x', 'utf16le'), undefined, 'the file is UTF-16: save it as UTF-8'],
  ['Latin-1', Buffer.from('id,name\n1,J\xfcrgen\n', 'latin1'), undefined, 'the file is not UTF-8'],
  ['an endless quote', `id,name\n1,"${'x'.repeat(70_000)}`, undefined, 'look for a quote that is not closed'],
  ['two columns of one name', 'id,name,name\n1,a,b', undefined, 'has the column "name" twice'],
  ['a column without a name', 'id,\n1,a', undefined, 'column 2 of the header has no name'],
  ['no row', 'id,name\n', undefined, 'the file has no rows'],
  ['no external_ref', 'name\nx', undefined, 'no column is external_ref'],
  ['an unknown column', 'id,shoe\n1,2', undefined, 'not known what to do with the column "shoe"'],
  ['two columns of one meaning', 'id,Phone,Mobile\n1,2,3', undefined, 'the columns "Phone", "Mobile" are all phone'],
  ['a map of a column that is not there', 'id,name\n1,a', 'email=Mail', 'the file has no column "Mail"'],
  ['a map to nothing known', 'id,name\n1,a', 'shoe=name', '"shoe", for the column "name", is not one of'],
])('%s is refused', async (_name, content, map, message) => {
  await expect(mapped(content, map)).rejects.toThrow(message);
});

test('common names, dotted targets, and columns that are ignored', async () => {
  const columns = await mapped('Customer No.,E-mail,First Name,attribute.shoe size,Notes\n1,a,b,c,d', 'ignore=Notes');
  expect(columns.map(({ target }) => target)).toEqual([
    'external_ref',
    'email',
    'given_name',
    'attribute.shoe size',
    'ignore',
  ]);
});

test('JSON lines: a line that is no object is told, and the next one is read', async () => {
  const file = join(directory, 'file.jsonl');
  writeFileSync(file, '{"id":"1"}\n[1]\n\n{"id":"2","tags":["a"]}');
  const rows = [];
  for await (const { no, line, fault, values } of readSource(file, 'jsonl')) rows.push({ no, line, fault, values });
  expect(rows).toEqual([
    { no: 1, line: 1, values: { id: '1' } },
    { no: 2, line: 2, fault: 'the line is no JSON object', values: {} },
    { no: 3, line: 4, values: { id: '2', tags: ['a'] } },
  ]);
});
