/** Which product and which API version every answer comes from. */
import type { Build } from './envelope.js';

/** Kept equal to package.json by a test. */
export const VERSION = '0.1.0';

/** `X-API-Version` of contract §1. */
export const API_VERSION = '2026-03-04';

export const BUILD: Build = {
  build_major: 'EMBEDDED',
  build_minor: VERSION,
  build_id: `EMBEDDED-${VERSION}`,
};
