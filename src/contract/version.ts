/** The product and API version that every response names. */
import type { Build } from './envelope.js';

/** A test keeps it equal to package.json. */
export const VERSION = '0.1.0';

/** `X-API-Version` of contract §1. */
export const API_VERSION = '2026-03-04';

export const BUILD: Build = {
  build_major: 'EMBEDDED',
  build_minor: VERSION,
  build_id: `EMBEDDED-${VERSION}`,
};
