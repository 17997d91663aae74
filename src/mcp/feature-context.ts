/** What the MCP features (resources, prompts, completions) share: callable tools, tool calls and error handling. */
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ErrorObject } from '../contract/envelope.js';
import type { RoleTable } from '../contract/operation.js';
import type { PublishedDocuments } from '../contract/published-documents.js';
import { type Pipeline, rejectRequest } from '../pipeline/call.js';
import type { CallHeaders } from '../pipeline/headers.js';
import type { Catalogue, Tool } from '../tools/catalogue.js';
import type { CustomerApp } from './apps.js';

export interface FeatureContext {
  readonly catalogue: Catalogue;
  readonly roles: RoleTable;
  /** Whether the server runs in lean mode: the catalogue's tools are reached through the three lean tools. */
  readonly lean: boolean;
  /** The published documents that describe the tools; undefined when there are none. */
  readonly published: PublishedDocuments | undefined;
  /** The app that hosts can show; undefined when this server has none. */
  readonly app: CustomerApp | undefined;
  /** The tools a caller may call, as `tools/list` returns them. An unknown caller gets the public ones. */
  callable(headers: CallHeaders): Promise<readonly Tool[]>;
  /** Runs a tool as `tools/call` does; undefined when no tool has that name. */
  call(name: string, args: object, headers: CallHeaders): Promise<CallToolResult> | undefined;
  readonly guard: ErrorGuard;
}

/** The headers that came with a request's message. */
export type HeadersOf = (context: ServerContext) => CallHeaders;

/** Registers a feature's methods on a server. */
export type RegisterFeature = (server: Server, headersOf: HeadersOf) => void;

/** Cache hint: only the requesting client may cache the response, and only for a minute. */
export const PRIVATE_ONE_MINUTE = { ttlMs: 60_000, cacheScope: 'private' } as const;

/** Names of the tools a caller may call. */
export async function callableNames(features: FeatureContext, headers: CallHeaders): Promise<ReadonlySet<string>> {
  return new Set((await features.callable(headers)).map(({ name }) => name));
}

/** The error object of a failed tool result, undefined for a success. An error result has nothing but its text. */
export function errorOf({ isError, content }: CallToolResult): ErrorObject | undefined {
  const [block] = content;
  return isError === true && block?.type === 'text' ? (JSON.parse(block.text) as ErrorObject) : undefined;
}

/** The data of a successful tool result, undefined for an error. */
export function dataOf({ isError, structuredContent }: CallToolResult): Readonly<Record<string, unknown>> | undefined {
  if (isError === true) return undefined;
  return (structuredContent as { data?: Record<string, unknown> } | undefined)?.data;
}

/** Runs the work of one request; an unexpected failure becomes a protocol error, and its cause goes only to the log. */
export type ErrorGuard = <Result>(headers: CallHeaders, work: () => Promise<Result>) => Promise<Result>;

/** The SDK sends the message of every thrown error to the client, so only errors meant for the caller may pass. */
export function createErrorGuard(pipeline: Pipeline): ErrorGuard {
  return async (headers, work) => {
    try {
      return await work();
    } catch (thrown) {
      if (thrown instanceof ProtocolError) throw thrown;
      throw toProtocolError(
        ProtocolErrorCode.InternalError,
        rejectRequest(pipeline, { name: 'list', headers, thrown }).error,
      );
    }
  };
}

/** An error of a request that is no tool call: its text as the message, the whole error object as `data`. */
export function toProtocolError(code: ProtocolErrorCode, error: ErrorObject): ProtocolError {
  return new ProtocolError(code, `${error.error_code}: ${describeError(error)}`, error);
}

/** The message of an error, followed by its next steps. */
export function describeError({ major, next_steps = [] }: ErrorObject): string {
  return [major.message.en_US, ...next_steps].join(' ');
}
