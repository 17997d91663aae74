/** Operation → MCP tool: names, hints, schemas. Built once, frozen, sorted by name. Not: who may see which. */
import { lazily } from '../contract/lazily.js';
import type { Contract, Effect, JsonSchema, Operation } from '../contract/operation.js';
import { PLACE_PROPERTIES } from './place.js';
import { type StrangeFields, strangeFields } from './untrusted.js';

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonSchema & { readonly type: 'object' };
  readonly outputSchema: JsonSchema & { readonly type: 'object' };
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

export interface CatalogueEntry {
  readonly operation: Operation;
  readonly tool: Tool;
  /** Where its answers hold text that strangers wrote. */
  readonly strange: StrangeFields;
}

export interface Catalogue {
  readonly entries: readonly CatalogueEntry[];
  find(toolName: string): CatalogueEntry | undefined;
}

/** `destructiveHint` false promises that a call only adds; whatever overwrites or takes away has it true. */
const HINTS: { readonly [Kind in Effect]: Omit<Tool['annotations'], 'openWorldHint'> } = {
  read: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
  append: { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
  revise: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
  destroy: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
};

/** Every operation of the contract as a tool. */
export function createCatalogue(contract: Contract): Catalogue {
  const entries = contract.operations.map(toEntry).sort((a, b) => (a.tool.name < b.tool.name ? -1 : 1));
  return createCatalogueOf(entries);
}

/** Entries that are sorted already, as a catalogue. */
export function createCatalogueOf(entries: readonly CatalogueEntry[]): Catalogue {
  const byName = new Map(entries.map((entry) => [entry.tool.name, entry]));
  return { entries: Object.freeze(entries), find: (name) => byName.get(name) };
}

function toEntry(operation: Operation): CatalogueEntry {
  const strange = lazily(() => strangeFields(operation)); // of a large document, most tools are never called
  return Object.freeze({
    operation,
    tool: toTool(operation),
    get strange() {
      return strange();
    },
  });
}

/** `crm_` and the path with `/` as `_`. */
export function toolName(operation: Operation): string {
  return `crm_${operation.id}`;
}

function toTool(operation: Operation): Tool {
  return Object.freeze({
    name: toolName(operation),
    title: operation.summary,
    description: operation.description,
    inputSchema: inputSchema(operation),
    outputSchema: operation.outputSchema as Tool['outputSchema'],
    annotations: { ...HINTS[operation.effect], openWorldHint: false },
  });
}

function inputSchema(operation: Operation): Tool['inputSchema'] {
  const schema = operation.inputSchema as Tool['inputSchema'];
  if (!operation.operational) return schema;
  return { ...schema, properties: { ...(schema.properties as object), ...PLACE_PROPERTIES } };
}
