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
}

export interface Toolbox {
  entries(): readonly Entry[];
  find(name: string): Entry | undefined;
  /** What a server lists for a caller; undefined: no caller any more. */
  listen(tools: readonly ListedTool[] | undefined): void;
}

/** The catalogue, and over it what a server says. */
export function createToolbox({ tools }: Catalogue): Toolbox {
  let entries: readonly Entry[] = tools.map((tool) => ({ ...tool, listed: undefined }));
  return {
    entries: () => entries,
    find: (name) => entries.find((entry) => entry.name === name),
    listen: (listed) => {
      entries = listed === undefined ? tools.map((tool) => ({ ...tool, listed: undefined })) : merge(tools, listed);
    },
  };
}

function merge(catalogued: readonly CataloguedTool[], listed: readonly ListedTool[]): readonly Entry[] {
  const known = new Map(catalogued.map((tool) => [tool.name, tool]));
  const names = new Set(listed.map(({ name }) => name));
  const offered = listed.map((tool) => ({ ...known.get(tool.name), ...tool, listed: true }));
  const others = catalogued.filter(({ name }) => !names.has(name)).map((tool) => ({ ...tool, listed: false }));
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

/** Whether a call of it should be confirmed: it may overwrite or take away. */
export function isDestructive({ annotations }: Entry): boolean {
  return annotations?.destructiveHint === true && annotations.readOnlyHint !== true;
}
