/** The form of a tool: fields by its schema, or its arguments as JSON; and where issues of an answer land. */
import type { Issue } from '../../../src/contract/errors.js';
import type { JsonSchema } from '../../../src/contract/operation.js';
import { el } from '../dom.js';
import { sentenceOf } from '../outcome.js';
import { segmented } from '../segmented.js';
import { type FormContext, type Spot, Unreadable } from './field.js';
import { fieldsOf } from './group.js';
import { rawField } from './raw.js';

export type Arguments = { readonly [name: string]: unknown };

export interface Form {
  readonly node: HTMLElement;
  /** The arguments as they stand. Undefined when something in it is no value: the form says so, and goes there. */
  read(): Arguments | undefined;
  write(args: unknown): void;
  /** Tells controls what is wrong; answers the issues that have a control, each with it. */
  complain(issues: readonly Issue[]): ReadonlyMap<Issue, Spot>;
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
    mode.choose(json ? 'json' : 'form');
  };
  const holds = (args: unknown): boolean => {
    fields.write(args);
    return same(fields.read() ?? {}, args);
  };
  const change = (json: boolean) => {
    const args = attempt(read);
    if (args === undefined) return show(asJson);
    raw.write(args);
    const lost = !json && !holds(args);
    show(json || lost);
    if (lost) raw.locate([])?.complain('The fields have no place for some of this.');
  };
  const mode = segmented('How to fill in the arguments', MODES, (value) => change(value === 'json'));
  const form: Form = {
    node: el('div', { class: 'tool-form' }),
    read: () => attempt(read) as Arguments | undefined,
    write: (args) => {
      raw.write(args);
      show(!holds(args) || asJson);
    },
    complain: (issues) => {
      const spotOf = ({ path }: Issue) => (path === '' ? undefined : fields.locate(path.split('.')));
      const spots = issues.map((issue) => [issue, asJson ? raw.locate([]) : spotOf(issue)] as const);
      const found = spots.filter((pair): pair is [Issue, Spot] => pair[1] !== undefined);
      for (const [, spot] of found) spot.settle();
      for (const [issue, spot] of found)
        spot.complain(asJson ? `${issue.path} ${sentenceOf(issue)}` : sentenceOf(issue));
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

/** Whether two values of JSON are the same, whatever the order of their names. */
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
    error.spot.focus();
    return undefined;
  }
}
