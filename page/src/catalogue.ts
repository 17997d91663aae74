/** The tools the page knows: those it was made with, and those a server lists for a caller. Not: how they are shown. */
import type { Effect, Example, JsonSchema } from '../../src/contract/operation.js';

/** A tool as `tools/list` tells it. */
export interface ListedTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations?: { readonly readOnlyHint?: boolean; readonly destructiveHint?: boolean };
}

/** A tool as the page was made with it: what is listed, and what the contract says besides. */
export interface CataloguedTool extends ListedTool {
  readonly family: string;
  readonly effect: Effect;
  /** Roles that pass; none: whoever is signed in. */
  readonly roles: readonly string[];
  readonly examples: readonly Example[];
}

export interface Catalogue {
  readonly tools: readonly CataloguedTool[];
}

export interface Entry extends ListedTool, Partial<Omit<CataloguedTool, keyof ListedTool>> {
  /** Whether the server lists it for this caller; undefined while there is none. */
  readonly listed: boolean | undefined;
  /** The server lists it not as a tool, but as an operation that CALL_OPERATION runs. */
  readonly through: boolean;
}

/** The argument that stands for somebody's yes to a call, where a server asks for one. */
export const CONFIRM_TOKEN = 'confirm_token';
/** The argument that asks for the page after one that was answered. */
export const NEXT_TOKEN = 'next_token';

/** A lean server's tool that runs every operation, and the one that finds them. */
export const CALL_OPERATION = 'crm_call';
export const FIND_OPERATIONS = 'crm_find_operations';

/** What a server lists, and the names of the operations that are reached through what it lists. */
export interface Offer {
  readonly tools: readonly ListedTool[];
  readonly operations: readonly string[];
}

export interface Toolbox {
  entries(): readonly Entry[];
  find(name: string): Entry | undefined;
  /** What a server offers a caller; undefined: no caller any more. */
  listen(offer: Offer | undefined): void;
}

/** The catalogue, and over it what a server says. */
export function createToolbox({ tools }: Catalogue): Toolbox {
  const unheard = () => tools.map((tool) => ({ ...tool, listed: undefined, through: false }));
  let entries: readonly Entry[] = unheard();
  return {
    entries: () => entries,
    find: (name) => entries.find((entry) => entry.name === name),
    listen: (offer) => {
      entries = offer === undefined ? unheard() : merge(tools, offer);
    },
  };
}

function merge(catalogued: readonly CataloguedTool[], { tools, operations }: Offer): readonly Entry[] {
  const known = new Map(catalogued.map((tool) => [tool.name, tool]));
  const names = new Set(tools.map(({ name }) => name));
  const reached = new Set(operations);
  const offered = tools.map((tool) => ({ ...known.get(tool.name), ...tool, listed: true, through: false }));
  const others = catalogued
    .filter(({ name }) => !names.has(name))
    .map((tool) => ({ ...tool, listed: reached.has(tool.name), through: reached.has(tool.name) }));
  return [...offered, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface Filter {
  readonly words: string;
  readonly family: string;
  readonly effect: string;
  readonly role: string;
}

/** Entries that have every word somewhere, and the family, effect and role if one is asked for. */
export function search(entries: readonly Entry[], { words, family, effect, role }: Filter): readonly Entry[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    const text = textOf(entry);
    return (
      wanted.every((word) => text.includes(word)) &&
      (family === '' || entry.family === family) &&
      (effect === '' || entry.effect === effect) &&
      (role === '' || passes(entry, role))
    );
  });
}

/** Whether a role may call it, as far as the page knows: the owner of an org may call everything. */
function passes({ roles }: Entry, role: string): boolean {
  return roles === undefined || roles.length === 0 || role === 'owner' || roles.includes(role);
}

function textOf({ name, title, description, family, effect, roles }: Entry): string {
  return [name, title, description, family, effect, ...(roles ?? [])].join(' ').toLowerCase();
}

/** Whether the page asks before a call of it: it may overwrite or take away, and the server will not ask itself. */
export function shouldAsk({ annotations, inputSchema }: Entry): boolean {
  const serverAsks = CONFIRM_TOKEN in ((inputSchema.properties ?? {}) as object);
  return annotations?.destructiveHint === true && annotations.readOnlyHint !== true && !serverAsks;
}

/** Whether it answers pages, and takes the token of the next one. */
export function takesPages({ inputSchema }: Entry): boolean {
  return NEXT_TOKEN in ((inputSchema.properties ?? {}) as object);
}
