/** Who is calling, asked of the upstream's GET /stat, once for all who ask at the same time. Not: what they may do. */
import type { Caller, Credentials, Stamp } from '../contract/backend.js';
import type { Operation } from '../contract/operation.js';
import { type CallerCache, callerFrom, errorFrom, unknownCaller } from './caller-cache.js';
import type { Deadline } from './deadline.js';
import type { Relay } from './relay.js';
import { UpstreamError } from './upstream-error.js';
import { nameOf, type RequestParts } from './upstream-request.js';

export interface IdentityParts {
  /** GET /stat, when the contract has it; without it every caller is a stranger. */
  readonly stat: Operation | undefined;
  readonly relay: Relay;
  readonly memory: CallerCache;
  readonly upstreamCredentials: (credentials: Credentials) => Credentials;
}

/**
 * @throws Fault when the upstream cannot be asked; CrmError when it refuses, or when the caller has no credentials
 * there.
 */
export type Identify = (credentials: Credentials, stamp: Stamp, deadline: Deadline, anew: boolean) => Promise<Caller>;

export function createIdentify({ stat, relay, memory, upstreamCredentials }: IdentityParts): Identify {
  const asking = new Map<string, Promise<Caller>>();

  const remember = (name: string, caller: Caller) => {
    memory.keep(name, caller);
    return caller;
  };

  const ask = async (name: string, question: RequestParts, deadline: Deadline, credentials: Credentials) => {
    try {
      const { envelope } = await relay(question, { deadline, repeatable: true, signal: undefined });
      if (!envelope.success) throw errorFrom(envelope);
      return remember(name, callerFrom(envelope.data, credentials));
    } catch (error) {
      if (isUntold(error)) return remember(name, unknownCaller(credentials));
      if (!(error instanceof UpstreamError) || isShutOut(error)) memory.forget(name);
      throw error;
    }
  };

  return async (credentials, stamp, deadline, anew) => {
    const known = upstreamCredentials(credentials); // who has none any more is not remembered either
    if (stat === undefined) return unknownCaller(credentials);
    const name = nameOf(credentials);
    const remembered = anew ? undefined : memory.get(name);
    if (remembered !== undefined) return remembered;
    for (;;) {
      const asked = asking.get(name);
      const question = { operation: stat, input: {}, credentials: known, context: {}, stamp };
      const answer = asked ?? ask(name, question, deadline, credentials).finally(() => asking.delete(name));
      asking.set(name, answer);
      try {
        return await answer;
      } catch (error) {
        // Whoever asked first had less time than we have.
        if (asked === undefined || !isTimeUp(error) || deadline.left() === 0) throw error;
      }
    }
  };
}

/** The upstream answers, but has no GET /stat of the contract's kind. */
function isUntold(error: unknown): boolean {
  if (!(error instanceof UpstreamError)) return false;
  if (error.kind === 'refused') return error.status !== 401 && error.status !== 403;
  return error.status === 200 && ['no_envelope', 'no_data', 'not_json', 'empty'].includes(error.reason);
}

function isShutOut({ status }: UpstreamError): boolean {
  return status === 401 || status === 403;
}

function isTimeUp(error: unknown): boolean {
  return error instanceof UpstreamError && error.reason === 'deadline';
}
