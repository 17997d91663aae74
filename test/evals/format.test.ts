/** Task files: what the reader rejects, and with which words; and what values fit. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { operationsOf } from '../../evals/format.js';
import { loadTasks, parseTasks, TaskFileError } from '../../evals/load-tasks.js';
import { answers, matches } from '../../evals/matchers.js';
import { resolve, UnknownReference } from '../../evals/references.js';

const GOOD = `
tasks:
  - id: one
    request: Add ten points for Sam Lee.
    role: loyalty_admin
    solution:
      - loyalty_adjust: { customer_id: "\${1.items[0].customer_id}", points: 10 }
    queries:
      loyalty_adjust: put ten points on
    effects:
      - added: loyalty_txn
`;

const ref = (path: string) => `\${${path}}`;

function messageOf(text: string): string {
  try {
    parseTasks('file', text);
  } catch (error) {
    if (error instanceof TaskFileError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a task file', () => {
  test('is read', () => {
    const [task] = parseTasks('file', GOOD);
    expect(task).toMatchObject({ id: 'file/one', outcome: 'done', context: true });
    expect(operationsOf(task as never)).toEqual(['loyalty_adjust']);
  });

  test.each([
    ['tasks: [', 'file.yaml: '],
    [GOOD.replace('role: loyalty_admin', 'role: boss'), 'file/one: there is no role boss'],
    [GOOD.replaceAll('loyalty_adjust', 'loyalty_gift'), 'file/one: there is no operation loyalty_gift'],
    [GOOD.replace('added: loyalty_txn', 'added: points'), 'file/one: there is no table points'],
    [GOOD.replace('1.items[0].customer_id', 'sam'), `call 1 cannot know ${ref('sam')}`],
    [GOOD.replace('    effects:\n      - added: loyalty_txn\n', ''), 'file/one: the task a task without effects'],
    [`${GOOD}    outcome: refused\n`, 'file/one: the task a refused task has no effects'],
    [`${GOOD}    reward: 5\n`, 'Unrecognized key: "reward"'],
    [`${GOOD}    traps: [magic]\n`, 'file/one: traps.0'],
    [GOOD.replace('points: 10 }', 'points: 10 }\n        failing: crm.forbidden'), 'unknown option: failing'],
    [GOOD.replace('points: 10 }', 'points: 10 }\n        fails: forbidden'), 'is an error code'],
    [
      GOOD.replace('      loyalty_adjust: put ten points on\n', ' {}\n').replace('queries:\n', 'queries:'),
      'no query for',
    ],
    [GOOD.replace('adjust: put', 'earn: put'), 'file/one: the task has a query for loyalty_earn, but no call'],
    [GOOD + GOOD.replace('\ntasks:\n', ''), 'file/one: there are two of that id'],
  ])('%j is rejected', (text, message) => expect(messageOf(text)).toContain(message));

  test('there are at least 150, over all families and traps', () => {
    const tasks = loadTasks();
    expect(tasks.length).toBeGreaterThanOrEqual(150);
    expect(new Set(tasks.map(({ request }) => request)).size).toBe(tasks.length);
  });
});

/** `npm run generate -- --check` measures it again. */
test('a task in lean mode costs at most 35 % of one with all tools', () => {
  const row = /^\| lean .*$/m.exec(readFileSync('docs/evals.md', 'utf8'))?.[0] ?? '';
  const [share] = [...row.matchAll(/(\d+) %/g)].map(([, digits]) => Number(digits));
  expect(share).toBeGreaterThan(0);
  expect(share).toBeLessThanOrEqual(35);
});

test('references lead to ids, fields, items and refused calls', () => {
  const known = new Map<string, unknown>([
    ['sam', { customer_id: 'c1', email: 'sam@example.com' }],
    ['sale', { loyalty_txn_id: 't1', customer_id: 'c1' }],
    ['1', { items: [{ id: 'a' }, { id: 'b', email: 'x.y@example.com' }] }],
    ['2', { error: { details: { current_revision: '3' } } }],
  ]);
  const value = {
    a: ref('sam'),
    b: ref('sale'),
    c: ref('1.items[email=x.y@example.com].id'),
    d: [ref('2.error.details.current_revision')],
    e: `to ${ref('sam.email')}`,
  };
  expect(resolve(value, known)).toEqual({ a: 'c1', b: 't1', c: 'b', d: ['3'], e: 'to sam@example.com' });
  for (const lost of [ref('tom'), ref('sam.phone'), ref('1'), ref('1.items[7].id'), ref('1.items[id=z].id')])
    expect(() => resolve(lost, known)).toThrow(UnknownReference);
});

test('values fit, or do not', () => {
  expect(matches({ kind: 'earn', lots: '[{"points":1}]', more: 1 }, { kind: 'earn', lots: [{ points: 1 }] })).toBe(
    true,
  );
  expect(matches({ kind: 'earn' }, { kind: 'redeem' })).toBe(false);
  expect(matches(1, true)).toBe(true);
  expect(matches(['a', 'b'], ['b', 'a'])).toBe(true);
  expect(matches(['a', 'a'], ['b', 'a'])).toBe(false);
  expect(matches('{"a":1}', { a: 2 })).toBe(false);
  expect(matches('Called after SIX', { $contains: 'after six' })).toBe(true);
  expect(matches('x', { $one_of: ['y', 'z'] })).toBe(false);
  expect(matches(null, { $not: null })).toBe(false);
  expect(matches('2026-06-16', { $between: ['2026-06-15', '2026-06-17'] })).toBe(true);
  expect(matches(['a', 'b'], { $includes: ['c'] })).toBe(false);
  expect(() => matches('x', { $like: 'x' })).toThrow('there is no operator $like');
  expect(answers('1,250 points', 1250)).toBe(true);
  expect(answers('about 1250', 1250)).toBe(false);
  expect(answers('Yes', true)).toBe(false);
  expect(answers('TRUE', true)).toBe(true);
  expect(answers(' Maple', 'MAPLE')).toBe(true);
  expect(answers('["b","a"]', ['a', 'b'])).toBe(true);
  expect(answers(['a'], ['a', 'b'])).toBe(false);
});
