/**
 * The ids of one client's requests that have no response yet. A client tells responses apart by these ids, so a request
 * under an id that is in use is rejected before anything of it is executed.
 */
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { invalid, type JsonRpcFault, type ReadMessages, type RequestId, requestsIn } from './json-rpc.js';

export interface IdsInFlight {
  /** Takes the ids of all requests among the messages, or none: the fault names an id that is in use or repeated. */
  take(read: ReadMessages): JsonRpcFault | undefined;
  /** The request has its response, or will never have one. */
  release(id: RequestId): void;
  /** As `release` for the ids of all requests among these messages. */
  releaseAll(messages: readonly JSONRPCMessage[]): void;
  /** Whether a response is due. A subscription lasts as long as its client wants, so none is due. */
  readonly isAwaited: boolean;
}

/** `onRelease` is called for every id that was taken, once. */
export function createIdsInFlight(onRelease: (id: RequestId) => void = () => {}): IdsInFlight {
  const methods = new Map<RequestId, string>();
  const release = (id: RequestId) => {
    if (methods.delete(id)) onRelease(id);
  };
  return {
    take({ messages, isBatch }) {
      for (const id of cancelledIn(messages)) release(id);
      const requests = requestsIn(messages);
      const repeated = firstRepeated(requests.map(({ id }) => id)) ?? requests.find(({ id }) => methods.has(id))?.id;
      if (repeated !== undefined) return inUse(repeated, isBatch);
      for (const { id, method } of requests) methods.set(id, method);
      return undefined;
    },
    release,
    releaseAll(messages) {
      for (const { id } of requestsIn(messages)) release(id);
    },
    get isAwaited() {
      return [...methods.values()].some((method) => method !== 'subscriptions/listen');
    },
  };
}

/** Cancelled requests get no response. */
function cancelledIn(messages: readonly JSONRPCMessage[]): readonly RequestId[] {
  return messages.flatMap((message) => {
    if (!('method' in message) || message.method !== 'notifications/cancelled') return [];
    const id = (message.params as { readonly requestId?: RequestId } | undefined)?.requestId;
    return id === undefined ? [] : [id];
  });
}

function firstRepeated(ids: readonly RequestId[]): RequestId | undefined {
  return ids.find((id, index) => ids.indexOf(id) !== index);
}

function inUse(id: RequestId, isBatch: boolean): JsonRpcFault {
  const shown = JSON.stringify(id).slice(0, 100);
  const what = isBatch ? 'Nothing of this batch was executed' : 'This request was not executed';
  return invalid(`The id ${shown} belongs to another request without a response. ${what}.`, isBatch ? null : id);
}
