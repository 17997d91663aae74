/** Tries the upstream credential behind a caller's key, through the client that a gateway uses. */

import { ConfigError } from '../config.js';
import type { Credentials } from '../contract/backend.js';
import { CrmError } from '../contract/errors.js';
import { CONTRACT } from '../contract/generated/contract.js';
import { createStampMaker } from '../create-pipeline.js';
import { createGateway } from '../gateway/gateway.js';
import { GatewayOptionsError } from '../gateway/origin.js';
import { createRandom32 } from '../ids.js';
import { parseHeaders } from '../pipeline/headers.js';
import { parseUrl, proxyFrom } from './open-gateway.js';

export interface UpstreamFlags {
  readonly gateway: string;
  readonly deadlineMs: number;
  readonly proxy?: string;
}

/** Whether the upstream takes the credential, and as whom; never the credential. */
export interface UpstreamTrial {
  readonly orgcode: string;
  readonly accepted: boolean;
  readonly milliseconds: number;
  /** What the upstream tells of the caller; absent when it tells nothing. */
  readonly actor?: string;
  readonly roles?: readonly string[];
  readonly owner?: boolean;
  readonly error_code?: string;
  readonly message?: string;
}

/** Asks the upstream, within the deadline, who the caller is. @throws ConfigError for an invalid URL or proxy. */
export async function tryUpstream(
  credentials: Credentials,
  { gateway: url, deadlineMs, proxy }: UpstreamFlags,
): Promise<UpstreamTrial> {
  const { orgcode } = credentials;
  const started = performance.now();
  const elapsed = () => ({ milliseconds: Math.round(performance.now() - started) });
  const gateway = gatewayOf(url, deadlineMs, proxy);
  try {
    const caller = await gateway.identify(credentials, createStampMaker()(parseHeaders({})));
    const { actor, roles, owner, unknown } = caller;
    return { orgcode, accepted: true, ...elapsed(), ...(unknown ? {} : { actor, roles, owner }) };
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    return { orgcode, accepted: false, ...elapsed(), error_code: error.code, message: error.message };
  } finally {
    await gateway.close();
  }
}

function gatewayOf(url: string, deadlineMs: number, proxy: string | undefined) {
  try {
    return createGateway({
      base: parseUrl('--gateway', url),
      operations: CONTRACT.operations,
      honoursKeys: false,
      responseValidation: 'off',
      dataSchemaOf: () => undefined,
      upstreamCredentials: (credentials) => credentials,
      sendOnce: () => Promise.reject(new Error('only reads')),
      report() {},
      random32: createRandom32(),
      deadlineMs,
      proxy: proxyFrom(proxy),
    });
  } catch (error) {
    throw error instanceof GatewayOptionsError ? new ConfigError(error.message) : error;
  }
}
