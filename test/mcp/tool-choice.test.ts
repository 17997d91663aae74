/**
 * The right tool is found without a model: by the search of lean mode and by plain BM25 over names and descriptions,
 * with the words in which staff ask for a task. Tools that are easily confused name each other.
 */
import { describe, expect, test } from 'vitest';
import { operationsOf, type Task } from '../../evals/format.js';
import { loadTasks } from '../../evals/load-tasks.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { rankEntries } from '../../src/mcp/ranking.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { rankPlainly } from '../support/plain-ranking.js';

const { entries, find } = createCatalogue(CONTRACT);
const effectOf = (id: string) => find(`crm_${id}`)?.operation.effect;
const FIRST = 3;

/** The tool that does what the task asks for: the last write of its solution, or else its last read. */
function mainOperation(task: Task): string | undefined {
  const operations = operationsOf(task);
  return operations.findLast((id) => effectOf(id) !== 'read') ?? operations.at(-1);
}

/** The share of tasks whose main tool is among the first, and the tasks where it is not. */
function foundBy(rank: (request: string) => readonly string[]) {
  const tasks = loadTasks().map((task) => ({ task, main: mainOperation(task) }));
  const asking = tasks.filter(({ main }) => main !== undefined);
  const missed = asking.filter(({ task, main }) => !rank(task.request).slice(0, FIRST).includes(`crm_${main}`));
  return { share: 1 - missed.length / asking.length, missed: missed.map(({ task, main }) => `${task.id}: ${main}`) };
}

/** The shares reached (docs/evals.md); a lower one is a text that became worse, or a task in unknown words. */
describe('the whole request as the query', () => {
  test('finds the main tool of 84 % of the tasks by crm_find_operations', () => {
    const { share, missed } = foundBy((request) => rankEntries(entries, request).map(({ tool }) => tool.name));
    expect(share, missed.join('\n')).toBeGreaterThanOrEqual(0.84);
  });

  test('finds more than plain BM25 over names and descriptions', () => {
    const plain = foundBy((request) =>
      rankPlainly(
        entries.map(({ tool }) => tool),
        request,
      ),
    );
    expect(plain.share, plain.missed.join('\n')).toBeGreaterThanOrEqual(0.37);
    const search = foundBy((request) => rankEntries(entries, request).map(({ tool }) => tool.name));
    expect(search.share).toBeGreaterThan(plain.share);
  });
});

/** Tools that are easily confused, without the prefix. Each says in its description when to use the other. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['loyalty_adjust', 'loyalty_earn'],
  ['loyalty_adjust', 'loyalty_reverse'],
  ['loyalty_restore', 'loyalty_reverse'],
  ['inbox_status', 'inbox_state'],
  ['customer_merge', 'customer_dedupe_list'],
  ['customer_search', 'customer_list'],
  ['customer_consent_get', 'customer_consent_set'],
];
/** Pairs of which only the first is taken for the second. */
const ONE_WAY: readonly (readonly [string, string])[] = [
  ['loyalty_adjust', 'loyalty_restore'],
  ['inbox_create', 'comment'],
  ['comment_revise', 'comment_get'],
];

/** A tool by its name, or by the end of it: loyalty_earn, earn; customer_dedupe_list, dedupe_list. */
function namesOf(id: string): RegExp {
  const ends = id.split('_').map((_, at, words) => words.slice(at).join('_'));
  return new RegExp(`\\b(?:${ends.join('|')})s?\\b`);
}

describe('tools that are easily confused', () => {
  const directions = [...PAIRS, ...PAIRS.map(([one, other]) => [other, one] as const), ...ONE_WAY];
  test.each(directions)('%s says when to use %s', (id, other) => {
    expect(find(`crm_${id}`)?.tool.description).toMatch(namesOf(other));
  });
});
