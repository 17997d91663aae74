/**
 * Runs a tool call and fits its result into the response budget: it applies the requested field selection, requests
 * smaller pages, and truncates what is still too long. The same for every transport. Does not look up tools (server.ts)
 * or word the continuation hints (continuation-hints.ts).
 */
import type { DeprecationNotice, Input } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { CrmError, type Issue, invalidRequest } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { call, type Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { createBoundaryMint } from '../tools/boundary-markers.js';
import type { CatalogueEntry } from '../tools/catalogue.js';
import { type FieldSelection, pickFields, splitFields } from '../tools/field-selection.js';
import { estimateTokens, mayExceed } from '../tools/token-estimate.js';
import { type ToolResult, toToolResult } from '../tools/tool-result.js';
import { cleanData } from '../tools/untrusted-content.js';
import type { Confirmation } from './confirmation.js';
import { acceptsPaging, hintsOf, truncatableParts, truncatedError, truncationHints } from './continuation-hints.js';
import type { ElicitationDialogue, Question } from './elicitation.js';
import { type DataShape, truncateToFit } from './truncate.js';

/** Calls a tool and returns its MCP result; within a dialogue this may be a question to the user. Never throws. */
export type CallWithinBudget = (
  entry: CatalogueEntry,
  args: unknown,
  headers: CallHeaders,
  dialogue?: ElicitationDialogue | undefined,
) => Promise<ToolResult | Question>;

export const DEFAULT_ANSWER_TOKENS = 25_000;
/** A smaller budget could not hold one record of every kind. */
export const MIN_ANSWER_TOKENS = 2_000;

/** How many times a page that is too long is requested again, smaller each time. */
const MAX_PAGE_REQUESTS = 3;
/** How many times a record is truncated again when the text around its data still makes it too long. */
const MAX_TRUNCATIONS = 8;
/** The share of the budget to aim for; the remainder is for the text around the data. */
const TARGET_SHARE = 0.9;

/** A call without its `fields` argument, which backends do not have. */
interface PreparedCall {
  readonly entry: CatalogueEntry;
  readonly input: unknown;
  readonly headers: CallHeaders;
  readonly selection: FieldSelection | undefined;
  readonly dialogue: ElicitationDialogue | undefined;
  readonly onNotice: (notice: DeprecationNotice) => void;
}

/** Limits results to about `budget` tokens; calls are confirmed first where `confirmation` requires it. */
export function createCallWithinBudget(
  pipeline: Pipeline,
  budget: number,
  confirmation?: Confirmation,
): CallWithinBudget {
  const mint = createBoundaryMint(pipeline.random32);
  return async (entry, args, headers, dialogue) => {
    const { operation, untrusted } = entry;
    const { input, selection } = isObject(args) ? splitFields(operation, args) : { input: args, selection: undefined };
    const notices: DeprecationNotice[] = [];
    const onNotice = (notice: DeprecationNotice) => void notices.push(notice);
    const prepared = { entry, input, headers, selection, dialogue, onNotice };
    const toResult = (envelope: Envelope) =>
      toToolResult(envelope, untrusted, mint, hintsOf(operation, envelope, selection));
    let envelope = await runCall(prepared);
    const question = dialogue?.question(operation, args as Input, envelope);
    if (question !== undefined) return question;
    let result = toResult(envelope);
    for (let pages = 1; pages <= MAX_PAGE_REQUESTS && excess(result) > 1 && isPage(operation, envelope); pages += 1) {
      const fitting = Math.floor((itemsOf(envelope).length * TARGET_SHARE) / excess(result));
      const limit = pages < MAX_PAGE_REQUESTS ? Math.max(1, fitting) : 1;
      envelope = await runCall({ ...prepared, input: { ...(input as Input), limit } }, withoutLimits(pipeline));
      result = toResult(envelope);
    }
    const fitting = excess(result) > 1 ? truncateResult(prepared, envelope, result) : result;
    return notices.length === 0 ? fitting : { ...fitting, _meta: { ...fitting._meta, deprecation: notices.at(-1) } };
  };

  async function runCall(
    { entry, input, headers, selection, dialogue, onNotice }: PreparedCall,
    through: Pipeline = pipeline,
  ): Promise<Envelope> {
    const { operation, untrusted } = entry;
    const issues = selection !== undefined && 'issues' in selection ? selection.issues : undefined;
    const checking = issues === undefined ? through : { ...through, validate: validateAdding(through, issues) };
    const request = { operation, arguments: input, headers, onNotice };
    const envelope = await call(checking, confirmation?.guard(request, dialogue) ?? request);
    if (!envelope.success || selection === undefined || !('paths' in selection)) return envelope;
    return { ...envelope, data: pickFields(operation, cleanData(envelope.data, untrusted), selection.paths) };
  }

  /** Truncates inside the data, where a smaller page cannot help. */
  function truncateResult({ entry, selection }: PreparedCall, envelope: Envelope, long: ToolResult): ToolResult {
    const { operation, untrusted } = entry;
    const shape = shapeOf(operation, itemsOf(envelope).length === 1);
    const data = envelope.success ? cleanData(envelope.data, untrusted) : truncatableParts(envelope.error);
    let result = long;
    let target = budget * TARGET_SHARE;
    for (let count = 0; count < MAX_TRUNCATIONS && excess(result) > 1; count += 1) {
      const { data: cut, cuts } = truncateToFit(data, target, shape);
      result = envelope.success
        ? toToolResult(
            { ...envelope, data: cut },
            untrusted,
            mint,
            truncationHints(operation, envelope, selection, cuts),
          )
        : toToolResult({ ...envelope, error: truncatedError(envelope.error, cut) }, untrusted, mint);
      target *= TARGET_SHARE / Math.max(1, excess(result));
    }
    return result;
  }

  /** The size of a result as a multiple of the budget; 0 when it cannot exceed it. */
  function excess({ content }: ToolResult): number {
    const text = (content[0] as { readonly text: string }).text;
    return mayExceed(text, budget) ? estimateTokens(text) / budget : 0;
  }
}

/** Requesting a page again is still the caller's one call, so rate limits do not count it. */
function withoutLimits({ limits: _, ...pipeline }: Pipeline): Pipeline {
  return pipeline;
}

/** A validator that reports the issues of `fields` together with all issues of the request. */
function validateAdding({ validate }: Pipeline, fieldIssues: readonly Issue[]): Pipeline['validate'] {
  return (operation, input) => {
    let others: readonly Issue[] = [];
    try {
      validate(operation, input);
    } catch (error) {
      if (!(error instanceof CrmError)) throw error;
      others = (error.details?.issues ?? []) as readonly Issue[];
    }
    throw invalidRequest([...others, ...fieldIssues]);
  };
}

/**
 * A page of one item keeps that item. A page of more came from a backend that ignores `limit`, and is cut as a list.
 */
function shapeOf(operation: Operation, single: boolean): DataShape {
  const paths = operation.untrustedKeys.map((path) => path.split('.').filter((step) => step !== '*'));
  const maps = paths.map((path) => (path[0] === 'items' ? path.slice(1) : path).join('.'));
  const page = single && acceptsPaging(operation) ? { page: 'items' } : {};
  return { ...page, maps: maps.filter((name) => name !== '') };
}

/** Whether the result is a page that can be requested again without any side effect. */
function isPage(operation: Operation, envelope: Envelope): boolean {
  return acceptsPaging(operation) && !operation.countsFailures && itemsOf(envelope).length > 1;
}

function itemsOf(envelope: Envelope): readonly unknown[] {
  const items = envelope.success ? (envelope.data as { readonly items?: unknown } | null)?.items : undefined;
  return Array.isArray(items) ? items : [];
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
