/** Answers the plain calls of one connection in front of the SDK, which serves all the rest of the connection. */
import { faultMessage, type RequestId } from './json-rpc.js';
import type { PlainCall } from './plain-call.js';

export interface CallsInFront {
  /** Answers a call and returns true, or leaves it to the SDK. */
  run(call: PlainCall): boolean;
  /** The SDK gets a message. A call right behind it goes to the SDK too: what came first starts first. */
  handToSdk(): void;
  /** The SDK has sent a result for a request with this method. */
  servedBySdk(method: string): void;
  /** The request has its response, or will never have one. */
  leave(id: RequestId): void;
}

export interface InFrontOptions {
  /** Answers a plain call; undefined leaves it to the SDK. */
  readonly answer: ((call: PlainCall) => Promise<string> | undefined) | undefined;
  /** Sends the response to a request. */
  readonly send: (text: string, id: RequestId) => void;
  readonly onError: (error: Error) => void;
}

const INTERNAL_ERROR = -32603;

export function createCallsInFront({ answer, send, onError }: InFrontOptions): CallsInFront {
  const running = new Map<RequestId, Promise<string>>();
  let isSettled = false; // after questions about what the server can do, a client may still choose another version
  let isHanding = false;
  return {
    run(call) {
      const answering = isSettled && !isHanding ? answer?.(call) : undefined;
      if (answering === undefined) return false;
      const { id } = call.message;
      running.set(id, answering);
      const finish = (text: string) => {
        if (running.get(id) === answering) send(text, id); // else it was cancelled; the id may be in use again
      };
      answering.then(finish, (error: Error) => {
        onError(error);
        finish(JSON.stringify(faultMessage({ code: INTERNAL_ERROR, message: 'Internal error', id })));
      });
      return true;
    },
    handToSdk() {
      if (isHanding) return;
      isHanding = true;
      setImmediate(() => {
        isHanding = false; // the SDK starts what it got within the turn
      });
    },
    servedBySdk(method) {
      isSettled ||= method !== 'server/discover';
    },
    leave: (id) => void running.delete(id),
  };
}
