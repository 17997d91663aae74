/**
 * MCP messages over two streams of lines, as a transport of the SDK. Everything that a client sends gets a response or
 * is executed; the connection survives lines that are too long, not JSON or not messages.
 */
import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { createIdsInFlight } from './ids-in-flight.js';
import {
  faultMessage,
  idInCutRequest,
  invalid,
  type JsonRpcFault,
  NOT_JSON,
  type ReadMessages,
  type RequestId,
  readMessages,
  requestsIn,
} from './json-rpc.js';
import { createLineSplitter } from './line-splitter.js';
import { parseStrictJson } from './strict-json.js';

export interface StdioWireOptions {
  readonly maxLineBytes: number;
  /** At the end of input, requests may take this long to get their responses. */
  readonly drainMs: number;
}

/** Creates the transport. It closes itself at the end of input, when the responses are sent, and when a write fails. */
export function createStdioWire(
  input: Readable,
  output: Writable,
  { maxLineBytes, drainMs }: StdioWireOptions,
): Transport {
  let version: string | undefined;
  let closed = false;
  let onIdle = () => {};
  const batches = new Map<RequestId, Batch>();
  const write = (message: object) => writeLine(output, JSON.stringify(message));
  const reject = (fault: JsonRpcFault) => void write(faultMessage(fault)).catch(() => {});
  const ids = createIdsInFlight((id) => {
    const batch = batches.get(id);
    batches.delete(id);
    batch?.pending.delete(id);
    if (batch?.pending.size === 0 && batch.responses.length > 0) void write(batch.responses).catch(() => {});
    if (!ids.isAwaited) onIdle();
  });
  const execute = (read: ReadMessages) => {
    const fault = ids.take(read);
    if (fault !== undefined) return reject(fault);
    if (read.isBatch) openBatch(read, batches);
    for (const message of read.messages) wire.onmessage?.(message);
  };
  const lines = createLineSplitter(maxLineBytes, {
    line(bytes) {
      if (isBlank(bytes)) return;
      const value = parseStrictJson(bytes);
      const read = value === undefined ? NOT_JSON : readMessages(value, version);
      if ('code' in read) reject(read);
      else execute(read);
    },
    tooLong: ({ head, tail }) =>
      reject(
        invalid(
          `The line is longer than ${maxLineBytes} bytes and was not read. Send less at once.`,
          idInCutRequest(head.toString(), tail.toString()),
        ),
      ),
  });
  const close = async () => {
    if (closed) return;
    closed = true;
    input.off('data', lines.push).off('error', onError).off('end', finish).off('close', finish);
    input.pause();
    wire.onclose?.();
  };
  const onError = (error: Error) => wire.onerror?.(error);
  const finish = () => {
    lines.end();
    const timer = setTimeout(close, drainMs);
    onIdle = () => {
      clearTimeout(timer);
      setImmediate(close); // after the response that made the connection idle
    };
    if (!ids.isAwaited) onIdle();
  };
  const wire: Transport = {
    async start() {
      output.on('error', (error) => {
        if (!closed) onError(error); // the listener stays: without one, a late error would end the process
        void close();
      });
      if (input.readableEnded || input.destroyed) setImmediate(finish);
      input.on('data', lines.push).on('error', onError).once('end', finish).once('close', finish);
    },
    async send(message) {
      if (closed) throw new Error('the connection is closed');
      const id = 'method' in message ? undefined : message.id;
      const batch = id === undefined ? undefined : batches.get(id);
      if (batch !== undefined) batch.responses.push(message);
      const sent = batch === undefined ? write(message) : undefined;
      if (id !== undefined) ids.release(id);
      await sent;
    },
    close,
    setProtocolVersion(negotiated) {
      version = negotiated;
    },
  };
  return wire;
}

/** A batch gets one response, the list of the responses to its requests, when all of them are known. */
interface Batch {
  readonly pending: Set<RequestId>;
  readonly responses: JSONRPCMessage[];
}

function openBatch({ messages }: ReadMessages, batches: Map<RequestId, Batch>): void {
  const batch: Batch = { pending: new Set(requestsIn(messages).map(({ id }) => id)), responses: [] };
  for (const id of batch.pending) batches.set(id, batch);
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === SPACE || byte === TAB);
}

const SPACE = 32;
const TAB = 9;

function writeLine(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(`${text}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
