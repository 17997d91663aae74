/** placeholder */
import type { Environment } from '../config.js';
import type { Log } from '../log.js';
import type { Serving, ServingFlags } from './serving.js';
export async function openGateway(
  _s: Pick<Serving, 'published' | 'validators'>,
  _f: ServingFlags & { gateway: string },
  _a: string,
  _e: Environment,
  _l: Log,
): Promise<Serving> {
  throw new Error('not yet');
}
