/** The explorer: reads the published document, and starts Swagger UI with it. Keys are in the form only. */
import { byId } from '../src/dom.js';
import { mountTheme } from '../src/theme.js';
import { REST_PATH, readDocument } from './api-document.js';
import { mountOperationList } from './operation-list.js';
import { createPlugin, failureNotice, LAYOUT, withSharedHeaders } from './plugin.js';
import { createSharedHeaders } from './shared-headers.js';

async function start(): Promise<void> {
  const stage = byId('stage', HTMLElement);
  const response = await fetch(`${REST_PATH}/openapi.json`);
  if (!response.ok) throw new Error(`status ${response.status}`);
  const api = readDocument((await response.json()) as { readonly [name: string]: unknown });
  const shared = createSharedHeaders(api);
  byId('headers', HTMLElement).append(shared.node);
  mountOperationList(api);
  globalThis.SwaggerUIBundle({
    spec: api.rendered,
    domNode: stage,
    layout: LAYOUT,
    plugins: [createPlugin(api, shared)],
    requestInterceptor: withSharedHeaders(api, shared),
    docExpansion: 'full',
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 1,
    validatorUrl: null,
    persistAuthorization: false,
    deepLinking: false,
    queryConfigEnabled: false,
    syntaxHighlight: { activated: false },
  });
}

mountTheme();
start().catch((error: Error) => byId('stage', HTMLElement).replaceChildren(failureNotice(error.message)));
