/** The MCP server over the catalogue: a fresh, cheap object per connection or request, sharing only frozen tables. */
import { type CallToolResult, ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import type { PublishedDocuments } from '../contract/published-documents.js';
import type { Pipeline } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import type { Catalogue } from '../tools/catalogue.js';
import { createCallWithinBudget } from './answer-budget.js';
import type { Confirmation } from './confirmation.js';
import { type ElicitationDialogue, openDialogue, type Question } from './elicitation.js';
import { createErrorGuard } from './feature-context.js';
import { createLean } from './lean-calls.js';
import { LEAN_TOOLS } from './lean-tools.js';
import { createFeatureRegistration, FEATURE_CAPABILITIES } from './register-features.js';
import { visibleTools } from './visibility.js';

export interface ServerInfo {
  readonly name: string;
  readonly title: string;
  readonly version: string;
}

export interface Application {
  readonly info: ServerInfo;
  /** What an agent is told before anything else. */
  readonly instructions: string;
  readonly catalogue: Catalogue;
  readonly pipeline: Pipeline;
  /** The documents behind the tools, where there are any. */
  readonly published: PublishedDocuments | undefined;
  /** Three tools that reach every operation, instead of a tool each. */
  readonly lean: boolean;
  /** No answer costs a model more tokens than this. */
  readonly answerTokens: number;
  /** Asks before it acts; without it every call is carried out as it comes. */
  readonly confirmation?: Confirmation;
}

/** Runs a tool; undefined when there is none of that name. */
export type CallTool = (name: string, args: object, headers: CallHeaders) => Promise<CallToolResult> | undefined;

/** As CallTool; in a dialogue the answer may be a question. */
type Converse = (
  name: string,
  args: object,
  headers: CallHeaders,
  dialogue: ElicitationDialogue | undefined,
) => Promise<CallToolResult | Question> | undefined;

/** `tools/call`, the same for every door. */
export function createCallTool(application: Application): CallTool {
  const converse = createConverse(application);
  return (name, args, headers) => converse(name, args, headers, undefined) as ReturnType<CallTool>;
}

function createConverse({ catalogue, pipeline, lean, answerTokens, confirmation }: Application): Converse {
  const answer = createCallWithinBudget(pipeline, answerTokens, confirmation);
  if (lean) return createLean(catalogue, pipeline, answer, answerTokens);
  return (name, args, headers, dialogue) => {
    const entry = catalogue.find(name);
    return entry === undefined ? undefined : answer(entry, args, headers, dialogue);
  };
}

/** Makes servers for one door: `headersOf` tells what a request carries beside its message. */
export function createServerFactory(
  application: Application,
  headersOf: (httpRequest: globalThis.Request | undefined) => CallHeaders,
): () => Server {
  const { info, instructions, catalogue, pipeline, published, lean } = application;
  const converse = createConverse(application);
  const guard = createErrorGuard(pipeline);
  const callable = (headers: CallHeaders) => visibleTools(pipeline, catalogue, headers);
  const call = createCallTool({ ...application, lean: false });
  const addFeatures = createFeatureRegistration({
    catalogue,
    roles: pipeline.roles,
    published,
    lean,
    callable,
    call,
    guard,
  });
  return () => {
    const server = new Server(info, { capabilities: { tools: {}, ...FEATURE_CAPABILITIES }, instructions });
    addFeatures(server, (context) => headersOf(context.http?.req));
    server.setRequestHandler('tools/list', async (_request, context) => {
      const headers = headersOf(context.http?.req);
      const tools = lean ? LEAN_TOOLS : await guard(headers, () => callable(headers));
      return { tools: tools as never, ttlMs: 60_000, cacheScope: 'private' as const };
    });
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const dialogue = application.confirmation && openDialogue(context, server.getClientCapabilities());
      const running = converse(params.name, params.arguments ?? {}, headersOf(context.http?.req), dialogue);
      if (running === undefined) throw unknownTool();
      return running;
    });
    return server;
  };
}

function unknownTool(): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown tool. Call tools/list for the tools you may use.');
}
