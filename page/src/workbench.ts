/** The workbench of the selected tool: its card, its form, the call and its outcome. */
import { callOf, callTool, withToken } from './call.js';
import { CONFIRM_TOKEN, type Entry, isPaged, NEXT_TOKEN, needsConfirmation, type Toolbox } from './catalogue.js';
import { confirmCall } from './confirm.js';
import { curlOf } from './curl.js';
import { button, byId, el, focusOn } from './dom.js';
import { fillExample } from './example.js';
import type { FormContext } from './form/field.js';
import { createForm, type Form } from './form/form.js';
import type { PreviousCall } from './history-list.js';
import type { KnownIds } from './known-ids.js';
import { lookUpFor } from './lookup.js';
import { type Endpoint, RequestError } from './mcp.js';
import { failureOutcome, type Outcome } from './outcome.js';
import { announcementOf, type PaneContext, resultPane } from './result-pane.js';
import { toolHead, toolReference } from './tool-card.js';

export interface WorkbenchContext {
  readonly toolbox: Toolbox;
  readonly known: KnownIds;
  /** The connected server; undefined while disconnected. */
  endpoint(): Endpoint | undefined;
  onCalled(call: PreviousCall): void;
  onCredentials(): void;
}

export interface Workbench {
  /** Shows a tool. Its form keeps its values if the same tool was already shown. */
  open(entry: Entry, focus: boolean): void;
  /** Shows an earlier call with its arguments and outcome. */
  reopen(call: PreviousCall): void;
}

/** Mounts the workbench with no tool selected. */
export function mountWorkbench(context: WorkbenchContext): Workbench {
  const stage = byId('stage', HTMLElement);
  let last: { readonly name: string; readonly bench: Bench } | undefined;
  const open = (entry: Entry, focus: boolean) => {
    const { node, heading } = toolHead(entry);
    const bench = createBench(entry, context);
    if (last?.name === entry.name) bench.copyFrom(last.bench);
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

/** The form of one tool, its buttons and the outcome of its last call. */
export interface Bench {
  readonly node: HTMLElement;
  readonly form: Form;
  /** Copies the form values of another bench of the same tool. */
  copyFrom(other: Bench): void;
  replay(args: object, outcome: Outcome): void;
}

/** Where a bench stands alone, the button says what the tool does, and there are no examples. */
export function createBench(entry: Entry, context: WorkbenchContext, alone = false): Bench {
  const form = createForm(visibleSchemaOf(entry), formContext(context));
  const { node, send, cancel, output } = frameOf(entry, form, context, { alone, onCancel: () => running?.abort() });
  let running: AbortController | undefined;

  /** Sends exactly these arguments, with the confirmation token if there is one. */
  async function sendCall(args: object, token?: string): Promise<void> {
    const endpoint = context.endpoint();
    if (endpoint === undefined) return context.onCredentials();
    if (running !== undefined) return;
    running = new AbortController();
    setBusy(true, send, cancel, output);
    const sent = token === undefined ? args : withToken(entry, args, token);
    const outcome = await attempt(endpoint, entry, sent, running.signal);
    setBusy(false, send, cancel, output);
    running = undefined;
    if (outcome.kind === 'success') context.known.learn(outcome.value);
    show(outcome, args);
    context.onCalled({ tool: entry.name, args, outcome });
  }

  async function run(): Promise<void> {
    if (context.endpoint() === undefined) return context.onCredentials();
    const args = form.read();
    if (args === undefined || (needsConfirmation(entry) && !(await confirmCall(entry.name, args)))) return;
    await sendCall(args);
  }

  function show(outcome: Outcome, args: object): void {
    const targets = form.showIssues(outcome.issues);
    const pane = resultPane(outcome, { ...actionsFor(outcome, args), targets, onCredentials: context.onCredentials });
    output.replaceChildren(pane);
    byId('announcer', HTMLElement).textContent = announcementOf(outcome);
    output.scrollIntoView({ block: 'nearest' });
  }

  function actionsFor({ confirmation, value }: Outcome, args: object): PaneContext {
    const endpoint = context.endpoint();
    const revision = currentRevisionIn(value);
    const next = isPaged(entry) ? nextTokenIn(value) : undefined;
    const loadPage = (nextArgs: object) => {
      form.write(nextArgs);
      void sendCall(nextArgs);
    };
    return {
      ...(endpoint === undefined ? {} : { curl: () => curlOf(endpoint, callOf(entry, args)) }),
      ...(confirmation === undefined ? {} : { onConfirm: () => void sendCall(args, confirmation.token) }),
      ...(revision === undefined
        ? {}
        : { onRevision: { revision, use: () => form.write({ ...args, expected_revision: revision }) } }),
      ...(next === undefined ? {} : { onNextPage: () => loadPage({ ...args, [NEXT_TOKEN]: next }) }),
    };
  }

  node.addEventListener('submit', (event) => {
    event.preventDefault();
    if (running === undefined) void run();
  });
  return {
    node,
    form,
    copyFrom: (other) => form.write(other.form.read() ?? {}),
    replay: (args, outcome) => {
      form.write(args);
      show(outcome, args);
    },
  };
}

/** The elements of a bench, around its form. */
function frameOf(
  entry: Entry,
  form: Form,
  context: WorkbenchContext,
  { alone, onCancel }: { readonly alone: boolean; readonly onCancel: () => void },
) {
  const output = el('div', { class: 'output' });
  const send = el(
    'button',
    { type: 'submit', class: 'primary' },
    alone ? (entry.title ?? entry.name) : `Call ${entry.name}`,
  );
  const cancel = button('Cancel', onCancel, { hidden: true });
  const examples = alone ? [] : [exampleBar(entry, form, context)];
  const node = el('form', { class: 'bench', novalidate: true }, ...examples, form.node);
  node.append(el('div', { class: 'buttons' }, send, cancel), output);
  return { node, send, cancel, output };
}

function setBusy(busy: boolean, send: HTMLElement, cancel: HTMLElement, output: HTMLElement): void {
  send.setAttribute('aria-disabled', String(busy));
  cancel.hidden = !busy;
  output.setAttribute('aria-busy', String(busy));
}

async function attempt(endpoint: Endpoint, entry: Entry, args: object, signal: AbortSignal): Promise<Outcome> {
  try {
    return await callTool(endpoint, entry, args, signal);
  } catch (error) {
    if (error instanceof RequestError) return failureOutcome(error.message, error.ms, error.status);
    throw error;
  }
}

/** The input schema without the confirmation token, which the page adds itself. */
function visibleSchemaOf({ inputSchema }: Entry): Entry['inputSchema'] {
  const { [CONFIRM_TOKEN]: _token, ...properties } = (inputSchema.properties ?? {}) as Readonly<Record<string, object>>;
  return { ...inputSchema, properties };
}

/** The revision of the record that an error returned because it had changed. */
function currentRevisionIn(error: unknown): number | undefined {
  const { conflict_snapshot } = (error ?? {}) as { readonly conflict_snapshot?: { readonly revision?: unknown } };
  const revision = conflict_snapshot?.revision;
  return typeof revision === 'number' ? revision : undefined;
}

function nextTokenIn(result: unknown): string | undefined {
  const { data } = (result ?? {}) as { readonly data?: { readonly next_token?: unknown } | null };
  const token = data?.next_token;
  return typeof token === 'string' && token !== '' ? token : undefined;
}

function formContext({ toolbox, known, endpoint }: WorkbenchContext): FormContext {
  return {
    suggest: (name) => known.of(name),
    lookUp: (name) => lookUpFor(name, toolbox, endpoint, known),
  };
}

/** Buttons that fill the form with the contract's examples. */
function exampleBar({ examples = [] }: Entry, form: Form, { known }: WorkbenchContext): HTMLElement {
  const note = el('p', { class: 'hint', role: 'status' });
  const buttons = examples.map(({ name, value }) =>
    button(`Example: ${name}`, () => {
      const filled = fillExample(value, known);
      form.write(filled.value);
      note.textContent =
        filled.missing.length === 0
          ? 'Example filled in.'
          : `Example filled in. Still needed: ${filled.missing.join(', ')}.`;
    }),
  );
  return el('div', { class: 'examples' }, el('div', { class: 'buttons' }, ...buttons), note);
}
