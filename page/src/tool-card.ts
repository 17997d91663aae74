/** A tool's card: description, effect, roles, schemas and examples. workbench.ts calls the tool. */
import { CALL_OPERATION, type Entry } from './catalogue.js';
import { copyButton } from './clipboard.js';
import { el } from './dom.js';
import { jsonBlock } from './json-view.js';
import { wordNotes } from './plain-words.js';
import { schemaTable } from './schema-table.js';

const EFFECTS: { readonly [effect: string]: string } = {
  read: 'changes nothing',
  append: 'adds a record',
  revise: 'changes a record',
  destroy: 'removes value or cannot be undone',
};

/** The head of a tool's card, and its heading, which can receive the focus. */
export function toolHead(entry: Entry): { readonly node: HTMLElement; readonly heading: HTMLElement } {
  const heading = el('h3', { class: 'tool-name' }, entry.name);
  const link = copyButton('Copy link', () => `${location.href.split('#')[0]}#${entry.name}`);
  const facts = el('dl', { class: 'facts' });
  if (entry.effect !== undefined) {
    const badge = el('span', { class: `badge ${entry.effect}` }, entry.effect);
    facts.append(el('div', {}, el('dt', {}, 'Effect'), el('dd', {}, badge, ` ${EFFECTS[entry.effect] ?? ''}`)));
  }
  if (entry.roles !== undefined)
    facts.append(el('div', {}, el('dt', {}, 'Roles'), el('dd', {}, rolesText(entry.roles))));
  const node = el(
    'div',
    { class: 'tool-head' },
    el('div', { class: 'bar' }, heading, link),
    el('p', { class: 'title' }, entry.title ?? ''),
    el('p', {}, entry.description ?? ''),
    ...wordNotes(`${entry.title} ${entry.description}`),
    facts,
  );
  if (entry.listed === false) {
    const text = 'The server does not list this tool for you, so it should reject the call.';
    node.append(el('p', { class: 'warning' }, text));
  }
  if (entry.through) {
    const text = `This server runs in lean mode. The console calls this operation through ${CALL_OPERATION}.`;
    node.append(el('p', { class: 'hint' }, text));
  }
  return { node, heading };
}

function rolesText(roles: readonly string[]): string {
  return roles.length === 0 ? 'any authenticated caller' : `owner, ${roles.join(', ')}`;
}

/** Collapsible sections with the schemas and examples. Each is filled when it is first opened. */
export function toolReference(entry: Entry): HTMLElement {
  const folds = [
    fold('Arguments', () => [
      schemaTable(entry.inputSchema, `Arguments of ${entry.name}`),
      rawFold(entry.inputSchema, 'Input schema'),
    ]),
  ];
  const { outputSchema, examples = [] } = entry;
  if (outputSchema !== undefined) {
    folds.push(
      fold('Result', () => [
        schemaTable(outputSchema, `Result of ${entry.name}`),
        rawFold(outputSchema, 'Output schema'),
      ]),
    );
  }
  if (examples.length > 0) {
    folds.push(
      fold('Examples', () =>
        examples.map(({ name, value }) => {
          const text = () => JSON.stringify(value, undefined, 2);
          const bar = el('div', { class: 'bar' }, el('p', {}, name), copyButton('Copy', text));
          return el('div', {}, bar, jsonBlock(value, `Example ${name}`));
        }),
      ),
    );
  }
  return el('div', { class: 'reference' }, ...folds);
}

function rawFold(schema: object, label: string): HTMLElement {
  return fold(`${label} as JSON`, () => [jsonBlock(schema, label)]);
}

function fold(title: string, fill: () => readonly Node[]): HTMLDetailsElement {
  const node = el('details', { class: 'fold' }, el('summary', {}, title));
  node.addEventListener('toggle', () => node.append(...fill()), { once: true });
  return node;
}
