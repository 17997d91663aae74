/** Operation → MCP tool: names, hints, schemas. Built once, frozen, sorted by name. Not: who may see which. */
import { lazy } from '../contract/lazy.js';
import type { Contract, Effect, JsonSchema, Operation } from '../contract/operation.js';
import { ALL_PINNED_FIELDS, contextProperties, type PinnedFields } from '../pipeline/operating-context.js';
import { fieldsProperty } from './field-selection.js';
import { type UntrustedFields, untrustedFields } from './untrusted-content.js';

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
  /** As a connection sees it that sets no place of its own. */
  readonly tool: Tool;
  /** As a connection sees it that does: what is set is no argument. */
  readonly pinned: (pins: PinnedFields) => Tool;
  /** Where its answers hold text that strangers wrote. */
  readonly untrusted: UntrustedFields;
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

/** `crm_` and the path with `/` as `_`. */
export function toolName(operation: Operation): string {
  return `crm_${operation.id}`;
}

function toEntry(operation: Operation): CatalogueEntry {
  const tool = toTool(operation, 0);
  const variants = ALL_PINNED_FIELDS.map((pins) => lazy(() => (pins === 0 ? tool : toTool(operation, pins))));
  const untrusted = lazy(() => untrustedFields(operation)); // of a large document, most tools are never called
  return Object.freeze({
    operation,
    tool,
    pinned: (pins: PinnedFields) => (operation.operational ? (variants[pins]?.() ?? tool) : tool),
    get untrusted() {
      return untrusted();
    },
  });
}

function toTool(operation: Operation, pins: PinnedFields): Tool {
  return Object.freeze({
    name: toolName(operation),
    title: operation.summary,
    description: operation.description,
    inputSchema: inputSchema(operation, pins),
    outputSchema: operation.outputSchema as Tool['outputSchema'],
    annotations: { ...HINTS[operation.effect], openWorldHint: false },
  });
}

/** The request, and what is taken out of the arguments before the request is looked at. */
function inputSchema(operation: Operation, pins: PinnedFields): Tool['inputSchema'] {
  const schema = operation.inputSchema as Tool['inputSchema'];
  const more = { ...fieldsProperty(operation), ...(operation.operational ? contextProperties(pins) : {}) };
  return { ...schema, properties: { ...(schema.properties as object), ...more } };
}
