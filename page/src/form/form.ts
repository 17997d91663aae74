/** A tool form: fields generated from its schema, or JSON. Shows the issues of an error on its controls. */
import type { Issue } from '../../../src/contract/errors.js';
import type { JsonSchema } from '../../../src/contract/operation.js';
import { el } from '../dom.js';
import { sentenceOf } from '../outcome.js';
import { segmented } from '../segmented.js';
import { type FormContext, type IssueTarget, Unreadable } from './field.js';
import { fieldsOf } from './group.js';
import { rawField } from './raw.js';

export type Arguments = { readonly [name: string]: unknown };

export interface Form {
  readonly node: HTMLElement;
  /** The current arguments. Undefined when a field has no valid value; the form then shows the issue and focuses it. */
  read(): Arguments | undefined;
  write(args: unknown): void;
  /** Shows issues on their controls and returns the issues that have one. */
  showIssues(issues: readonly Issue[]): ReadonlyMap<Issue, IssueTarget>;
}

/** An empty form for a tool's input schema. */
export function createForm(schema: JsonSchema, context: FormContext): Form {
  const fields = fieldsOf(schema, context);
  const raw = rawField({ name: 'Arguments', schema: {}, required: false });
  let asJson = false;
  const read = (): unknown => (asJson ? raw.read() : fields.read()) ?? {};
  const show = (json: boolean) => {
    asJson = json;
    fields.node.hidden = json;
    raw.node.hidden = !json;
    mode.select(json ? 'json' : 'form');
  };
  const fits = (args: unknown): boolean => {
    fields.write(args);
    return same(fields.read() ?? {}, args);
  };
  const switchTo = (json: boolean) => {
    const args = attempt(read);
    if (args === undefined) return show(asJson);
    raw.write(args);
    const lost = !json && !fits(args);
    show(json || lost);
    if (lost) raw.locate([])?.showIssue('The form cannot show all of these arguments. Edit them as JSON.');
  };
  const mode = segmented('How to fill in the arguments', MODES, (value) => switchTo(value === 'json'));
  const form: Form = {
    node: el('div', { class: 'tool-form' }),
    read: () => attempt(read) as Arguments | undefined,
    write: (args) => {
      raw.write(args);
      show(!fits(args) || asJson);
    },
    showIssues: (issues) => {
      const targetOf = ({ path }: Issue) => (path === '' ? undefined : fields.locate(path.split('.')));
      const targets = issues.map((issue) => [issue, asJson ? raw.locate([]) : targetOf(issue)] as const);
      const found = targets.filter((pair): pair is [Issue, IssueTarget] => pair[1] !== undefined);
      for (const [, target] of found) target.clearIssue();
      for (const [issue, target] of found)
        target.showIssue(asJson ? `${issue.path} ${sentenceOf(issue)}` : sentenceOf(issue));
      return new Map(found);
    },
  };
  const empty = Object.keys((schema.properties ?? {}) as object).length === 0;
  const nothing = el('p', { class: 'hint' }, 'This tool takes no arguments.');
  form.node.append(empty ? nothing : mode.node, fields.node, raw.node);
  show(false);
  return form;
}

const MODES = [
  { value: 'form', label: 'Form' },
  { value: 'json', label: 'JSON' },
] as const;

/** Whether two JSON values are equal, in any key order. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const [left, right] = [a, b] as readonly Arguments[];
  const names = Object.keys(left ?? {});
  return (
    Array.isArray(a) === Array.isArray(b) &&
    names.length === Object.keys(right ?? {}).length &&
    names.every((name) => same(left?.[name], right?.[name]))
  );
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    error.target.focus();
    return undefined;
  }
}
