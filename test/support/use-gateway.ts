/** A fixture for tests of idempotency in the gateway: one scratch database per file, one gateway and key per test. */
import { afterAll } from 'vitest';
import { type Gateway, openGateway, openScratchDb } from './sending.js';

/** Opens a scratch database for this file; `next` returns a new gateway over it, and a key not used before. */
export function useGateways() {
  const scratchDir = openScratchDb();
  afterAll(scratchDir.remove);
  let count = 0;
  const next = (): { gateway: Gateway; key: string } => {
    count += 1;
    return { gateway: openGateway(scratchDir.db), key: `key-${count}` };
  };
  return { scratchDir, next };
}
