/** `GET /stat`: the caller, the org, the operating context, and whether the backend is alive. */

import { VERSION } from '../contract/version.js';
import type { Handlers } from './engine/handler.js';

export const session: Handlers<'session'> = {
  // biome-ignore lint/correctness/useYield: a handler that needs no rows
  *stat(cx) {
    const { actor, context_source, owner, roles, org_status } = cx.caller;
    return {
      status: 'ok' as const,
      version: VERSION,
      backend: 'store' as const,
      caller: { actor, context_source, owner, roles: [...roles] },
      org: { orgcode: cx.orgcode, status: org_status },
      context: { ...cx.operatingContext },
    };
  },
};
