/** What every feature of the MCP face stands on: the tools a caller may call, calling one, and how a feature fails. */
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

export interface FeatureContext {
  readonly catalogue: Catalogue;
  readonly roles: RoleTable;
  /** Whether the tools of the catalogue are reached through three others. */
  readonly lean: boolean;
  /** The documents behind the tools; undefined when there are none. */
  readonly published: PublishedDocuments | undefined;
  /** The tools a caller may call, as its list has them. Whoever is unknown is shown what is public. */
  callable(headers: CallHeaders): Promise<readonly Tool[]>;
  /** Runs a tool as `tools/call` does; undefined when there is none of that name. */
  call(name: string, args: object, headers: CallHeaders): Promise<CallToolResult> | undefined;
  readonly guard: ErrorGuard;
}

/** What a request carries beside its message. */
export type HeadersOf = (context: ServerContext) => CallHeaders;

/** Registers a feature's methods on a server. */
export type RegisterFeature = (server: Server, headersOf: HeadersOf) => void;

/** Only whoever asked may keep an answer, and not for long. */
export const PRIVATE_MINUTE = { ttlMs: 60_000, cacheScope: 'private' } as const;

/** Names of the tools a caller may call. */
export async function callableNames(face: FeatureContext, headers: CallHeaders): Promise<ReadonlySet<string>> {
  return new Set((await face.callable(headers)).map(({ name }) => name));
}

/** The error object of a tool's refusal, undefined for a success. Its text is all that a refusal has. */
export function errorOf({ isError, content }: CallToolResult): ErrorObject | undefined {
  const [block] = content;
  return isError === true && block?.type === 'text' ? (JSON.parse(block.text) as ErrorObject) : undefined;
}

/** The data of a tool's success, undefined for a refusal. */
export function dataOf({ isError, structuredContent }: CallToolResult): Readonly<Record<string, unknown>> | undefined {
  if (isError === true) return undefined;
  return (structuredContent as { data?: Record<string, unknown> } | undefined)?.data;
}

/** Does the work of one request; what breaks in it is told as an error of the protocol, its cause to the log alone. */
export type ErrorGuard = <Answer>(headers: CallHeaders, work: () => Promise<Answer>) => Promise<Answer>;

/** The SDK tells a client the message of whatever is thrown, so nothing but a refusal may pass. */
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

/** A refusal where no tool answers: in words, and whole as `data`. */
export function toProtocolError(code: ProtocolErrorCode, error: ErrorObject): ProtocolError {
  return new ProtocolError(code, `${error.error_code}: ${describeError(error)}`, error);
}

/** What a refusal says, and what it says to do. */
export function describeError({ major, next_steps = [] }: ErrorObject): string {
  return [major.message.en_US, ...next_steps].join(' ');
}
