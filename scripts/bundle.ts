/** `npm run bundle`: writes the .mcpb bundles for desktop clients on this platform to bundle/. */
import { makeBundle } from './bundling.js';

for (const kind of ['live', 'demo'] as const) process.stdout.write(`${await makeBundle(kind, 'bundle')}\n`);
