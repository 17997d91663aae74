/** Swagger UI's plugin of the explorer: one operation at a time, and components of our own where its own do not fit. */
import { el } from '../src/dom.js';
import { type ApiDocument, REST_PATH } from './api-document.js';
import { currentId } from './operation-list.js';
import { createDomComponent, createOperationView, SAMPLES } from './operation-view.js';
import { renderOverview } from './overview.js';
import { createPlainComponents, labelled } from './plain-components.js';
import { createSamples } from './sample-view.js';
import type { SharedHeaders } from './shared-headers.js';
import type { Component, GetComponent, React, SpecSelectors, SwaggerRequest, SwaggerSystem } from './swagger.js';

export const LAYOUT = 'ExplorerLayout';

interface LayoutProperties {
  readonly getComponent: GetComponent;
  readonly specSelectors: SpecSelectors;
}

/** Creates the plugin for a document. */
export function createPlugin(api: ApiDocument, shared: SharedHeaders): (system: SwaggerSystem) => object {
  return ({ React }) => ({
    components: {
      [LAYOUT]: createLayout(React, api),
      operation: createOperationView(React, api),
      [SAMPLES]: createSamples(React, shared),
      ...createPlainComponents(React),
    },
    wrapComponents: {
      execute: (original: typeof ExecuteButton) => sendButton(React, original),
      ExamplesSelect: (original: Component) => labelled(React, 'Example', original),
    },
  });
}

/** Adds the shared headers to a request, those that its operation takes. */
export function withSharedHeaders(api: ApiDocument, shared: SharedHeaders) {
  return (request: SwaggerRequest): SwaggerRequest => {
    const { pathname } = new URL(request.url, location.href);
    const called = api.operations.find(
      ({ path, method }) => REST_PATH + path === pathname && method === request.method.toLowerCase(),
    );
    const headers = called === undefined ? [] : shared.sentWith(called);
    for (const { name, value } of headers) request.headers[name] = value;
    return request;
  };
}

function createLayout(React: React, api: ApiDocument) {
  const h = React.createElement;
  const Dom = createDomComponent(React);
  const overview = renderOverview(api);
  return ({ getComponent, specSelectors }: LayoutProperties) => {
    const id = React.useSyncExternalStore(onHashChange, currentId);
    const described = api.operations.find((operation) => operation.id === id);
    const op = specSelectors.operations().find((one) => one.getIn(['operation', 'operationId']) === id);
    const content =
      described === undefined || op === undefined
        ? [h(Dom, { node: overview, key: 'overview' }), h(getComponent('Models', true), { key: 'models' })]
        : [
            h(getComponent('OperationContainer', true), {
              key: id,
              op,
              path: described.path,
              method: described.method,
              tag: described.family,
              specPath: op.get('specPath'),
            }),
          ];
    return h('div', { className: 'swagger-ui' }, h(getComponent('errors', true), {}), ...content);
  };
}

function onHashChange(onChange: () => void): () => void {
  addEventListener('hashchange', onChange);
  return () => removeEventListener('hashchange', onChange);
}

/** What the send button uses of Swagger UI's. */
declare class ExecuteButton {
  readonly props: { readonly disabled: boolean };
  readonly onClick: () => void;
}

/** Swagger UI's button, which validates and sends, in the words of the explorer. It keeps the focus while it waits. */
function sendButton(React: React, original: typeof ExecuteButton): typeof ExecuteButton {
  return class extends original {
    render(): object {
      const { disabled } = this.props;
      const attributes = {
        type: 'button',
        className: 'primary',
        'aria-disabled': disabled,
        onClick: disabled ? undefined : this.onClick,
      };
      return React.createElement('button', attributes, 'Send request');
    }
  };
}

/** Says that the document could not be read. */
export function failureNotice(reason: string): HTMLElement {
  return el('p', { class: 'warning', role: 'alert' }, `The OpenAPI document could not be read: ${reason}`);
}
