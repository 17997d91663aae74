/** The forms that mcp.html generates: for the tools of the contract, and for schemas it does not use. */
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { openBrowser } from '../support/browser.js';

const { entries } = createCatalogue(CONTRACT);
let browser: Browser;
let page: Page;
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: HARNESS, resolveDir: 'page/src', loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
  });
  browser = await openBrowser();
  page = await browser.newPage();
  await page.evaluate(outputFiles[0]?.text ?? '');
});
afterAll(() => browser.close());

/** Fills a form and reads it as fields, as JSON, and as fields again. */
const HARNESS = `
import { createForm } from './form/form.ts';
const context = { suggest: () => [], lookUp: () => undefined };
Object.assign(window, {
  fill(schema, value) {
    const form = createForm(schema, context);
    document.body.replaceChildren(form.node);
    form.write(value);
    const [asForm] = [form.read()];
    const [formMode, jsonMode] = form.node.querySelectorAll('.segmented input');
    jsonMode?.click();
    const asJson = form.read();
    formMode?.click();
    return { asForm, asJson, again: form.read() };
  },
  land(schema, value, path) {
    const form = createForm(schema, context);
    document.body.replaceChildren(form.node);
    form.write(value);
    const issue = { path, message: 'is wrong' };
    return form.showIssues([issue]).get(issue)?.name;
  },
});`;

/** Runs a function of the harness. */
function run(name: string, ...args: readonly unknown[]): Promise<unknown> {
  return page.evaluate(`${name}(...${JSON.stringify(args)})`);
}

/** All values that are neither objects nor lists. */
function leavesOf(value: unknown): readonly unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : [value];
}

const examples = entries.flatMap(({ tool, operation }) =>
  operation.examples.map(({ name, value }) => [`${tool.name}: ${name}`, tool.inputSchema, value] as const),
);

test.each(examples)(
  'the form of %s holds the example and returns it unchanged, as fields and as JSON',
  async (_n, schema, value) => {
    expect(await run('fill', schema, value)).toEqual({ asForm: value, asJson: value, again: value });
  },
);

test.each(entries.map(({ tool }) => [tool.name, tool] as const))(
  'the empty form of %s sends nothing',
  async (_n, tool) => {
    const { asForm } = (await run('fill', tool.inputSchema, {})) as { asForm: object };
    expect(leavesOf(asForm)).toEqual([]);
  },
);

test('a map whose description lists its names offers these alone', async () => {
  const it = {
    type: 'object',
    description: 'Purposes. Keys: mail, sms. Example x',
    additionalProperties: { type: 'string' },
  };
  await run('fill', { type: 'object', properties: { it } }, { it: { mail: 'yes' } });
  expect(await page.locator('.pair select option').allTextContents()).toEqual(['—', 'mail', 'sms']);
});

describe('a schema that the contract does not use', () => {
  const kinds: readonly (readonly [string, object, unknown])[] = [
    ['a list of types', { type: ['integer', 'null'] }, null],
    ['a union of different types', { oneOf: [{ type: 'string' }, { type: 'object' }] }, { any: [1, 'two'] }],
    ['an empty schema', {}, [1, { two: 3 }]],
    ['a list of anything', { type: 'array' }, [1, 'two', null]],
    ['an object of anything', { type: 'object' }, { deep: { er: true } }],
    ['a tuple', { type: 'array', prefixItems: [{ type: 'string' }] }, ['a']],
    [
      'a map of lists',
      { type: 'object', additionalProperties: { type: 'array', items: { type: 'number' } } },
      { a: [1] },
    ],
    ['a choice of numbers', { enum: [1, 2.5, 'three', false] }, 2.5],
    ['null or a list', { anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }] }, null],
  ];
  test.each(kinds)('%s', async (_name, schema, value) => {
    const whole = { type: 'object', properties: { it: schema, other: { type: 'string' } } };
    const filled = { it: value, other: 'x' };
    expect(await run('fill', whole, filled)).toEqual({ asForm: filled, asJson: filled, again: filled });
  });
});

describe('an issue', () => {
  const schema = createCatalogue(CONTRACT).find('crm_loyalty_earn')?.tool.inputSchema;
  const value = { customer_id: 'x', purchase: { amount: 1, currency: 'USD', lines: [{ amount: 1 }, { amount: 2 }] } };
  test.each([
    ['customer_id', 'customer_id'],
    ['purchase.currency', 'currency'],
    ['purchase.lines.1.amount', 'amount'],
    ['purchase.lines', 'amount'],
    ['purchase', 'amount'],
    ['nowhere', undefined],
    ['', undefined],
  ])('at "%s" appears on %s', async (path, name) => {
    expect(await run('land', schema, value, path)).toBe(name);
  });
});
