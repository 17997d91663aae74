/**
 * `completion/complete` for arguments of prompts and variables of resource templates. Values come from the tools, under
 * the caller's authorisation, and are few; whoever may not read gets none.
 */
import { type CompleteRequest, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { visibleText } from '../contract/visible-text.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { protocolSections } from './document-resources.js';
import { dataOf, errorOf, type FeatureContext, type RegisterFeature, toProtocolError } from './feature-context.js';
import { PROMPTS, type Suggested } from './prompt-table.js';
import { recordsOf, variablesOf } from './record-resources.js';
import { SECTION, TOOL_DOCUMENT } from './resources.js';

const MOST = 10;
/** Longer is no beginning of anything. */
const LONGEST_VALUE = 200;
/** A beginning of an id is looked for among so many of the newest. */
const NEWEST = 50;
const MOST_FLAGS = 256;

type Params = CompleteRequest['params'];
type Suggest = (value: string) => Promise<readonly string[]>;

/** What it answers registers the method on a server. */
export function createCompletions(face: FeatureContext): RegisterFeature {
  const templates = new Map([
    [TOOL_DOCUMENT, ['tool']],
    [SECTION, ['section']],
    ...recordsOf(face).map((record) => [record.address, variablesOf(record)] as const),
  ]);
  return (server, headersOf) => {
    server.setRequestHandler('completion/complete', ({ params }, context) => {
      const headers = headersOf(context);
      return face.guard(headers, async () => {
        const suggested = suggestedFor(templates, params);
        const { value } = params.argument;
        if (suggested === undefined || value.length > LONGEST_VALUE) return completion([]);
        return completion(await suggest(face, headers, suggested)(value));
      });
    });
  };
}

function completion(found: readonly string[]) {
  return { completion: { values: found.slice(0, MOST), hasMore: found.length > MOST } };
}

/** @throws ProtocolError for what there is no prompt or template of that name for anybody. */
function suggestedFor(
  templates: ReadonlyMap<string, readonly string[]>,
  { ref, argument }: Params,
): Suggested | undefined {
  if (ref.type === 'ref/prompt') {
    const prompt = PROMPTS.find(({ name }) => name === ref.name);
    if (prompt === undefined) throw unknown('prompt');
    return prompt.arguments.find(({ name }) => name === argument.name)?.suggested;
  }
  const variables = templates.get(ref.uri);
  if (variables === undefined) throw unknown('resource template');
  if (!variables.includes(argument.name)) return undefined;
  return VARIABLES[argument.name];
}

/** A variable that is not here, such as a gift card's, has nothing it could be chosen from. */
const VARIABLES: { readonly [variable: string]: Suggested } = {
  customer_id: 'customer_id',
  tool: 'tool',
  section: 'section',
};

function unknown(what: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no such ${what}.`);
}

function suggest(face: FeatureContext, headers: CallHeaders, suggested: Suggested): Suggest {
  const ask = askerFor(face, headers);
  if (typeof suggested === 'object') return async (value) => beginning(value, enumOf(face, suggested));
  switch (suggested) {
    case 'customer_id':
      return (value) => customerIds(ask, value);
    case 'flag':
      return async (value) => beginning(value, await column(ask, 'crm_customer_flag_list', 'flag', MOST_FLAGS));
    case 'tier':
      return async (value) => beginning(value, tiersIn(await ask('crm_loyalty_policy_get', {})));
    case 'tool':
      return async (value) => toolNames(face, value);
    case 'section':
      return async (value) => beginning(value, [...protocolSections(face).keys()]);
  }
}

type Ask = (tool: string, args: object) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Asks tools in turn; whoever was turned away once is not heard again: a request counts as one failure. */
function askerFor(face: FeatureContext, headers: CallHeaders): Ask {
  let turnedAway = false;
  return async (tool, args) => {
    const result = turnedAway ? undefined : await face.call(tool, args, headers);
    if (result === undefined) return undefined;
    const refusal = errorOf(result);
    if (refusal !== undefined && refusal.http_status >= 500)
      throw toProtocolError(ProtocolErrorCode.InternalError, refusal);
    turnedAway = TURNED_AWAY.has(refusal?.http_status ?? 0);
    return dataOf(result);
  };
}

/** No such caller, none of this org's, or too often. */
const TURNED_AWAY: ReadonlySet<number> = new Set([401, 404, 429]);

/** Ids that begin so; or else of customers whom the words find. Nothing typed yet: the newest. */
async function customerIds(ask: Ask, value: string): Promise<readonly string[]> {
  const newest = await column(ask, 'crm_customer_list', 'customer_id', NEWEST);
  const begun = beginning(value, newest);
  if (begun.length > 0) return begun;
  return idsIn(await ask('crm_customer_search', { q: value, limit: MOST + 1 }), 'customer_id');
}

async function column(ask: Ask, tool: string, field: string, limit: number): Promise<readonly string[]> {
  return idsIn(await ask(tool, { limit }), field);
}

function idsIn(data: Readonly<Record<string, unknown>> | undefined, field: string): readonly string[] {
  const items = Array.isArray(data?.items) ? (data.items as Record<string, unknown>[]) : [];
  return texts(items.map((item) => item[field]));
}

function tiersIn(data: Readonly<Record<string, unknown>> | undefined): readonly string[] {
  const { tiers } = (data?.policy ?? {}) as { tiers?: readonly { tier: unknown }[] };
  return texts((tiers ?? []).map(({ tier }) => tier));
}

function enumOf({ catalogue }: FeatureContext, { tool, field }: { readonly tool: string; readonly field: string }) {
  const properties = catalogue.find(tool)?.operation.requestSchema.properties as
    | { readonly [name: string]: { readonly enum?: readonly unknown[] } }
    | undefined;
  return texts(properties?.[field]?.enum ?? []);
}

/** With or without the prefix that all names have. */
function toolNames({ catalogue }: FeatureContext, value: string): readonly string[] {
  const names = catalogue.entries.map(({ tool }) => tool.name);
  const begun = beginning(value, names);
  return begun.length > 0 ? begun : beginning(`crm_${value}`, names);
}

function beginning(value: string, among: readonly string[]): readonly string[] {
  const wanted = value.trim().toLowerCase();
  return among.filter((candidate) => candidate.toLowerCase().startsWith(wanted));
}

/** Distinct values that can be shown and typed, in their order. */
function texts(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.filter(isTypable))];
}

/** Whoever is behind a gateway may send anything for an id. */
function isTypable(value: unknown): value is string {
  return (
    typeof value === 'string' && value.length <= LONGEST_VALUE && visibleText(value) === value && !/[\t\n]/.test(value)
  );
}
