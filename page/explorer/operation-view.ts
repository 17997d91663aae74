/** The component of an operation: its description, parameters, body, send button, response, code and documentation. */
import { focusOn } from '../src/dom.js';
import type { ApiDocument, ApiOperation } from './api-document.js';
import { renderResponse } from './response-view.js';
import type { Component, ImmutableMap, OperationProperties, React } from './swagger.js';

/** Creates a component that shows a DOM node. */
export function createDomComponent(React: React): Component {
  return ({ node }: { readonly node: Node }) => {
    const host = React.useRef<HTMLElement | null>(null);
    React.useEffect(() => {
      host.current?.replaceChildren(node);
      return undefined;
    }, [node]);
    return React.createElement('div', { ref: host });
  };
}

/** The name of the component that shows the request as code. */
export const SAMPLES = 'ExplorerSamples';

/** Creates Swagger UI's component `operation`. */
export function createOperationView(React: React, api: ApiDocument): Component {
  const h = React.createElement;
  const Dom = createDomComponent(React);

  const Response = ({ response }: { readonly response: ImmutableMap }) => {
    const text = JSON.stringify(response.toJS()); // Swagger UI makes a new map for each rendering
    const node = React.useMemo(() => renderResponse(response), [text]);
    return h(Dom, { node });
  };

  /** Its content takes long to render, so it waits until somebody opens it. */
  const Documented = ({ content }: { readonly content: () => object }) => {
    const [opened, setOpened] = React.useState(false);
    const onToggle = (event: { readonly currentTarget: HTMLDetailsElement }) => setOpened(event.currentTarget.open);
    const summary = h('summary', {}, 'Documented responses');
    return h('details', { className: 'fold', onToggle }, summary, opened ? content() : null);
  };

  return (properties: OperationProperties) => {
    const { operation, response, specPath, specSelectors, getComponent, onExecute } = properties;
    const [path, method] = [String(operation.get('path')), String(operation.get('method'))];
    const described = api.operations.find((one) => one.path === path && one.method === method);
    const op = operation.get('op') as ImmutableMap;
    if (described === undefined || op.size === 0) return h('p', { className: 'hint' }, 'Loading…');
    const errors = specSelectors.validationErrors([path, method]);
    const common = { ...properties, path, method, operation: op };
    const editor = {
      ...common,
      parameters: op.get('parameters'),
      specPath: specPath.push('parameters'),
      onChangeKey: [path, method],
      pathMethod: [path, method],
      tryItOutEnabled: true,
      allowTryItOut: true,
    };
    const documented = {
      ...common,
      responses: op.get('responses'),
      tryItOutResponse: null,
      specPath: specPath.push('responses'),
    };
    return h(
      'article',
      { className: 'operation' },
      h(Heading, { React, described }),
      h(getComponent('parameters', true), editor),
      errors.length === 0 ? null : h('ul', { className: 'issue', role: 'alert' }, ...errors.map((e) => h('li', {}, e))),
      h(
        'div',
        { className: 'buttons' },
        h(getComponent('execute'), { ...common, onExecute, disabled: isBusy(operation) }),
      ),
      response !== undefined && response !== null && response.size > 0 ? h(Response, { response }) : null,
      h(getComponent(SAMPLES, true), { described, parameters: op.get('parameters') }),
      h(Documented, { key: described.id, content: () => h(getComponent('responses', true), documented) }),
    );
  };
}

/** The title of an operation, which has the focus when it is shown, and what the document says about it. */
function Heading({ React, described }: { readonly React: React; readonly described: ApiOperation }): object {
  const h = React.createElement;
  const { id, path, method, family, summary, description, effect, roles, headers } = described;
  const title = React.useRef<HTMLElement | null>(null);
  React.useEffect(() => {
    if (title.current !== null) focusOn(title.current);
    return undefined;
  }, [id]);
  const names = headers.map(({ name, required }) => {
    const mark = required ? h('span', { className: 'required' }, ' required') : null;
    return h('span', { key: name, className: 'sent' }, h('code', {}, name), mark);
  });
  const fact = (name: string, ...value: readonly unknown[]) => h('div', {}, h('dt', {}, name), h('dd', {}, ...value));
  return h(
    'header',
    { className: 'tool-head' },
    h('h2', { className: 'family' }, family),
    h('h3', { className: 'tool-name', ref: title }, method.toUpperCase(), ' ', path),
    h('p', { className: 'title' }, summary),
    h('p', {}, description),
    h(
      'dl',
      { className: 'facts' },
      effect === undefined ? null : fact('Effect', h('span', { className: `badge ${effect}` }, effect)),
      fact('Roles', roles === undefined ? 'any' : roles.join(', ')),
      fact('Tool', h('code', {}, `crm_${id}`)),
      fact('Headers', ...names),
    ),
  );
}

function isBusy(operation: ImmutableMap): boolean {
  return operation.get('executeInProgress') === true;
}
