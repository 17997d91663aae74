/**
 * Which tools there are for whom: what the operator leaves out of the contract, what a connection has of the rest, and
 * who may see it. One gate answers for listing and for calling. Not: roles, which authorise.ts knows.
 */
import { CrmError } from '../contract/errors.js';
import type { Contract, Operation } from '../contract/operation.js';
import { mayCall } from '../pipeline/authorise.js';
import { type AvailabilityCheck, callerOf, type Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { pinnedFieldsOf } from '../pipeline/operating-context.js';
import { type Catalogue, type Tool, toolName } from '../tools/catalogue.js';

/** What the operator wants agents to have. Toolsets and tools add up; without either there is everything. */
export interface Selection {
  /** Families of operations, or `all`. */
  readonly toolsets?: readonly string[];
  readonly tools?: readonly string[];
  /** Tools taken away again. */
  readonly exclude?: readonly string[];
}

/** Says who you are and what went wrong: it stays until somebody excludes it by name. */
const ALWAYS = 'crm_stat';
const EVERYTHING = 'all';

/** A selection that names what there is not; the message tells what there is. */
export class SelectionError extends Error {}

/**
 * The part of a contract that the selection leaves. What it takes away is unknown to agents, as if it never was.
 * @throws SelectionError for a toolset or a tool that the contract does not have.
 */
export function selectOperations(contract: Contract, selection: Selection): Contract {
  const { toolsets, tools, exclude = [] } = selection;
  const families = toolsetsOf(contract);
  const names = contract.operations.map(toolName);
  requireKnown('toolset', toolsets, [...families, EVERYTHING]);
  requireKnown('tool', [...(tools ?? []), ...exclude], names);
  const wanted = wants(toolsets, tools);
  const operations = contract.operations.filter((it) => wanted(it) && !exclude.includes(toolName(it)));
  return operations.length === contract.operations.length ? contract : { ...contract, operations };
}

/** The families of a contract, sorted. */
export function toolsetsOf({ operations }: Pick<Contract, 'operations'>): readonly string[] {
  return [...new Set(operations.map(({ family }) => family))].sort();
}

export interface AvailabilityOptions {
  /** Nothing may be written, whatever a connection says. */
  readonly readOnly: boolean;
  /** Reads that count failed attempts work all the same: somebody else keeps the count. */
  readonly countsElsewhere: boolean;
}

/**
 * What one connection has of the tools there are. Its headers take away and never add: a name that is unknown selects
 * nothing, and whatever `x-mcp-readonly` says but `false` or `0` means read-only.
 */
export function createAvailabilityCheck({ readOnly, countsElsewhere }: AvailabilityOptions): AvailabilityCheck {
  return (operation, headers) => {
    if (operation.effect !== 'read' && (readOnly || headers.toolFilter.readOnly)) return notInReadOnly();
    if (readOnly && operation.countsFailures && !countsElsewhere) return notCounted();
    return narrowed(operation, headers) ? notEnabled() : undefined;
  };
}

/** Whether a connection has the operation, and `caller`, if anybody is known, may call it. */
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

/** The tools a connection sees, as it sees them; to whoever is not known yet, the catalogue is documentation. */
export async function visibleTools(
  pipeline: Pipeline,
  catalogue: Catalogue,
  headers: CallHeaders,
): Promise<readonly Tool[]> {
  const caller = await callerOf(pipeline, headers);
  const pins = pinnedFieldsOf(headers);
  return catalogue.entries
    .filter(({ operation }) => isVisible(pipeline, operation, headers, caller))
    .map(({ pinned }) => pinned(pins));
}

function wants(toolsets: readonly string[] | undefined, tools: readonly string[] | undefined) {
  const all = (toolsets === undefined && tools === undefined) || toolsets?.includes(EVERYTHING) === true;
  return (operation: Operation): boolean => {
    const name = toolName(operation);
    return all || name === ALWAYS || toolsets?.includes(operation.family) === true || tools?.includes(name) === true;
  };
}

function narrowed(operation: Operation, { toolFilter: { toolsets, tools } }: CallHeaders): boolean {
  if (toolsets === undefined && tools === undefined) return false;
  return !wants(toolsets ?? [], tools ?? [])(operation);
}

function requireKnown(kind: string, names: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = (names ?? []).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new SelectionError(`there is no ${kind} ${unknown.join(', ')}; there are: ${known.join(', ')}`);
}

function notEnabled(): CrmError {
  return refusal('This connection does not have this tool.', 'ask for a connection whose X-MCP headers include it.');
}

function notInReadOnly(): CrmError {
  return refusal('This connection is read-only.', 'ask for a connection that may write.');
}

function notCounted(): CrmError {
  const message = 'This server is read-only and could not count wrong codes, so it reads no gift cards.';
  return refusal(message, 'ask for a server that may write.');
}

function refusal(message: string, otherwise: string): CrmError {
  return new CrmError({
    code: 'crm.tool_not_enabled',
    tag: 'forbidden',
    message,
    nextSteps: ['Use a tool from your tool list.', `If you need this one, ${otherwise}`],
  });
}
