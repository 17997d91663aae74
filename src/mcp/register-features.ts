/** All that the MCP face offers besides tools, put together: resources, prompts, completions. */
import { createCompletions } from './completions.js';
import type { FeatureContext, RegisterFeature } from './feature-context.js';
import { createPrompts } from './prompts.js';
import { createResources } from './resources.js';

/** The capabilities of what is added. */
export const FEATURE_CAPABILITIES = { resources: {}, prompts: {}, completions: {} };

/** Prepares every feature once; what it answers registers them on a server. */
export function createFeatureRegistration(face: FeatureContext): RegisterFeature {
  const features = [createResources(face), createPrompts(face), createCompletions(face)];
  return (server, headersOf) => {
    for (const add of features) add(server, headersOf);
  };
}
