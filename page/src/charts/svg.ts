/** Creates SVG elements, and keeps a drawing as wide as the place that it is in. */

type Attributes = { readonly [name: string]: string | number };

/** Creates an SVG element. Strings become text nodes. */
export function svg(name: string, attributes: Attributes = {}, ...children: readonly (Node | string)[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

const FIRST_WIDTH = 560;
const LEAST_WIDTH = 220;

/** A drawing that is made again when its width changes, so that its text keeps its size. It is an image to readers. */
export function drawing(label: string, height: number, draw: (width: number) => readonly Node[]): SVGElement {
  const node = svg('svg', { class: 'drawing', role: 'img', 'aria-label': label, height });
  let drawn = 0;
  const drawAt = (width: number) => {
    const whole = Math.max(LEAST_WIDTH, Math.floor(width));
    if (whole === drawn) return;
    drawn = whole;
    node.setAttribute('viewBox', `0 0 ${whole} ${height}`);
    node.replaceChildren(...draw(whole));
  };
  drawAt(FIRST_WIDTH);
  new ResizeObserver(([entry]) => {
    if (entry !== undefined && entry.contentRect.width > 0) drawAt(entry.contentRect.width);
  }).observe(node);
  return node;
}
