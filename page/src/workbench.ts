/** The tool that is chosen: its card, its form, calling it, and what came of it. */
import { callOf, callTool, confirmed } from './call.js';
import { CONFIRM_TOKEN, type Entry, NEXT_TOKEN, shouldAsk, type Toolbox, takesPages } from './catalogue.js';
import { confirmCall } from './confirm.js';
import { curlOf } from './curl.js';
import { button, byId, el, focusOn } from './dom.js';
import { fillExample } from './example.js';
import type { FormContext } from './form/field.js';
import { createForm, type Form } from './form/form.js';
import type { Past } from './history-list.js';
import type { KnownIds } from './known-ids.js';
import { lookUpFor } from './lookup.js';
import { type Endpoint, Fault } from './mcp.js';
import { faultOutcome, type Outcome } from './outcome.js';
import { type PaneContext, resultPane, spoken } from './result-pane.js';
import { toolHead, toolReference } from './tool-card.js';

export interface WorkbenchContext {
  readonly toolbox: Toolbox;
  readonly known: KnownIds;
  /** Who to call; undefined before there is a connection. */
  endpoint(): Endpoint | undefined;
  onCalled(past: Past): void;
  onCredentials(): void;
}

export interface Workbench {
  /** Shows a tool; its form is empty, or as it was when the same tool was shown just before. */
  open(entry: Entry, focus: boolean): void;
  /** Shows a call that was made before, and its outcome. */
  reopen(past: Past): void;
}

/** The workbench, with nothing chosen yet. */
export function mountWorkbench(context: WorkbenchContext): Workbench {
  const stage = byId('stage', HTMLElement);
  let last: { readonly name: string; readonly bench: Bench } | undefined;
  const open = (entry: Entry, focus: boolean) => {
    const { node, heading } = toolHead(entry);
    const bench = createBench(entry, context);
    if (last?.name === entry.name) bench.take(last.bench);
    last = { name: entry.name, bench };
    stage.replaceChildren(node, bench.node, toolReference(entry));
    if (focus) focusOn(heading);
    return bench;
  };
  return {
    open,
    reopen: ({ tool, args, outcome }) => {
      const entry = context.toolbox.find(tool);
      if (entry !== undefined) open(entry, true).replay(args, outcome);
    },
  };
}

interface Bench {
  readonly node: HTMLElement;
  readonly form: Form;
  /** Goes on with what another one of the same tool holds. */
  take(other: Bench): void;
  replay(args: object, outcome: Outcome): void;
}

function createBench(entry: Entry, context: WorkbenchContext): Bench {
  const form = createForm(askedOf(entry), formContext(context));
  const output = el('div', { class: 'output' });
  const send = el('button', { type: 'submit', class: 'primary' }, `Call ${entry.name}`);
  const cancel = button('Cancel', () => running?.abort(), { hidden: true });
  const node = el('form', { class: 'bench', novalidate: true }, exampleBar(entry, form, context), form.node);
  node.append(el('div', { class: 'buttons' }, send, cancel), output);
  let running: AbortController | undefined;

  /** Sends exactly these arguments, with somebody's yes to them if there is one. */
  async function perform(args: object, token?: string): Promise<void> {
    const endpoint = context.endpoint();
    if (endpoint === undefined) return context.onCredentials();
    if (running !== undefined) return;
    running = new AbortController();
    busy(true);
    const sent = token === undefined ? args : confirmed(entry, args, token);
    const outcome = await attempt(endpoint, entry, sent, running.signal);
    busy(false);
    running = undefined;
    if (outcome.kind === 'success') context.known.learn(outcome.value);
    show(outcome, args);
    context.onCalled({ tool: entry.name, args, outcome });
  }

  async function run(): Promise<void> {
    if (context.endpoint() === undefined) return context.onCredentials();
    const args = form.read();
    if (args === undefined || (shouldAsk(entry) && !(await confirmCall(entry.name, args)))) return;
    await perform(args);
  }

  function show(outcome: Outcome, args: object): void {
    const spots = form.complain(outcome.issues);
    const pane = resultPane(outcome, { ...actionsFor(outcome, args), spots, onCredentials: context.onCredentials });
    output.replaceChildren(pane);
    byId('announcer', HTMLElement).textContent = spoken(outcome);
    output.scrollIntoView({ block: 'nearest' });
  }

  function actionsFor({ question, value }: Outcome, args: object): PaneContext {
    const endpoint = context.endpoint();
    const next = takesPages(entry) ? nextTokenIn(value) : undefined;
    const goOn = (more: object) => {
      form.write(more);
      void perform(more);
    };
    return {
      ...(endpoint === undefined ? {} : { curl: () => curlOf(endpoint, callOf(entry, args)) }),
      ...(question === undefined ? {} : { onConfirm: () => void perform(args, question.token) }),
      ...(next === undefined ? {} : { onNextPage: () => goOn({ ...args, [NEXT_TOKEN]: next }) }),
    };
  }

  function busy(now: boolean): void {
    send.setAttribute('aria-disabled', String(now));
    cancel.hidden = !now;
    output.setAttribute('aria-busy', String(now));
  }

  node.addEventListener('submit', (event) => {
    event.preventDefault();
    if (running === undefined) void run();
  });
  return {
    node,
    form,
    take: (other) => form.write(other.form.read() ?? {}),
    replay: (args, outcome) => {
      form.write(args);
      show(outcome, args);
    },
  };
}

async function attempt(endpoint: Endpoint, entry: Entry, args: object, signal: AbortSignal): Promise<Outcome> {
  try {
    return await callTool(endpoint, entry, args, signal);
  } catch (error) {
    if (error instanceof Fault) return faultOutcome(error.message, error.ms, error.status);
    throw error;
  }
}

/** What a person fills in: a yes to a call is no argument of theirs, the page gives it when they say so. */
function askedOf({ inputSchema }: Entry): Entry['inputSchema'] {
  const { [CONFIRM_TOKEN]: _token, ...properties } = (inputSchema.properties ?? {}) as Readonly<Record<string, object>>;
  return { ...inputSchema, properties };
}

function nextTokenIn(answer: unknown): string | undefined {
  const { data } = (answer ?? {}) as { readonly data?: { readonly next_token?: unknown } | null };
  const token = data?.next_token;
  return typeof token === 'string' && token !== '' ? token : undefined;
}

function formContext({ toolbox, known, endpoint }: WorkbenchContext): FormContext {
  return {
    suggest: (name) => known.of(name),
    lookUp: (name) => lookUpFor(name, toolbox, endpoint, known),
  };
}

/** Buttons that fill the form from the contract's examples. */
function exampleBar({ examples = [] }: Entry, form: Form, { known }: WorkbenchContext): HTMLElement {
  const note = el('p', { class: 'hint', role: 'status' });
  const buttons = examples.map(({ name, value }) =>
    button(`Example: ${name}`, () => {
      const filled = fillExample(value, known);
      form.write(filled.value);
      note.textContent =
        filled.missing.length === 0
          ? 'Filled in.'
          : `Filled in, but for ${filled.missing.join(', ')}: give a real one.`;
    }),
  );
  return el('div', { class: 'examples' }, el('div', { class: 'buttons' }, ...buttons), note);
}
