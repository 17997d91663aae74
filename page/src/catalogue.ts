/** The tools of the page: the embedded catalogue merged with the tools that a server lists for the caller. */
import type { Effect, Example, JsonSchema } from '../../src/contract/operation.js';

/** A tool as `tools/list` returns it. */
export interface ListedTool {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations?: { readonly readOnlyHint?: boolean; readonly destructiveHint?: boolean };
}

/** A tool of the embedded catalogue: its listing, plus facts from the contract. */
export interface CataloguedTool extends ListedTool {
  readonly family: string;
  readonly effect: Effect;
  /** Roles that may call it; empty: every authenticated caller. */
  readonly roles: readonly string[];
  readonly examples: readonly Example[];
}

export interface Catalogue {
  readonly tools: readonly CataloguedTool[];
}

export interface Entry extends ListedTool, Partial<Omit<CataloguedTool, keyof ListedTool>> {
  /** Whether the server lists it for this caller; undefined while disconnected. */
  readonly listed: boolean | undefined;
  /** True when the server is in lean mode and CALL_OPERATION runs this tool. */
  readonly through: boolean;
}

/** The argument that confirms a call on a server that requires confirmation. */
export const CONFIRM_TOKEN = 'confirm_token';
/** The argument that requests the next page. */
export const NEXT_TOKEN = 'next_token';

/** The lean-mode tools that run and find operations. */
export const CALL_OPERATION = 'crm_call';
export const FIND_OPERATIONS = 'crm_find_operations';

/** The tools that a server lists, and the operations that a lean server reaches through them. */
export interface ServerTools {
  readonly tools: readonly ListedTool[];
  readonly operations: readonly string[];
}

export interface Toolbox {
  entries(): readonly Entry[];
  find(name: string): Entry | undefined;
  /** Applies what a server lists for the caller; undefined after a disconnect. */
  update(serverTools: ServerTools | undefined): void;
}

/** A toolbox that starts with the embedded catalogue. */
export function createToolbox({ tools }: Catalogue): Toolbox {
  const unconnected = () => tools.map((tool) => ({ ...tool, listed: undefined, through: false }));
  let entries: readonly Entry[] = unconnected();
  return {
    entries: () => entries,
    find: (name) => entries.find((entry) => entry.name === name),
    update: (serverTools) => {
      entries = serverTools === undefined ? unconnected() : merge(tools, serverTools);
    },
  };
}

function merge(catalogued: readonly CataloguedTool[], { tools, operations }: ServerTools): readonly Entry[] {
  const known = new Map(catalogued.map((tool) => [tool.name, tool]));
  const names = new Set(tools.map(({ name }) => name));
  const reachable = new Set(operations);
  const listed = tools.map((tool) => ({ ...known.get(tool.name), ...tool, listed: true, through: false }));
  const others = catalogued
    .filter(({ name }) => !names.has(name))
    .map((tool) => ({ ...tool, listed: reachable.has(tool.name), through: reachable.has(tool.name) }));
  return [...listed, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface Filter {
  readonly words: string;
  readonly family: string;
  readonly effect: string;
  readonly role: string;
}

/** Entries that contain every word and match the family, effect and role filters that are set. */
export function search(entries: readonly Entry[], { words, family, effect, role }: Filter): readonly Entry[] {
  const terms = words.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter((entry) => {
    const text = textOf(entry);
    return (
      terms.every((word) => text.includes(word)) &&
      (family === '' || entry.family === family) &&
      (effect === '' || entry.effect === effect) &&
      (role === '' || mayCall(entry, role))
    );
  });
}

/** Whether a role may call the tool, as far as the page knows. The owner of an org may call every tool. */
function mayCall({ roles }: Entry, role: string): boolean {
  return roles === undefined || roles.length === 0 || role === 'owner' || roles.includes(role);
}

function textOf({ name, title, description, family, effect, roles }: Entry): string {
  return [name, title, description, family, effect, ...(roles ?? [])].join(' ').toLowerCase();
}

/** Whether the page asks for confirmation: the tool is destructive and the server does not ask itself. */
export function needsConfirmation({ annotations, inputSchema }: Entry): boolean {
  const serverConfirms = CONFIRM_TOKEN in ((inputSchema.properties ?? {}) as object);
  return annotations?.destructiveHint === true && annotations.readOnlyHint !== true && !serverConfirms;
}

/** Whether the tool returns pages and takes a `next_token`. */
export function isPaged({ inputSchema }: Entry): boolean {
  return NEXT_TOKEN in ((inputSchema.properties ?? {}) as object);
}
