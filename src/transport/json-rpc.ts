/**
 * Reads JSON-RPC messages, the same for every transport: what is a message, which protocol version has batches, and
 * the error that a sender of anything else receives. Does not execute messages; ids in use are in ids-in-flight.ts.
 */
import { type JSONRPCMessage, parseJSONRPCMessage } from '@modelcontextprotocol/server';

export type RequestId = string | number;

/** An error of JSON-RPC in response to something that cannot be executed. */
export interface JsonRpcFault {
  readonly code: number;
  /** States the problem and how to fix it. */
  readonly message: string;
  /** The request that it responds to; null when that cannot be known. */
  readonly id: RequestId | null;
}

/** A message, or the messages of a batch in their order. */
export interface ReadMessages {
  readonly messages: readonly JSONRPCMessage[];
  readonly isBatch: boolean;
}

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
const INVALID_PARAMS = -32602;

/** The only protocol version with batches: 2025-06-18 removed them, and earlier ones do not mention them. */
export const BATCH_VERSION = '2025-03-26';
export const MAX_BATCH = 100;

/** The fault of bytes that are not a JSON value. */
export const NOT_JSON: JsonRpcFault = {
  code: PARSE_ERROR,
  message: 'This is not JSON in UTF-8, or a name is given twice in one object. Send one JSON-RPC message.',
  id: null,
};

/** Reads a JSON value that a client of that protocol version sent. A batch is accepted or rejected as a whole. */
export function readMessages(value: unknown, version: string | undefined): ReadMessages | JsonRpcFault {
  if (!Array.isArray(value)) {
    const message = readMessage(value);
    return 'code' in message ? message : { messages: [message], isBatch: false };
  }
  if (version !== BATCH_VERSION) {
    return invalid(`Only protocol version ${BATCH_VERSION} has batches. Send each message by itself.`);
  }
  if (value.length === 0 || value.length > MAX_BATCH) return invalid(`A batch has 1 to ${MAX_BATCH} messages.`);
  const messages: JSONRPCMessage[] = [];
  for (const [index, item] of value.entries()) {
    const message = readMessage(item);
    if ('code' in message) {
      const reason = `Nothing of this batch was executed. Its message ${index + 1}: ${message.message}`;
      return { ...message, message: reason, id: null };
    }
    if ('method' in message && message.method === 'initialize') return invalid('Send initialize outside of a batch.');
    messages.push(message);
  }
  return { messages, isBatch: true };
}

/** The requests among messages: those that are answered. */
export function requestsIn(messages: readonly JSONRPCMessage[]): readonly { id: RequestId; method: string }[] {
  return messages.flatMap((message) => ('method' in message && 'id' in message ? [message] : []));
}

/** An invalid request: `id` is null unless one single request is rejected. */
export function invalid(message: string, id: RequestId | null = null): JsonRpcFault {
  return { code: INVALID_REQUEST, message, id };
}

/** The id of a request as it can be sent back, else null: a response must not be answered under its own id. */
export function idOf(value: unknown): RequestId | null {
  if (!isFields(value) || (value.method === undefined && ('result' in value || 'error' in value))) return null;
  return isId(value.id) ? value.id : null;
}

/**
 * The id in a request of which only both ends are known: as a member of the outermost object before the first value
 * that was cut, or as its last member. Null when it is in neither place, or the message is a response.
 */
export function idInCutRequest(head: string, tail: string): RequestId | null {
  const member = /[{,\s]*"((?:[^"\\]|\\.)*)"\s*:\s*(?:("(?:[^"\\]|\\.)*"|-?\d+|true|false|null)\s*[,}])?/y;
  for (let found = member.exec(head); found !== null; found = member.exec(head)) {
    const [, name, value] = found;
    if (name === 'result' || name === 'error') return null;
    if (value === undefined) break; // an object or a list, or cut
    if (name === 'id') return idFrom(value);
  }
  const last = /[{,]\s*"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)\s*\}\s*$/.exec(tail)?.[1];
  return last === undefined ? null : idFrom(last);
}

/** A fault as a message to send. */
export function faultMessage({ code, message, id }: JsonRpcFault): object {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

function readMessage(value: unknown): JSONRPCMessage | JsonRpcFault {
  const problem = isFields(value) ? problemOf(value) : 'A message is a JSON object.';
  if (problem !== undefined) return invalid(problem, idOf(value));
  const { id, params, method } = value as Fields;
  if (params !== undefined && !isFields(params)) {
    return { code: INVALID_PARAMS, message: 'params must be an object.', id: idOf(value) };
  }
  try {
    // A response to a message that its sender could not read has the id null; the SDK knows it without an id only.
    return parseJSONRPCMessage(method === undefined && id === null ? { ...(value as Fields), id: undefined } : value);
  } catch {
    return invalid('This is not a message of MCP.', idOf(value));
  }
}

function problemOf({ jsonrpc, id, method, result, error }: Fields): string | undefined {
  if (jsonrpc !== '2.0') return 'jsonrpc must be "2.0".';
  if (method === undefined) {
    if (result === undefined && error === undefined) return 'A message has a method, a result or an error.';
    return isId(id) || result === undefined ? undefined : 'A response has the id of its request.';
  }
  if (typeof method !== 'string') return 'method must be a text.';
  if (id === undefined || isId(id)) return undefined;
  return 'id must be a text or a whole number of at most 2^53 - 1. Leave it out only if no response is wanted.';
}

type Fields = { readonly [name: string]: unknown };

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is RequestId {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

function idFrom(json: string): RequestId | null {
  try {
    const value: unknown = JSON.parse(json);
    return isId(value) ? value : null;
  } catch {
    return null;
  }
}
