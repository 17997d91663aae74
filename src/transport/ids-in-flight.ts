/**
 * The ids of one client's requests that have no response yet. A client tells responses apart by these ids, so a request
 * under an id that is in use is rejected before anything of it is executed.
 */
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { invalid, type JsonRpcFault, type ReadMessages, type RequestId, requestsIn } from './json-rpc.js';

export interface IdsInFlight {
  /** Takes the ids of all requests among the messages, or none: the fault names an id that is in use or repeated. */
  take(read: ReadMessages): JsonRpcFault | undefined;
  /** The request has its response, or will never have one. Returns its method, if the id was taken. */
  release(id: RequestId): string | undefined;
  /** As `release` for the ids of all requests among these messages. */
  releaseAll(messages: readonly JSONRPCMessage[]): void;
  /** How many responses are due. A subscription lasts as long as its client wants, so none is due. */
  readonly awaited: number;
}

/** `onRelease` is called for every id that was taken, once. */
export function createIdsInFlight(onRelease: (id: RequestId) => void = () => {}): IdsInFlight {
  const methods = new Map<RequestId, string>();
  let awaited = 0;
  const release = (id: RequestId) => {
    const method = methods.get(id);
    if (method === undefined) return undefined;
    methods.delete(id);
    if (method !== LISTEN) awaited -= 1;
    onRelease(id);
    return method;
  };
  return {
    take({ messages, isBatch }) {
      for (const id of cancelledIn(messages)) release(id);
      const requests = requestsIn(messages);
      const repeated = firstRepeated(requests.map(({ id }) => id)) ?? requests.find(({ id }) => methods.has(id))?.id;
      if (repeated !== undefined) return inUse(repeated, isBatch);
      for (const { id, method } of requests) {
        methods.set(id, method);
        if (method !== LISTEN) awaited += 1;
      }
      return undefined;
    },
    release,
    releaseAll(messages) {
      for (const { id } of requestsIn(messages)) release(id);
    },
    get awaited() {
      return awaited;
    },
  };
}

const LISTEN = 'subscriptions/listen';

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
