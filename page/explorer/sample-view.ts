/** Shows the request of an operation, as it would be sent now, as code in the language that was chosen last. */
import { copyButton } from '../src/clipboard.js';
import { el } from '../src/dom.js';
import { textBlock } from '../src/json-view.js';
import { segmented } from '../src/segmented.js';
import { type ApiOperation, REST_PATH } from './api-document.js';
import { createDomComponent } from './operation-view.js';
import { LANGUAGES, type Language, type RequestDraft } from './samples.js';
import type { SharedHeaders } from './shared-headers.js';
import type { Component, ImmutableList, Oas3Selectors, React, SpecSelectors } from './swagger.js';

interface SampleProperties {
  readonly described: ApiOperation;
  readonly parameters: ImmutableList;
  readonly specSelectors: SpecSelectors;
  readonly oas3Selectors: Oas3Selectors;
}

interface SampleView {
  readonly node: HTMLElement;
  show(draft: RequestDraft): void;
}

/** Stays when another operation is shown. */
let chosen: Language = 'curl';

/** Creates the component, which Swagger UI renders again after every change of its state. */
export function createSamples(React: React, shared: SharedHeaders): Component {
  const Dom = createDomComponent(React);
  return (properties: SampleProperties) => {
    React.useSyncExternalStore(shared.subscribe, shared.version);
    const view = React.useMemo(createSampleView, []);
    const text = JSON.stringify(draftOf(properties, shared));
    React.useEffect(() => {
      view.show(JSON.parse(text) as RequestDraft);
      return undefined;
    }, [view, text]);
    return React.createElement(Dom, { node: view.node });
  };
}

function draftOf(
  { described, parameters, specSelectors, oas3Selectors }: SampleProperties,
  shared: SharedHeaders,
): RequestDraft {
  const { path, method } = described;
  const body = oas3Selectors.requestBodyValue(path, method);
  const perCall = parameters.toArray().flatMap((parameter) => {
    const value = specSelectors.parameterWithMetaByIdentity([path, method], parameter).get('value');
    return typeof value === 'string' ? [{ name: String(parameter.get('name')), value, secret: false }] : [];
  });
  const type = { name: 'content-type', value: 'application/json', secret: false };
  return {
    method: method.toUpperCase(),
    url: location.origin + REST_PATH + path,
    headers: [...shared.sentWith(described), ...perCall, ...(typeof body === 'string' ? [type] : [])],
    body: typeof body === 'string' ? body : undefined,
  };
}

/** A view without a request. */
function createSampleView(): SampleView {
  let shown: RequestDraft | undefined;
  const code = el('div', {});
  const textOf = () => {
    const language = LANGUAGES.find(({ value }) => value === chosen) ?? LANGUAGES[0];
    return shown === undefined ? '' : language.render(shown);
  };
  const update = () => code.replaceChildren(textBlock(textOf(), 'Code sample'));
  const choice = segmented('Language', LANGUAGES, (language) => {
    chosen = language;
    update();
  });
  choice.select(chosen);
  const bar = el('div', { class: 'bar' }, choice.node, copyButton('Copy', textOf));
  const heading = el('h4', { class: 'subhead' }, 'Code');
  return {
    node: el('section', { class: 'samples', 'aria-label': 'Code samples' }, heading, bar, code),
    show: (draft) => {
      shown = draft;
      update();
    },
  };
}
