/** Creates and finds elements. Strings always become text nodes; no code of the page parses HTML. */

type Attributes = { readonly [name: string]: string | boolean };
type Child = Node | string;

/** Creates an element with attributes (`true`: empty value, `false`: omitted) and children. Strings become text. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/** Finds an element of the template by id. @throws Error when it is missing or of another kind. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no #${id}`);
}

/** Creates a button with a click handler. */
export function button(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const element = el('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', onClick);
  return element;
}

let lastId = 0;

/** A unique id for an element that another element refers to. */
export function freshId(): string {
  lastId += 1;
  return `g${lastId}`;
}

/** Moves the focus to an element that is not a control, such as a heading. */
export function focusOn(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus();
}
