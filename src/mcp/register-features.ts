/** Combines the MCP features other than tools: resources, prompts and completions. */
import { APPS_EXTENSION } from './apps.js';
import { createCompletions } from './completions.js';
import type { FeatureContext, RegisterFeature } from './feature-context.js';
import { createPrompts } from './prompts.js';
import { createResources } from './resources.js';

/** The server capabilities of these features. */
export function featureCapabilities({ app }: Pick<FeatureContext, 'app'>) {
  const extensions = app === undefined ? {} : { extensions: { [APPS_EXTENSION]: {} } };
  return { resources: {}, prompts: {}, completions: {}, ...extensions };
}

/** Prepares every feature once; the returned function registers all of them on a server. */
export function createFeatureRegistration(features: FeatureContext): RegisterFeature {
  const registrations = [createResources(features), createPrompts(features), createCompletions(features)];
  return (server, headersOf) => {
    for (const register of registrations) register(server, headersOf);
  };
}
