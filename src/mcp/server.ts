/**
 * Creates MCP servers over the catalogue: one cheap object per connection or request; they share only frozen tables.
 */
import { type CallToolResult, ProtocolError, ProtocolErrorCode, Server } from '@modelcontextprotocol/server';
import type { PublishedDocuments } from '../contract/published-documents.js';
import type { Pipeline } from '../pipeline/call.js';
import { type CallHeaders, withMessageTrace } from '../pipeline/headers.js';
import type { Catalogue } from '../tools/catalogue.js';
import { customerAppOf, showsApps } from './apps.js';
import { capabilitiesOf } from './client-capabilities.js';
import type { Confirmation } from './confirmation.js';
import { type ElicitationDialogue, openDialogue, type Question } from './elicitation.js';
import { createErrorGuard } from './feature-context.js';
import { createLeanCall } from './lean-calls.js';
import { LEAN_TOOLS } from './lean-tools.js';
import { createFeatureRegistration, featureCapabilities } from './register-features.js';
import { createCallWithinBudget } from './response-budget.js';
import { visibleTools } from './visibility.js';

export interface ServerInfo {
  readonly name: string;
  readonly title: string;
  readonly version: string;
}

export interface Application {
  readonly info: ServerInfo;
  /** The server instructions that an agent receives at initialization. */
  readonly instructions: string;
  readonly catalogue: Catalogue;
  readonly pipeline: Pipeline;
  /** The published documents that describe the tools; undefined when there are none. */
  readonly published: PublishedDocuments | undefined;
  /** Lean mode: three tools that reach every operation replace one tool per operation. */
  readonly lean: boolean;
  /** Response budget: the maximum number of tokens that one tool result may cost a model. */
  readonly answerTokens: number;
  /** Asks for confirmation before a call is carried out; when absent, every call is carried out at once. */
  readonly confirmation?: Confirmation;
}

/** Runs a tool; undefined when no tool has that name. */
export type CallTool = (name: string, args: object, headers: CallHeaders) => Promise<CallToolResult> | undefined;

/** Like CallTool; within an elicitation dialogue the result may be a question to the user. */
type CallToolInDialogue = (
  name: string,
  args: object,
  headers: CallHeaders,
  dialogue: ElicitationDialogue | undefined,
) => Promise<CallToolResult | Question> | undefined;

/** `tools/call`, the same for every transport. */
export function createCallTool(application: Application): CallTool {
  const callInDialogue = createCallToolInDialogue(application);
  return (name, args, headers) => callInDialogue(name, args, headers, undefined) as ReturnType<CallTool>;
}

function createCallToolInDialogue(application: Application): CallToolInDialogue {
  const { catalogue, pipeline, lean, answerTokens, confirmation } = application;
  const callWithinBudget = createCallWithinBudget(pipeline, answerTokens, confirmation);
  if (lean) return createLeanCall(catalogue, pipeline, callWithinBudget, answerTokens);
  return (name, args, headers, dialogue) => {
    const entry = catalogue.find(name);
    return entry === undefined ? undefined : callWithinBudget(entry, args, headers, dialogue);
  };
}

/** Creates servers for one transport. `headersOf` returns the headers that came with a request's message. */
export function createServerFactory(
  application: Application,
  headersOf: (httpRequest: globalThis.Request | undefined) => CallHeaders,
): () => Server {
  const { info, instructions, catalogue, pipeline, published, lean } = application;
  const callInDialogue = createCallToolInDialogue(application);
  const guard = createErrorGuard(pipeline);
  const callable = (headers: CallHeaders) => visibleTools(pipeline, catalogue, headers);
  const call = createCallTool({ ...application, lean: false });
  const app = customerAppOf(catalogue, lean);
  const registerFeatures = createFeatureRegistration({
    catalogue,
    roles: pipeline.roles,
    published,
    app,
    lean,
    callable,
    call,
    guard,
  });
  return () => {
    const server = new Server(info, { capabilities: { tools: {}, ...featureCapabilities({ app }) }, instructions });
    registerFeatures(server, (context) => headersOf(context.http?.req));
    server.setRequestHandler('tools/list', async (_request, context) => {
      const headers = headersOf(context.http?.req);
      const tools = lean ? LEAN_TOOLS : await guard(headers, () => callable(headers));
      const linked = showsApps(capabilitiesOf(context, server.getClientCapabilities())) ? app?.link(tools) : undefined;
      return { tools: (linked ?? tools) as never, ttlMs: 60_000, cacheScope: 'private' as const };
    });
    server.setRequestHandler('tools/call', async ({ params }, context) => {
      const dialogue = application.confirmation && openDialogue(context, server.getClientCapabilities());
      const headers = withMessageTrace(headersOf(context.http?.req), params._meta);
      const running = callInDialogue(params.name, params.arguments ?? {}, headers, dialogue);
      if (running === undefined) throw unknownTool();
      return running;
    });
    return server;
  };
}

function unknownTool(): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, 'Unknown tool. Call tools/list for the tools you may use.');
}
