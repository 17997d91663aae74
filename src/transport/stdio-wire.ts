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
import { createLineSplitter, type LineSplitter } from './line-splitter.js';
import { parseStrictJson } from './strict-json.js';

export interface StdioWireOptions {
  readonly maxLineBytes: number;
  /** At the end of input, requests may take this long to get their responses. */
  readonly drainMs: number;
}

/** Creates the transport. It closes itself at the end of input, when the responses are sent, and when a write fails. */
export function createStdioWire(input: Readable, output: Writable, options: StdioWireOptions): Transport {
  let version: string | undefined;
  let closed = false;
  let onIdle = () => {};
  const write = (message: object) => writeLine(output, JSON.stringify(message));
  const reject = (fault: JsonRpcFault) => void write(faultMessage(fault)).catch(() => {});
  const batches = createBatches((responses) => void write(responses).catch(() => {}));
  const ids = createIdsInFlight((id) => {
    batches.leave(id);
    if (!ids.isAwaited) onIdle();
  });
  const execute = (read: ReadMessages) => {
    const fault = ids.take(read);
    if (fault !== undefined) return reject(fault);
    if (read.isBatch) batches.open(read);
    for (const message of read.messages) wire.onmessage?.(message);
  };
  const lines = createMessageLines(options.maxLineBytes, () => version, { execute, reject });
  const close = async () => {
    if (closed) return;
    closed = true;
    input.off('data', lines.push).off('error', onError).off('end', finish).off('close', finish);
    input.pause();
    wire.onclose?.();
  };
  const onError = (error: Error) => wire.onerror?.(error);
  const finish = () => {
    input.off('end', finish).off('close', finish); // the first of the two counts
    lines.end();
    const timer = setTimeout(close, options.drainMs);
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
      const sent = batches.add(message) ? undefined : write(message);
      if (!('method' in message) && message.id !== undefined) ids.release(message.id);
      await sent;
    },
    close,
    setProtocolVersion(negotiated) {
      version = negotiated;
    },
  };
  return wire;
}

interface MessageEvents {
  execute(read: ReadMessages): void;
  reject(fault: JsonRpcFault): void;
}

/** Reads a stream of bytes as one message in each line. */
function createMessageLines(
  maxBytes: number,
  version: () => string | undefined,
  { execute, reject }: MessageEvents,
): LineSplitter {
  return createLineSplitter(maxBytes, {
    line(bytes) {
      if (isBlank(bytes)) return;
      const value = parseStrictJson(bytes);
      const read = value === undefined ? NOT_JSON : readMessages(value, version());
      if ('code' in read) reject(read);
      else execute(read);
    },
    tooLong({ head, tail }) {
      const message = `The line is longer than ${maxBytes} bytes and was not read. Send less at once.`;
      reject(invalid(message, idInCutRequest(head.toString(), tail.toString())));
    },
  });
}

/** A batch gets one response, the list of the responses to its requests, when all of them are known. */
interface Batch {
  readonly pending: Set<RequestId>;
  readonly responses: JSONRPCMessage[];
}

/** The batches without a response; `respond` sends one. */
function createBatches(respond: (responses: readonly JSONRPCMessage[]) => void) {
  const batches = new Map<RequestId, Batch>();
  return {
    open({ messages }: ReadMessages): void {
      const batch: Batch = { pending: new Set(requestsIn(messages).map(({ id }) => id)), responses: [] };
      for (const id of batch.pending) batches.set(id, batch);
    },
    /** Keeps a response of a batch; false for any other message. */
    add(message: JSONRPCMessage): boolean {
      const batch = 'method' in message || message.id === undefined ? undefined : batches.get(message.id);
      batch?.responses.push(message);
      return batch !== undefined;
    },
    /** A request has its response, or will never have one. */
    leave(id: RequestId): void {
      const batch = batches.get(id);
      batches.delete(id);
      batch?.pending.delete(id);
      if (batch?.pending.size === 0 && batch.responses.length > 0) respond(batch.responses);
    },
  };
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
