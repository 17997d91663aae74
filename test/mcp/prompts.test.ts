/** Prompts: they name real tools, are offered to callers that may call these tools, and quote user input as data. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { PROMPT_RULES, PROMPTS } from '../../src/mcp/prompt-table.js';
import { toolsNamedIn } from '../../src/mcp/prompts.js';
import { mayCall } from '../../src/pipeline/authorise.js';
import type { Headers } from '../../src/pipeline/headers.js';
import { createCatalogue } from '../../src/tools/catalogue.js';
import { ATLAS } from '../support/atlas.js';
import { CLIENTS } from '../support/clients.js';
import { INJECTIONS } from '../support/injections.js';
import { RESPONSES } from '../support/responses.js';
import { openTestTransport, type TestTransport } from '../support/transports.js';
import { openWorld, ROLES, type World } from '../support/world.js';

const catalogue = createCatalogue(CONTRACT);
const NAMES = PROMPTS.map(({ name }) => name);
/** Typical user input by argument; other arguments get a generated text. */
const TYPICAL_INPUT: { readonly [argument: string]: string } = { before: '2027-01-01', sure: '0.8', status: 'active' };

let world: World;
let transport: TestTransport;
let owner: Headers;
beforeAll(async () => {
  world = await openWorld();
  transport = await openTestTransport(world);
  owner = await world.headers();
});
afterAll(async () => {
  await transport.close();
  await world.close();
});

type Prompt = (typeof PROMPTS)[number];

function filled({ arguments: parameters }: Prompt, value?: string): Record<string, string> {
  return Object.fromEntries(parameters.map(({ name }) => [name, value ?? TYPICAL_INPUT[name] ?? `some ${name}`]));
}

const get = (name: string, args: object, headers = owner) =>
  transport.ask(headers, 'prompts/get', { name, arguments: args });

async function textOf(name: string, args: object, headers = owner): Promise<string> {
  const { result, error } = await get(name, args, headers);
  if (error !== undefined) throw new Error(`${name}: ${error.message}`);
  expect(result.messages).toHaveLength(1);
  expect(result.messages[0]).toMatchObject({ role: 'user', content: { type: 'text' } });
  return result.messages[0].content.text;
}

async function listed(headers: Headers): Promise<string[]> {
  const { result } = await transport.ask(headers, 'prompts/list');
  return result.prompts.map(({ name }: { name: string }) => name);
}

test('there are seven prompts', () => {
  expect(NAMES).toEqual([
    'onboard_customer',
    'look_up_customer',
    'refund_purchase_points',
    'resolve_duplicates',
    'review_holds',
    'expiring_certificates',
    'giftcard_problem',
  ]);
});

describe.each(PROMPTS.map((prompt) => [prompt.name, prompt] as const))('%s', (name, prompt) => {
  const tools = prompt.steps.flatMap(toolsNamedIn);
  const operations = tools.map((tool) => catalogue.find(tool)?.operation);

  test('names only existing tools', () => {
    expect(tools.filter((tool) => catalogue.find(tool) === undefined)).toEqual([]);
    expect(tools.length).toBeGreaterThan(0);
  });

  test('names only existing fields, values and errors', () => {
    const words = prompt.steps.flatMap(({ text }) => text.match(/(?<!crm\.)\b[a-z]+(?:_[a-z]+)+\b/g) ?? []);
    const answers = operations.map((operation) => RESPONSES.get(operation?.id ?? ''));
    const known = JSON.stringify([operations, answers, prompt.arguments]);
    const unknown = words.filter(
      (word) => !word.startsWith('crm_') && !known.includes(`"${word}"`) && !SCHEMALESS_DETAILS.has(word),
    );
    expect(unknown).toEqual([]);
    const codes = [...prompt.steps.map(({ text }) => text), ...PROMPT_RULES].flatMap(
      (text) => text.match(/crm\.[a-z_]+/g) ?? [],
    );
    expect(codes.filter((code) => !(code in ATLAS))).toEqual([]);
  });

  test('reads before it writes', () => {
    expect(operations[0]?.effect).toBe('read');
  });

  test('asks the user before any write', () => {
    for (const step of prompt.steps) {
      const writes = toolsNamedIn(step).some((tool) => catalogue.find(tool)?.operation.effect !== 'read');
      if (!writes) continue;
      const before = prompt.steps.slice(0, prompt.steps.indexOf(step) + 1).map(({ text }) => text.toLowerCase());
      expect(before.join(' ')).toMatch(/a yes|only if|ask for/);
    }
  });

  test('describes and bounds each argument, and suggests only enum values', () => {
    for (const { description, maxLength, suggestions } of prompt.arguments) {
      expect(description.length).toBeGreaterThan(8);
      expect(maxLength).toBeLessThanOrEqual(1000);
      if (typeof suggestions !== 'object') continue;
      const properties = catalogue.find(suggestions.tool)?.operation.requestSchema.properties as Record<string, object>;
      expect(properties[suggestions.field]).toHaveProperty('enum');
    }
  });

  test('contains its steps in order, its rules and the user input', async () => {
    const text = await textOf(name, filled(prompt));
    expect(text.length).toBeLessThan(5000);
    prompt.steps.forEach((step, index) => {
      expect(text).toContain(`\n${index + 1}. ${step.text}`);
    });
    for (const rule of PROMPT_RULES) expect(text).toContain(`- ${rule}`);
    for (const [argument, value] of Object.entries(filled(prompt))) {
      expect(text).toContain(`- ${argument}: ${JSON.stringify(value)}`);
    }
  });

  test('rejects overlong, missing and unknown arguments, and treats blank ones as absent', async () => {
    for (const { name: argument, maxLength, required } of prompt.arguments) {
      const long = await get(name, { ...filled(prompt), [argument]: 'x'.repeat(maxLength + 1) });
      expect(long.error).toMatchObject({ code: -32602, message: expect.stringContaining(`${argument} has more`) });
      const blank = await get(name, { ...filled(prompt), [argument]: '  ' });
      if (required) expect(blank.error?.message).toBe(`The argument ${argument} is required.`);
      else expect(blank.result.messages[0].content.text).not.toContain(`- ${argument}:`);
    }
    const withUnknown = await get(name, { ...filled(prompt), 'no\u200Bsuch': 'x' });
    expect(withUnknown.error?.message).toContain('nosuch is no argument of this prompt; it takes ');
  });
});

test('every user input stays on one line, without invisible characters', async () => {
  const harmless = new Map<Prompt, string[]>();
  for (const prompt of PROMPTS) harmless.set(prompt, linesOf(await textOf(prompt.name, filled(prompt))));
  for (const [index, { name: injection, text, shown }] of INJECTIONS.entries()) {
    const prompt = PROMPTS[index % PROMPTS.length] as Prompt;
    const { name, maxLength } = [...prompt.arguments].sort((a, b) => b.maxLength - a.maxLength)[0] as {
      name: string;
      maxLength: number;
    };
    if (shown.trim() === '' || shown.trim().length > maxLength) continue;
    const lines = linesOf(await textOf(prompt.name, { ...filled(prompt), [name]: text }));
    const reference = harmless.get(prompt) ?? [];
    expect(lines.length, injection).toBe(reference.length);
    const different = lines.filter((line, at) => line !== reference[at]);
    expect(different, injection).toEqual([`- ${name}: ${JSON.stringify(shown.trim())}`]);
  }
});

/** Fields of error details, which have no schema. */
const SCHEMALESS_DETAILS = new Set(['existing_customer_id']);

describe('the offered prompts', () => {
  test('are, for every role, those whose required tools the role may call', async () => {
    for (const role of ['', ...ROLES]) {
      const grants = { owner: false, roles: [role] };
      const mayUse = (tool: string) => {
        const operation = catalogue.find(tool)?.operation;
        return operation !== undefined && mayCall(CONTRACT.roles, operation, grants);
      };
      const expected = PROMPTS.filter(({ steps }) =>
        steps.every((step) => step.optional || toolsNamedIn(step).every(mayUse)),
      );
      const headers = await world.headers(role);
      expect(await listed(headers), role).toEqual(expected.map(({ name }) => name));
      for (const prompt of PROMPTS) {
        const { result, error } = await get(prompt.name, filled(prompt), headers);
        expect(error === undefined, `${role} ${prompt.name}`).toBe(expected.includes(prompt));
        const text: string = result?.messages[0].content.text ?? '';
        const tools = text.match(/\bcrm_[a-z_]+/g) ?? [];
        expect(
          tools.filter((tool) => !mayUse(tool)),
          `${role} ${prompt.name}`,
        ).toEqual([]);
      }
    }
  });

  test('are all for the owner and an unauthenticated caller, and none for a caller without a role', async () => {
    expect(await listed(owner)).toEqual(NAMES);
    expect(await listed({})).toEqual(NAMES);
    expect(await listed(await world.headers(''))).toEqual([]);
  });

  test('have consecutive step numbers if an optional step is omitted', async () => {
    const text = await textOf('review_holds', {}, await world.headers('crm_view'));
    expect(text.match(/^\d+\. /gm)).toEqual(['1. ', '2. ', '3. ', '4. ']);
    expect(text).not.toContain('crm_customer_hold_resolve');
    expect(text).toContain('Nothing was filled in.');
  });

  test('give the same error for an unknown prompt and one that is not offered', async () => {
    const absent = await get('no_such_prompt', {});
    const hidden = await get('review_holds', {}, await world.headers(''));
    expect(absent.error).toEqual(hidden.error);
    expect(absent.error?.code).toBe(-32602);
  });
});

test.each(Object.keys(CLIENTS) as (keyof typeof CLIENTS)[])('%s lists and gets prompts', async (name) => {
  const client = await CLIENTS[name]({ kind: 'http', url: transport.url, headers: owner as Record<string, string> });
  const { prompts } = await client.features.listPrompts();
  expect(prompts.map((prompt: { name: string }) => prompt.name)).toEqual(NAMES);
  expect(prompts[0].arguments).toEqual([
    expect.objectContaining({ name: 'customer', required: true }),
    expect.objectContaining({ name: 'consents', required: false }),
  ]);
  const { messages } = await client.features.getPrompt({ name: 'look_up_customer', arguments: { customer: 'Anna' } });
  expect(messages[0].content.text).toContain('- customer: "Anna"');
  await client.close();
});

function linesOf(text: string): string[] {
  return text.split('\n');
}
