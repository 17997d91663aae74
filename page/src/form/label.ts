/** Wraps a control with its label, required marker, hint and issue text. */
import type { JsonSchema } from '../../../src/contract/operation.js';
import { el, freshId } from '../dom.js';
import type { IssueTarget, Spec } from './field.js';

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

export interface Labelled {
  readonly node: HTMLElement;
  readonly target: IssueTarget;
  /** The area for buttons beside the name. */
  readonly aside: HTMLElement;
}

/** A control with its label, hint and issue text, connected by ARIA attributes. */
export function labelled({ name, schema, required }: Spec, control: Control, extra: readonly Node[] = []): Labelled {
  const [id, hintId, issueId] = [freshId(), freshId(), freshId()];
  const hint = hintOf(schema);
  control.id = id;
  control.setAttribute('aria-describedby', hint === '' ? issueId : `${hintId} ${issueId}`);
  if (required) control.setAttribute('aria-required', 'true');
  const issue = el('p', { class: 'issue', id: issueId, hidden: true });
  const aside = el('span', { class: 'aside' });
  const head = el('div', { class: 'field-head' }, el('label', { for: id }, name), ...requiredMark(required), aside);
  const hints = hint === '' ? [] : [el('p', { class: 'hint', id: hintId }, hint)];
  const node = el('div', { class: 'field' }, head, control, ...extra, ...hints, issue);
  return { node, aside, target: targetOf(name, control, issue) };
}

/** The marker of a required field. */
export function requiredMark(required: boolean): readonly Node[] {
  return required ? [el('span', { class: 'required' }, 'required')] : [];
}

function targetOf(name: string, control: Control, issue: HTMLElement): IssueTarget {
  const target: IssueTarget = {
    name,
    showIssue: (message) => {
      issue.textContent = issue.hidden ? message : `${issue.textContent} ${message}`;
      issue.hidden = false;
      control.setAttribute('aria-invalid', 'true');
      reveal(control);
    },
    clearIssue: () => {
      issue.hidden = true;
      issue.textContent = '';
      control.removeAttribute('aria-invalid');
    },
    focus: () => {
      reveal(control);
      control.focus();
    },
  };
  control.addEventListener('input', target.clearIssue);
  return target;
}

/** Opens the sections that contain a control. */
function reveal(control: HTMLElement): void {
  for (let fold = control.closest('details'); fold !== null; fold = fold.parentElement?.closest('details') ?? null) {
    fold.open = true;
  }
}

/** The description and limits of a schema, in one line. */
export function hintOf(schema: JsonSchema): string {
  const { description, minimum, exclusiveMinimum, maximum, format, examples } = schema;
  const [example] = Array.isArray(examples) ? examples : [];
  const parts = [
    description,
    minimum === undefined ? undefined : `at least ${minimum}`,
    exclusiveMinimum === undefined ? undefined : `more than ${exclusiveMinimum}`,
    maximum === undefined ? undefined : `at most ${maximum}`,
    format === undefined ? undefined : `format ${format}`,
    schema.default === undefined ? undefined : `default ${JSON.stringify(schema.default)}`,
    example === undefined ? undefined : `such as ${typeof example === 'string' ? example : JSON.stringify(example)}`,
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}
