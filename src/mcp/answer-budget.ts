/**
 * From a tool and its arguments to what the model reads: the call itself, the fields that were asked for, and an answer
 * that is never longer than the budget. The same for every door. Not: which tool it is, and what is said beside it.
 */
import type { Input } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import { CrmError, type Issue, invalidRequest } from '../contract/errors.js';
import type { Operation } from '../contract/operation.js';
import { call, type Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import { createBoundaryMint } from '../tools/boundary-marks.js';
import type { CatalogueEntry } from '../tools/catalogue.js';
import { type FieldSelection, pickFields, splitFields } from '../tools/field-selection.js';
import { estimateTokens, mayExceed } from '../tools/token-estimate.js';
import { type ToolResult, toToolResult } from '../tools/tool-result.js';
import { cleanData } from '../tools/untrusted-content.js';
import type { Confirmation } from './confirmation.js';
import { hintsOf, isPaged, longParts, truncatedError, truncationHints } from './continuation-hints.js';
import type { ElicitationDialogue, Question } from './elicitation.js';
import { type DataShape, truncateToFit } from './truncate.js';

/** Calls a tool and answers as MCP does; in a dialogue the answer may be a question. Never throws. */
export type CallWithinBudget = (
  entry: CatalogueEntry,
  args: unknown,
  headers: CallHeaders,
  dialogue?: ElicitationDialogue | undefined,
) => Promise<ToolResult | Question>;

export const DEFAULT_ANSWER_TOKENS = 25_000;
/** Less would not hold one record of every kind. */
export const MIN_ANSWER_TOKENS = 2_000;

/** How often a page that is too long is asked for anew, smaller each time. */
const MOST_PAGES = 3;
/** How often a record is cut anew, when what stands around its data still made it too long. */
const MOST_FITS = 8;
/** Aimed below the budget, for what stands around the data. */
const AIM = 0.9;

/** A call without its `fields`, which no backend knows. */
interface Asking {
  readonly entry: CatalogueEntry;
  readonly input: unknown;
  readonly headers: CallHeaders;
  readonly asked: FieldSelection | undefined;
  readonly dialogue: ElicitationDialogue | undefined;
}

/** Answers of at most about `budget` tokens; calls are confirmed first where `confirmation` says so. */
export function createCallWithinBudget(
  pipeline: Pipeline,
  budget: number,
  confirmation?: Confirmation,
): CallWithinBudget {
  const mint = createBoundaryMint(pipeline.random32);
  return async (entry, args, headers, dialogue) => {
    const { operation, untrusted } = entry;
    const { input, asked } = isObject(args) ? splitFields(operation, args) : { input: args, asked: undefined };
    const asking = { entry, input, headers, asked, dialogue };
    const show = (envelope: Envelope) => toToolResult(envelope, untrusted, mint, hintsOf(operation, envelope, asked));
    let envelope = await callWithFields(asking);
    const question = dialogue?.question(operation, args as Input, envelope);
    if (question !== undefined) return question;
    let result = show(envelope);
    for (let pages = 1; pages <= MOST_PAGES && excess(result) > 1 && isPage(operation, envelope); pages += 1) {
      const fitting = Math.floor((itemsOf(envelope).length * AIM) / excess(result));
      const limit = pages < MOST_PAGES ? Math.max(1, fitting) : 1;
      envelope = await callWithFields({ ...asking, input: { ...(input as Input), limit } }, sameCall(pipeline));
      result = show(envelope);
    }
    return excess(result) > 1 ? shrink(asking, envelope, result) : result;
  };

  async function callWithFields(
    { entry, input, headers, asked, dialogue }: Asking,
    through: Pipeline = pipeline,
  ): Promise<Envelope> {
    const { operation, untrusted } = entry;
    const wrong = asked !== undefined && 'issues' in asked ? asked.issues : undefined;
    const checking = wrong === undefined ? through : { ...through, validate: refusing(through, wrong) };
    const request = { operation, arguments: input, headers };
    const envelope = await call(checking, confirmation?.guard(request, dialogue) ?? request);
    if (!envelope.success || asked === undefined || !('paths' in asked)) return envelope;
    return { ...envelope, data: pickFields(operation, cleanData(envelope.data, untrusted), asked.paths) };
  }

  /** Cuts inside the data, where no smaller page can help. */
  function shrink({ entry, asked }: Asking, envelope: Envelope, long: ToolResult): ToolResult {
    const { operation, untrusted } = entry;
    const shape = shapeOf(operation, itemsOf(envelope).length === 1);
    const data = envelope.success ? cleanData(envelope.data, untrusted) : longParts(envelope.error);
    let result = long;
    let aim = budget * AIM;
    for (let count = 0; count < MOST_FITS && excess(result) > 1; count += 1) {
      const { data: cut, cuts } = truncateToFit(data, aim, shape);
      result = envelope.success
        ? toToolResult({ ...envelope, data: cut }, untrusted, mint, truncationHints(operation, envelope, asked, cuts))
        : toToolResult({ ...envelope, error: truncatedError(envelope.error, cut) }, untrusted, mint);
      aim *= AIM / Math.max(1, excess(result));
    }
    return result;
  }

  /** How many times too long an answer is. */
  function excess({ content }: ToolResult): number {
    const text = (content[0] as { readonly text: string }).text;
    return mayExceed(text, budget) ? estimateTokens(text) / budget : 0;
  }
}

/** However often a page is asked for, its caller has called once. */
function sameCall({ limits: _, ...pipeline }: Pipeline): Pipeline {
  return pipeline;
}

/** A validator that finds what is wrong with `fields` beside all that is wrong with the request. */
function refusing({ validate }: Pipeline, wrong: readonly Issue[]): Pipeline['validate'] {
  return (operation, input) => {
    let others: readonly Issue[] = [];
    try {
      validate(operation, input);
    } catch (error) {
      if (!(error instanceof CrmError)) throw error;
      others = (error.details?.issues ?? []) as readonly Issue[];
    }
    throw invalidRequest([...others, ...wrong]);
  };
}

/** A page that holds one item keeps it; one that holds more has gone to somebody who takes no limit, and is a list. */
function shapeOf(operation: Operation, single: boolean): DataShape {
  const paths = operation.untrustedKeys.map((path) => path.split('.').filter((step) => step !== '*'));
  const maps = paths.map((path) => (path[0] === 'items' ? path.slice(1) : path).join('.'));
  const page = single && isPaged(operation) ? { page: 'items' } : {};
  return { ...page, maps: maps.filter((name) => name !== '') };
}

/** A page that can be asked for anew with nothing done twice. */
function isPage(operation: Operation, envelope: Envelope): boolean {
  return isPaged(operation) && !operation.countsFailures && itemsOf(envelope).length > 1;
}

function itemsOf(envelope: Envelope): readonly unknown[] {
  const items = envelope.success ? (envelope.data as { readonly items?: unknown } | null)?.items : undefined;
  return Array.isArray(items) ? items : [];
}

function isObject(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
