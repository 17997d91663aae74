/** How the client reads flags into a body, and shows answers. */
import { describe, expect, test } from 'vitest';
import { buildBody } from '../../src/cli/build-body.js';
import { RESERVED_NAMES } from '../../src/cli/call-options.js';
import { commandsOf } from '../../src/cli/commands.js';
import { cellOf } from '../../src/cli/output/cells.js';
import { csvLine } from '../../src/cli/output/csv.js';
import { recordOf, tableOf } from '../../src/cli/output/layout.js';
import { paperOf as paperOnStream } from '../../src/cli/output/paper.js';
import { answerText } from '../../src/cli/output/write-answer.js';
import { readDay, readTime } from '../../src/cli/read-time.js';
import { signatureOf } from '../../src/cli/request-flags.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';

const commands = commandsOf(CONTRACT);
const plain = (text: string) => text;
const paperOf = (width: number) => ({ width, dim: plain, visible: plain });
/** Begins a command to the terminal, in two ways; turns the direction of the text. */
const HARMFUL = ['\u001b', '\u009b', '\u202e'];

/** The body that flags make for a command: `name=text` each. */
function bodyOf(words: string, given: readonly string[], data: object = {}, unset: readonly string[] = []) {
  const found = commands.find((command) => command.words.join(' ') === words);
  if (found === undefined) throw new Error(`no command ${words}`);
  const signature = signatureOf(found.operation, RESERVED_NAMES);
  const flags = given.map((text) => {
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    const flag = signature.flags.find(({ names }) => names.includes(name));
    if (flag === undefined) throw new Error(`no flag ${name}`);
    return { flag, texts: [value] };
  });
  return buildBody(signature, { data: data as Record<string, unknown>, flags, unset });
}

test('no two operations have the same words, and no field takes a flag of the program', () => {
  const words = commands.map((command) => command.words.join(' '));
  expect(new Set(words).size).toBe(CONTRACT.operations.length);
  for (const { operation } of commands) {
    const names = signatureOf(operation, RESERVED_NAMES).flags.flatMap((flag) => flag.names);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => RESERVED_NAMES.has(name))).toEqual([]);
  }
});

test('an imported operation is named by its family and id, and by its whole id where that is not enough', () => {
  const [stat] = CONTRACT.operations.filter(({ id }) => id === 'stat');
  const imported = { ...(stat as object), imported: {} } as (typeof CONTRACT.operations)[number];
  const operations = [
    { ...imported, family: 'pets', id: 'pets_list' },
    { ...imported, family: 'Pet Shop', id: 'find_ByTag' },
    { ...imported, family: 'a', id: 'a_b' },
    { ...imported, family: 'a', id: 'b' },
  ];
  expect(commandsOf({ operations }).map(({ words }) => words.join(' '))).toEqual([
    'pets list',
    'pet-shop find-bytag',
    'a a-b',
    'a b',
  ]);
});

describe('a body', () => {
  test('has the fields of objects by short and by full names, over --data, in any order', () => {
    const body = bodyOf(
      'customer create',
      ['email=a@example.com', 'customer={"caption":"A","locale":"en"}', 'reason=new'],
      {
        customer: { caption: 'B', company: 'C' },
      },
    );
    expect(body).toEqual({ customer: { caption: 'A', locale: 'en', email: 'a@example.com' }, reason: 'new' });
    expect(bodyOf('customer create', ['customer.email=a@example.com'], { customer: { company: 'C' } })).toEqual({
      customer: { company: 'C', email: 'a@example.com' },
    });
  });

  test('has money, numbers, booleans, lists and maps as their types', () => {
    expect(bodyOf('giftcard issue', ['amount=12.50', 'currency=USD', 'reason=r', 'generate-pin=yes'])).toEqual({
      amount: 12.5,
      currency: 'USD',
      reason: 'r',
      generate_pin: true,
    });
    const lists = ['tags=a', 'attributes=size=42', 'attributes={"vip":true}', 'addresses={"city":"Ghent"}'];
    expect(bodyOf('customer create', lists)).toEqual({
      customer: { tags: ['a'], attributes: { vip: true }, addresses: [{ city: 'Ghent' }] },
    });
  });

  test.each([
    ['loyalty earn', 'points=1.5', '--points takes a whole number'],
    ['loyalty earn', 'points=1e3', '--points takes a whole number'],
    ['giftcard issue', 'amount=12,50', '--amount takes a number with a decimal point'],
    ['customer flag set', 'active=1', '--active takes true or false'],
    ['customer list', 'created-from=2027-02-30', '--created-from takes a date'],
    ['account status set', 'status=closd', '--status takes one of'],
    ['customer create', 'customer={', '--customer takes JSON'],
    ['customer create', 'attributes=vip', '--attributes takes KEY=VALUE'],
  ])('%s %s is refused', (words, flag, message) => expect(() => bodyOf(words, [flag])).toThrow(message));

  test('lacks nothing that is required, wherever it is given', () => {
    expect(() => bodyOf('customer merge', ['customer-id=1'])).toThrow('give --merge-customer-ids and --reason');
    expect(bodyOf('customer get', [], { customer_id: '1' })).toEqual({ customer_id: '1' });
  });

  test('is null where a field is unset, which only some can be', () => {
    const unset = bodyOf('customer update', ['customer-id=1'], {}, ['phone']);
    expect(unset).toEqual({ customer_id: '1', customer: { phone: null } });
    expect(() => bodyOf('customer update', ['customer-id=1'], {}, ['phon'])).toThrow('did you mean phone?');
    expect(() => bodyOf('customer update', ['customer-id=1'], {}, ['reason'])).toThrow('cannot be empty');
  });
});

describe('times', () => {
  const noonMs = new Date(2027, 0, 31, 12, 30).getTime();
  const here = (...parts: [number, number, number, number?, number?]) => new Date(...parts).getTime();
  test.each([
    ['now', noonMs],
    ['today', here(2027, 0, 31)],
    ['+1d', here(2027, 1, 1, 12, 30)],
    ['-2w', here(2027, 0, 17, 12, 30)],
    ['+3h', noonMs + 3 * 3_600_000],
    ['2027-03-31', here(2027, 2, 31)],
    ['2027-03-31T18:05', here(2027, 2, 31, 18, 5)],
    ['2027-03-31T18:05:00Z', Date.UTC(2027, 2, 31, 18, 5)],
    ['2027-02-29', undefined],
    ['2027-03-31T25:00', undefined],
    ['tomorrow', undefined],
    ['1', undefined],
  ])('%s', (text, timeMs) => expect(readTime(text, noonMs)).toBe(timeMs));

  test('a day stays the day that was typed', () => expect(readDay('2027-03-31', noonMs)).toBe('2027-03-31'));
});

describe('a table', () => {
  const rows = [
    { orgcode: 'ACME', customer_id: '1', name: '山田太郎', points: 12345, note: 'x'.repeat(90), tags: ['a', 'b'] },
    { orgcode: 'ACME', customer_id: '2', name: 'Zoë', points: 5, note: null, tags: [] },
  ];

  test('aligns wide characters, fits, and says what it leaves out', () => {
    expect(tableOf(rows, paperOf(44)).split('\n')).toEqual([
      'CUSTOMER ID  NAME      POINTS  NOTE',
      `1            山田太郎  12,345  ${'x'.repeat(12)}…`,
      '2            Zoë       5       -',
      '(2 more fields: --fields or -o json)',
      '',
    ]);
  });

  test('has the asked fields whole, and leaves out what was asked for', () => {
    expect(tableOf(rows, paperOf(20), ['name', 'points'])).toBe('NAME      POINTS\n山田太郎  12,345\nZoë       5\n');
    expect(tableOf(rows.slice(0, 1), paperOf(80), undefined, { customer_id: '1' })).toMatch(/^NAME/);
  });

  test('shows no control character of a text, and no direction mark', () => {
    const text = recordOf({ caption: 'a\u001b[2Jb\u202ec\nd', list: [{ 'x\u001b': '\u009b1m' }] }, paperOf(80));
    for (const sign of HARMFUL) expect(text).not.toContain(sign);
    expect(text).toContain('caption  a[2Jbc d');
  });

  test('shows money with its currency, and times here', () => {
    expect(cellOf({ balance: 12.5, currency: 'USD' }, 'balance')).toBe('USD 12.50');
    expect(cellOf({ balance: 1200, currency: 'JPY' }, 'balance')).toBe('JPY 1,200');
    expect(cellOf({ points_balance: 5 }, 'points_balance')).toBe('5');
    const at = new Date(2027, 0, 31, 8, 5);
    expect(cellOf({ created_at: at.toISOString() }, 'created_at')).toBe('2027-01-31 08:05');
  });
});

describe('formats', () => {
  const page = {
    items: [
      { id: '1', text: 'a"b,c' },
      { id: '2', extra: { deep: [1] } },
    ],
    next_token: 't',
  };
  const as = (format: 'json' | 'jsonl' | 'yaml' | 'csv', fields?: readonly string[]) =>
    answerText(page, { format, fields, paper: paperOf(80), asked: {} });

  test('json is what the API sent; jsonl and csv have a line for each record', async () => {
    expect(JSON.parse(await as('json'))).toEqual(page);
    expect(
      (await as('jsonl'))
        .split('\n')
        .slice(0, 2)
        .map((line) => JSON.parse(line)),
    ).toEqual(page.items);
    expect(await as('csv')).toBe('id,text,extra\r\n1,"a""b,c",\r\n2,,"{""deep"":[1]}"\r\n');
    expect(await as('yaml')).toContain("- id: '1'");
    expect(await as('csv', ['id', 'extra.deep'])).toBe('id,extra.deep\r\n1,\r\n2,[1]\r\n');
  });

  test('JSON for a terminal escapes what could control it, and stays exact', async () => {
    const text = await answerText(
      { caption: '\u009b1m\u202e' },
      { format: 'json', fields: undefined, paper: paperOf(80), asked: {} },
    );
    for (const sign of HARMFUL) expect(text).not.toContain(sign);
    expect(JSON.parse(text)).toEqual({ caption: '\u009b1m\u202e' });
  });

  test.each(['csv', 'yaml'] as const)('%s is exact in a pipe, and cannot control a terminal', async (format) => {
    const data = { caption: '\u009b1m\u202ered' };
    const on = (isTTY: boolean) => paperOnStream({ stdout: { isTTY, write: () => true }, env: {} });
    const text = (isTTY: boolean) => answerText(data, { format, fields: undefined, paper: on(isTTY), asked: {} });
    expect(await text(false)).toMatch(format === 'csv' ? /\u202ered/ : /red/);
    for (const sign of HARMFUL) expect(await text(true)).not.toContain(sign);
  });

  test('no spreadsheet runs the text of a record', () => {
    expect(csvLine(['=1+1', '+49 30 123', '-5', '@x', -5, '-a'])).toBe("'=1+1,+49 30 123,-5,'@x,-5,'-a\r\n");
  });
});
