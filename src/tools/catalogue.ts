/**
 * The tool catalogue: every operation as an MCP tool with its name, hints and schemas. Built once, frozen, sorted by
 * name. Does not decide who may see a tool; see visibility.ts.
 */
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
  /** The tool for a connection that pins no field of the operating context. */
  readonly tool: Tool;
  /** The tool for a connection that pins fields: pinned fields are not arguments. */
  readonly pinned: (pins: PinnedFields) => Tool;
  /** The parts of its results that are untrusted text. */
  readonly untrusted: UntrustedFields;
}

export interface Catalogue {
  readonly entries: readonly CatalogueEntry[];
  find(toolName: string): CatalogueEntry | undefined;
}

/** `destructiveHint: false` promises that a call only adds data; a tool that overwrites or removes data has `true`. */
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

/** A catalogue of entries that are already sorted. */
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
  // Lazy, because most tools of a large imported document are never called.
  const untrusted = lazy(() => untrustedFields(operation));
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

/** The request schema, plus the arguments that are removed before the request is validated. */
function inputSchema(operation: Operation, pins: PinnedFields): Tool['inputSchema'] {
  const schema = operation.inputSchema as Tool['inputSchema'];
  const additional = { ...fieldsProperty(operation), ...(operation.operational ? contextProperties(pins) : {}) };
  return { ...schema, properties: { ...(schema.properties as object), ...additional } };
}
