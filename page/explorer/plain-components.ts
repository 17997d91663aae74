/** Small components in the place of Swagger UI's: they parse no HTML, and they can be reached and read by everybody. */
import { jsonBlock, textBlock } from '../src/json-view.js';
import { createDomComponent } from './operation-view.js';
import type { Component, React } from './swagger.js';

const MIN_ROWS = 5;
const MAX_ROWS = 24;

interface TextAreaProperties {
  readonly value?: string;
  readonly className?: string;
  readonly title?: string;
  readonly onChange?: (event: object) => void;
}

/** Creates the components by the names that Swagger UI has for them. */
export function createPlainComponents(React: React): { readonly [name: string]: Component } {
  const h = React.createElement;
  const Dom = createDomComponent(React);
  return {
    /** Descriptions are plain text. */
    Markdown: ({ source }: { readonly source?: string }) => h('p', {}, source),
    HighlightCode: ({ children }: { readonly children?: string }) => {
      const text = String(children ?? '');
      const node = React.useMemo(() => exampleBlock(text), [text]);
      return h(Dom, { node });
    },
    TextArea: ({ value = '', className, title, onChange }: TextAreaProperties) => {
      const rows = Math.min(MAX_ROWS, Math.max(MIN_ROWS, value.split('\n').length + 1));
      return h('textarea', {
        className,
        title,
        value,
        onChange,
        rows,
        spellCheck: false,
        'aria-label': 'Request body',
      });
    },
    /** Every operation can be tried at once. */
    TryItOutButton: () => null,
  };
}

/** Creates a component with a visible label around a select element. */
export function labelled(React: React, label: string, original: Component): Component {
  const h = React.createElement;
  return (properties: object) =>
    h('label', { className: 'labelled' }, h('span', {}, label), h(original, { ...properties, showLabels: false }));
}

/** A group, not a landmark: there are many of them. */
function exampleBlock(text: string): HTMLElement {
  const block = blockOf(text);
  block.setAttribute('role', 'group');
  return block;
}

function blockOf(text: string): HTMLElement {
  try {
    return jsonBlock(JSON.parse(text), 'Example');
  } catch {
    return textBlock(text, 'Example');
  }
}
