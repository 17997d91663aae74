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
  /** Answers a plain call without the SDK; undefined leaves it to the SDK. Asked once the SDK has served a request. */
  readonly answer?: ((call: PlainCall) => Promise<string> | undefined) | undefined;
}

/** Creates the transport. It closes itself at the end of input, when the responses are sent, and when a write fails. */
export function createStdioWire(input: Readable, output: Writable, options: StdioWireOptions): Transport {
  let version: string | undefined;
  let closed = false;
  let served = false; // the SDK has answered more than questions about what it can do, so the era is settled
  let handing = false;
  let onIdle = () => {};
  const outbox = createLineOutbox(output, options.maxUnreadBytes, {
    onFull: () => void input.pause(),
    onDrained: () => void (closed || input.resume()),
  });
  const write = (message: object) => outbox.add(JSON.stringify(message));
  const reject = (fault: JsonRpcFault) => void write(faultMessage(fault));
  const batches = createBatches((responses) => void write(responses));
  const calls = createCallsInFront((text) => void outbox.add(text));
  const ids = createIdsInFlight((id) => {
    batches.leave(id);
    calls.leave(id);
    if (ids.awaited === 0) onIdle();
  });
  /** Answers a plain call without the SDK, except right behind a message for it: what came first starts first. */
  const answer = (call: PlainCall): boolean => {
    if (!served || handing) return false;
    const { id } = call.message;
    return calls.run(id, options.answer?.(call), () => ids.release(id), onError);
  };
  const handToSdk = (message: JSONRPCMessage) => {
    if (!handing)
      setImmediate(() => {
        handing = false; // the SDK starts what it got within the turn
      });
    handing = true;
    wire.onmessage?.(message);
  };
  const execute = (read: ReadMessages, call: PlainCall | undefined) => {
    const fault = ids.take(read);
    if (fault !== undefined) return reject(fault);
    if (call !== undefined && answer(call)) return;
    if (read.isBatch) batches.open(read);
    read.messages.forEach(handToSdk);
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
  const finish = () => {
    input.off('end', finish).off('close', finish); // the first of the two counts
    lines.end();
    const timer = setTimeout(close, options.drainMs);
    onIdle = () => {
      clearTimeout(timer);
      setImmediate(close); // after the response that made the connection idle
    };
    if (ids.awaited === 0) onIdle();
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
      if (!('method' in message) && message.id !== undefined) {
        const method = ids.release(message.id);
        served ||= 'result' in message && method !== undefined && method !== 'server/discover';
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

/** The calls that are answered in front of the SDK; `send` sends a response. */
function createCallsInFront(send: (text: string) => void) {
  const running = new Map<RequestId, Promise<string>>();
  return {
    /** Sends the answer when it is known, unless the call has been cancelled. False when there is no answer. */
    run(id: RequestId, answer: Promise<string> | undefined, release: () => void, onError: (e: Error) => void): boolean {
      if (answer === undefined) return false;
      running.set(id, answer);
      const finish = (text: string) => {
        if (running.get(id) !== answer) return; // cancelled; the id may be in use again
        send(text);
        release();
      };
      answer.then(finish, (error: Error) => {
        onError(error);
        finish(JSON.stringify(faultMessage({ code: INTERNAL_ERROR, message: 'Internal error', id })));
      });
      return true;
    },
    /** The request has its response, or will never have one. */
    leave: (id: RequestId) => void running.delete(id),
  };
}

const INTERNAL_ERROR = -32603;

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
