/**
 * Tool visibility: which operations the operator selects, which of them a connection has, and which a caller may see.
 * Listing and calling use the same availability check. Roles are decided in authorise.ts.
 */
import { CrmError } from '../contract/errors.js';
import type { Contract, Operation } from '../contract/operation.js';
import { mayCall } from '../pipeline/authorise.js';
import { type AvailabilityCheck, listingCaller, type Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { pinnedFieldsOf } from '../pipeline/operating-context.js';
import { type Catalogue, type Tool, toolName } from '../tools/catalogue.js';

/** The operator's selection of tools. Toolsets and tools add up; without either, all tools are selected. */
export interface Selection {
  /** Families of operations, or `all`. */
  readonly toolsets?: readonly string[];
  readonly tools?: readonly string[];
  /** Tools to remove from the selection. */
  readonly exclude?: readonly string[];
}

/** Describes the caller and helps to find errors, so it stays selected unless it is excluded by name. */
const ALWAYS_SELECTED = 'crm_stat';
const ALL = 'all';

/** The selection names an unknown toolset or tool; the message lists the known ones. */
export class SelectionError extends Error {}

/**
 * The selected part of a contract. To agents, a deselected operation does not exist.
 * @throws SelectionError for a toolset or a tool that the contract does not have.
 */
export function selectOperations(contract: Contract, selection: Selection): Contract {
  const { toolsets, tools, exclude = [] } = selection;
  const families = toolsetsOf(contract);
  const names = contract.operations.map(toolName);
  requireKnown('toolset', toolsets, [...families, ALL]);
  requireKnown('tool', [...(tools ?? []), ...exclude], names);
  const isSelected = createSelector(toolsets, tools);
  const operations = contract.operations.filter((it) => isSelected(it) && !exclude.includes(toolName(it)));
  return operations.length === contract.operations.length ? contract : { ...contract, operations };
}

/** The families of a contract, sorted. */
export function toolsetsOf({ operations }: Pick<Contract, 'operations'>): readonly string[] {
  return [...new Set(operations.map(({ family }) => family))].sort();
}

export interface AvailabilityOptions {
  /** The server writes nothing, regardless of the connection's headers. */
  readonly readOnly: boolean;
  /** Reads that count failed attempts still work on a read-only server, because the upstream keeps the count. */
  readonly countsUpstream: boolean;
}

/**
 * Which tools one connection has. Its headers can only remove tools, never add any: an unknown name selects nothing,
 * and any value of `x-mcp-readonly` other than `false` or `0` means read-only.
 */
export function createAvailabilityCheck({ readOnly, countsUpstream }: AvailabilityOptions): AvailabilityCheck {
  return (operation, headers) => {
    if (operation.effect !== 'read' && (readOnly || headers.toolFilter.readOnly)) return notInReadOnly();
    if (readOnly && operation.countsFailures && !countsUpstream) return notCounted();
    return isDeselected(operation, headers) ? notEnabled() : undefined;
  };
}

/** Whether the connection has the operation and, when the caller is known, the caller may call it. */
export function isVisible(
  { roles, checkAvailable }: Pick<Pipeline, 'roles' | 'checkAvailable'>,
  operation: Operation,
  headers: CallHeaders,
  caller: Parameters<typeof mayCall>[2] | undefined,
): boolean {
  return (
    checkAvailable(operation, headers) === undefined && (caller === undefined || mayCall(roles, operation, caller))
  );
}

/**
 * The tools of a connection, with its pinned fields removed. An unknown caller sees them all, as documentation. Counts
 * as a call. @throws CrmError 429 `crm.throttled`
 */
export async function visibleTools(
  pipeline: Pipeline,
  catalogue: Catalogue,
  headers: CallHeaders,
): Promise<readonly Tool[]> {
  const caller = await listingCaller(pipeline, headers);
  const pins = pinnedFieldsOf(headers);
  return catalogue.entries
    .filter(({ operation }) => isVisible(pipeline, operation, headers, caller))
    .map(({ pinned }) => pinned(pins));
}

function createSelector(toolsets: readonly string[] | undefined, tools: readonly string[] | undefined) {
  const all = (toolsets === undefined && tools === undefined) || toolsets?.includes(ALL) === true;
  return (operation: Operation): boolean => {
    const name = toolName(operation);
    return (
      all || name === ALWAYS_SELECTED || toolsets?.includes(operation.family) === true || tools?.includes(name) === true
    );
  };
}

function isDeselected(operation: Operation, { toolFilter: { toolsets, tools } }: CallHeaders): boolean {
  if (toolsets === undefined && tools === undefined) return false;
  return !createSelector(toolsets ?? [], tools ?? [])(operation);
}

function requireKnown(kind: string, names: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = (names ?? []).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new SelectionError(`there is no ${kind} ${unknown.join(', ')}; there are: ${known.join(', ')}`);
}

function notEnabled(): CrmError {
  return toolNotEnabled(
    'This connection does not have this tool.',
    'ask the operator for a connection whose X-MCP headers include it.',
  );
}

function notInReadOnly(): CrmError {
  return toolNotEnabled('This connection is read-only.', 'ask the operator for a connection that may write.');
}

function notCounted(): CrmError {
  const message = 'This server is read-only and could not count wrong codes, so it reads no gift cards.';
  return toolNotEnabled(message, 'ask the operator for a server that may write.');
}

function toolNotEnabled(message: string, otherwise: string): CrmError {
  return new CrmError({
    code: 'crm.tool_not_enabled',
    tag: 'forbidden',
    message,
    nextSteps: ['Use a tool from your tool list.', `If you need this one, ${otherwise}`],
  });
}
