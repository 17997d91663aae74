/** Building and finding elements. Text goes in as text, always: nothing here, or anywhere in the page, reads HTML. */

type Attributes = { readonly [name: string]: string | boolean };
type Child = Node | string;

/** An element with attributes (`true`: without a value, `false`: not at all) and children, strings as text. */
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

/** The element of the template with this id. @throws Error when the template has none of that kind. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`the page has no #${id}`);
}

/** A button that does something here. */
export function button(text: string, onClick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  const element = el('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', onClick);
  return element;
}

let lastId = 0;

/** An id for an element that another one points at. */
export function freshId(): string {
  lastId += 1;
  return `g${lastId}`;
}

/** Moves focus to something that is no control, such as a heading. */
export function focusOn(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus();
}
