/**
 * MCP messages over two streams of lines, as a transport of the SDK. Everything that a client sends gets a response or
 * is executed; the connection survives lines that are too long, not JSON or not messages.
 */
import type { Readable, Writable } from 'node:stream';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { createCallsInFront, type InFrontOptions } from './calls-in-front.js';
import { createIdsInFlight } from './ids-in-flight.js';
import {
  faultMessage,
  idInCutRequest,
  invalid,
  type JsonRpcFault,
  type ReadMessages,
  type RequestId,
  requestsIn,
} from './json-rpc.js';
import { createLineOutbox } from './line-outbox.js';
import { createLineSplitter, type LineSplitter } from './line-splitter.js';
import { messagesIn, type PlainCall } from './plain-call.js';

export interface StdioWireOptions {
  readonly maxLineBytes: number;
  /** At the end of input, requests may take this long to get their responses. */
  readonly drainMs: number;
  /** While more bytes than this wait for the client to read them, nothing is read from it. */
  readonly maxUnreadBytes: number;
  /** As of `createCallsInFront`. */
  readonly answer?: InFrontOptions['answer'];
}

/** Creates the transport. It closes itself at the end of input, when the responses are sent, and when a write fails. */
export function createStdioWire(input: Readable, output: Writable, options: StdioWireOptions): Transport {
  let version: string | undefined;
  let closed = false;
  let onIdle = () => {};
  const onDrained = () => void (closed || input.resume());
  const outbox = createLineOutbox(output, options.maxUnreadBytes, { onFull: () => void input.pause(), onDrained });
  const write = (message: object) => outbox.add(JSON.stringify(message));
  const reject = (fault: JsonRpcFault) => void write(faultMessage(fault));
  const batches = createBatches(write);
  const respond = (text: string, id: RequestId) => {
    if (closed) return;
    void outbox.add(text);
    ids.release(id);
  };
  const calls = createCallsInFront({ answer: options.answer, send: respond, onError: (error) => onError(error) });
  const ids = createIdsInFlight((id) => {
    batches.leave(id);
    calls.leave(id);
    if (ids.awaited === 0) onIdle();
  });
  const execute = (read: ReadMessages, call: PlainCall | undefined) => {
    const fault = ids.take(read);
    if (fault !== undefined) return reject(fault);
    if (call !== undefined && calls.run(call)) return;
    if (read.isBatch) batches.open(read);
    calls.handToSdk();
    for (const message of read.messages) wire.onmessage?.(message);
  };
  const lines = createMessageLines(options.maxLineBytes, () => version, { execute, reject });
  const close = async () => {
    if (closed) return;
    closed = true;
    input.off('data', lines.push).off('error', onError).off('end', finish).off('close', finish);
    input.pause();
    outbox.flush();
    wire.onclose?.();
  };
  const onError = (error: Error) => wire.onerror?.(error);
  const onBroken = (error: Error) => {
    if (!closed) onError(error);
    void close();
  };
  const finish = () => {
    input.off('end', finish).off('close', finish); // the first of the two counts
    lines.end();
    onIdle = closeWhenIdle(close, options.drainMs);
    if (ids.awaited === 0) onIdle();
  };
  const wire: Transport = {
    async start() {
      output.on('error', onBroken); // stays: without a listener, a late error would end the process
      if (input.readableEnded || input.destroyed) setImmediate(finish);
      input.on('data', lines.push).on('error', onError).once('end', finish).once('close', finish);
    },
    async send(message) {
      if (closed) throw new Error('the connection is closed');
      const sent = batches.add(message) ? undefined : write(message);
      if (!('method' in message) && message.id !== undefined) {
        const method = ids.release(message.id);
        if (method !== undefined && 'result' in message) calls.servedBySdk(method);
      }
      await sent;
    },
    close,
    setProtocolVersion(negotiated) {
      version = negotiated;
    },
  };
  return wire;
}

/** The function to call when no response is due any more: then, or after `drainMs`, the connection closes. */
function closeWhenIdle(close: () => void, drainMs: number): () => void {
  const timer = setTimeout(close, drainMs);
  return () => {
    clearTimeout(timer);
    setImmediate(close); // after the response that made the connection idle
  };
}

interface MessageEvents {
  execute(read: ReadMessages, call: PlainCall | undefined): void;
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
      const { read, call } = messagesIn(bytes, version());
      if ('code' in read) reject(read);
      else execute(read, call);
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
function createBatches(respond: (responses: readonly JSONRPCMessage[]) => unknown) {
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
