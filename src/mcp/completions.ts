/**
 * `completion/complete` for arguments of prompts and variables of resource templates. The values come from tool calls
 * under the caller's authorisation, and are few; a caller who may not read them gets none.
 */
import { type CompleteRequest, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { visibleText } from '../contract/visible-text.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { protocolSections } from './document-resources.js';
import { dataOf, errorOf, type FeatureContext, type RegisterFeature, toProtocolError } from './feature-context.js';
import { PROMPTS, type SuggestionSource } from './prompt-table.js';
import { recordsOf, variablesOf } from './record-resources.js';
import { SECTION_TEMPLATE, TOOL_TEMPLATE } from './resources.js';

const MAX_VALUES = 10;
/** A longer value is a prefix of nothing. */
const MAX_VALUE_LENGTH = 200;
/** A prefix of an id is searched among this many of the newest customers. */
const NEWEST_SEARCHED = 50;
const MAX_FLAGS = 256;

type Params = CompleteRequest['params'];
type Suggest = (value: string) => Promise<readonly string[]>;

/** The returned function registers the method on a server. */
export function createCompletions(features: FeatureContext): RegisterFeature {
  const templates = new Map([
    [TOOL_TEMPLATE, ['tool']],
    [SECTION_TEMPLATE, ['section']],
    ...recordsOf(features).map((record) => [record.uri, variablesOf(record)] as const),
  ]);
  return (server, headersOf) => {
    server.setRequestHandler('completion/complete', ({ params }, context) => {
      const headers = headersOf(context);
      return features.guard(headers, async () => {
        const source = suggestedFor(templates, params);
        const { value } = params.argument;
        if (source === undefined || value.length > MAX_VALUE_LENGTH) return completion([]);
        return completion(await suggest(features, headers, source)(value));
      });
    });
  };
}

function completion(found: readonly string[]) {
  return { completion: { values: found.slice(0, MAX_VALUES), hasMore: found.length > MAX_VALUES } };
}

/** @throws ProtocolError when no prompt or template has that name. */
function suggestedFor(
  templates: ReadonlyMap<string, readonly string[]>,
  { ref, argument }: Params,
): SuggestionSource | undefined {
  if (ref.type === 'ref/prompt') {
    const prompt = PROMPTS.find(({ name }) => name === ref.name);
    if (prompt === undefined) throw unknownReference('prompt');
    return prompt.arguments.find(({ name }) => name === argument.name)?.suggestions;
  }
  const variables = templates.get(ref.uri);
  if (variables === undefined) throw unknownReference('resource template');
  if (!variables.includes(argument.name)) return undefined;
  return VARIABLES[argument.name];
}

/** Variables with suggestions. Others, such as a gift card's id, have no values to choose from. */
const VARIABLES: { readonly [variable: string]: SuggestionSource } = {
  customer_id: 'customer_id',
  tool: 'tool',
  section: 'section',
};

function unknownReference(what: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no such ${what}.`);
}

function suggest(features: FeatureContext, headers: CallHeaders, source: SuggestionSource): Suggest {
  const callForData = createCallForData(features, headers);
  if (typeof source === 'object') return async (value) => startingWith(value, enumOf(features, source));
  switch (source) {
    case 'customer_id':
      return (value) => customerIds(callForData, value);
    case 'flag':
      return async (value) =>
        startingWith(value, await column(callForData, 'crm_customer_flag_list', 'flag', MAX_FLAGS));
    case 'tier':
      return async (value) => startingWith(value, tiersIn(await callForData('crm_loyalty_policy_get', {})));
    case 'tool':
      return async (value) => toolNames(features, value);
    case 'section':
      return async (value) => startingWith(value, [...protocolSections(features).keys()]);
  }
}

type CallForData = (tool: string, args: object) => Promise<Readonly<Record<string, unknown>> | undefined>;

/** Calls tools in turn; after a rejected call it makes no more, so that one request counts as one failure. */
function createCallForData(features: FeatureContext, headers: CallHeaders): CallForData {
  let rejected = false;
  return async (tool, args) => {
    const result = rejected ? undefined : await features.call(tool, args, headers);
    if (result === undefined) return undefined;
    const error = errorOf(result);
    if (error !== undefined && error.http_status >= 500) throw toProtocolError(ProtocolErrorCode.InternalError, error);
    rejected = REJECTED_STATUSES.has(error?.http_status ?? 0);
    return dataOf(result);
  };
}

/** The caller is unknown, does not belong to this org, or calls too often. */
const REJECTED_STATUSES: ReadonlySet<number> = new Set([401, 404, 429]);

/** Ids with this prefix, or else ids of customers that a search finds. Without a value: the newest. */
async function customerIds(callForData: CallForData, value: string): Promise<readonly string[]> {
  const newest = await column(callForData, 'crm_customer_list', 'customer_id', NEWEST_SEARCHED);
  const matching = startingWith(value, newest);
  if (matching.length > 0) return matching;
  return idsIn(await callForData('crm_customer_search', { q: value, limit: MAX_VALUES + 1 }), 'customer_id');
}

async function column(
  callForData: CallForData,
  tool: string,
  field: string,
  limit: number,
): Promise<readonly string[]> {
  return idsIn(await callForData(tool, { limit }), field);
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

/** Matches with or without the `crm_` prefix of all names. */
function toolNames({ catalogue }: FeatureContext, value: string): readonly string[] {
  const names = catalogue.entries.map(({ tool }) => tool.name);
  const matching = startingWith(value, names);
  return matching.length > 0 ? matching : startingWith(`crm_${value}`, names);
}

function startingWith(value: string, among: readonly string[]): readonly string[] {
  const prefix = value.trim().toLowerCase();
  return among.filter((candidate) => candidate.toLowerCase().startsWith(prefix));
}

/** The distinct values that can be displayed and typed, in their order. */
function texts(values: readonly unknown[]): readonly string[] {
  return [...new Set(values.filter(isTypable))];
}

/** An upstream may send any text as an id. */
function isTypable(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= MAX_VALUE_LENGTH &&
    visibleText(value) === value &&
    !/[\t\n]/.test(value)
  );
}
