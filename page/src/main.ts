/** Puts the page together: reads the catalogue it was made with, and connects its parts. */
import { type Catalogue, createToolbox, type Offer } from './catalogue.js';
import { mountClients } from './clients.js';
import { mountConfirm } from './confirm.js';
import { type Connected, connect, mountConnectionForm, NotConnected } from './connection.js';
import { byId } from './dom.js';
import { nameToolInAddress, takeDemoAccess, toolInAddress } from './fragment.js';
import { mountHistory } from './history-list.js';
import { createKnownIds } from './known-ids.js';
import { Fault } from './mcp.js';
import { faultOutcome } from './outcome.js';
import { resultPane, spoken } from './result-pane.js';
import { mountTheme } from './theme.js';
import { mountToolList } from './tool-list.js';
import { mountWorkbench } from './workbench.js';

const FIRST_TOOL = 'crm_loyalty_earn';

const demo = takeDemoAccess(); // first of all: keys leave the address before anything else can look at it
const catalogue = JSON.parse(byId('catalogue', HTMLScriptElement).text) as Catalogue;
const toolbox = createToolbox(catalogue);
const known = createKnownIds();
let connected: Connected | undefined;
let chosen = '';

const connectionForm = mountConnectionForm(demo);
const showClients = mountClients(() => {
  const { url, headers } = connectionForm.endpoint();
  return {
    url,
    orgcode: headers['x-orgcode'] ?? '',
    logicalGuid: headers['x-logical-guid'] ?? '',
    channelCode: headers['x-channel-code'] ?? '',
  };
});
const addToHistory = mountHistory((past) => {
  mark(past.tool);
  nameToolInAddress(past.tool);
  workbench.reopen(past);
});
const workbench = mountWorkbench({
  toolbox,
  known,
  endpoint: () => connected?.endpoint,
  onCalled: addToHistory,
  onCredentials: () => askForCredentials(connected === undefined ? 'Connect first.' : ''),
});
const list = mountToolList(toolbox, (name) => choose(name, true));
mountTheme();
mountConfirm();
mountConnection();
choose(toolbox.find(toolInAddress()) === undefined ? FIRST_TOOL : toolInAddress(), false);
window.addEventListener('hashchange', () => {
  if (toolbox.find(toolInAddress()) !== undefined) choose(toolInAddress(), true);
});

/** Shows a tool; `wanted` when a person asked for it, who is taken there. */
function choose(name: string, wanted: boolean): void {
  const entry = toolbox.find(name);
  if (entry === undefined) return;
  mark(name);
  workbench.open(entry, wanted);
  if (wanted) nameToolInAddress(name);
}

function mark(name: string): void {
  chosen = name;
  list.mark(name);
}

function mountConnection(): void {
  const form = byId('connection-form', HTMLFormElement);
  connectionForm.onChange(() => {
    showClients();
    if (connected !== undefined) disconnect();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void tryToConnect();
  });
  byId('change', HTMLButtonElement).addEventListener('click', () => askForCredentials(''));
}

/** Nothing is called with other credentials than those that are seen. */
function disconnect(): void {
  connected = undefined;
  showTools();
  say('Not connected any more: connect with what the form says now.');
}

async function tryToConnect(): Promise<void> {
  const output = byId('connection-output', HTMLElement);
  say('Connecting …');
  try {
    connected = await connect(connectionForm.endpoint());
  } catch (error) {
    connected = undefined;
    const outcome = outcomeOfFailure(error);
    output.replaceChildren(resultPane(outcome));
    say(spoken(outcome));
    showTools();
    return;
  }
  output.replaceChildren();
  const { offer, caller, endpoint } = connected;
  const text = [`Connected to ${endpoint.url}`, caller, offerText(offer)].filter(Boolean).join(' · ');
  byId('connected-text', HTMLElement).textContent = text;
  say(text);
  showTools();
  showConnectionForm(false);
  byId('change', HTMLButtonElement).focus();
}

function offerText({ tools, operations }: Offer): string {
  const behind = operations.length === 0 ? '' : ` that reach ${operations.length} operations`;
  return `${tools.length} tools${behind}`;
}

function outcomeOfFailure(error: unknown) {
  if (error instanceof NotConnected) return error.outcome;
  if (error instanceof Fault) return faultOutcome(error.message, error.ms, error.status);
  throw error;
}

function showTools(): void {
  toolbox.listen(connected?.offer);
  list.refresh();
  choose(chosen, false);
}

function askForCredentials(reason: string): void {
  showConnectionForm(true);
  if (reason !== '') say(reason);
  byId(demo === undefined ? 'orgcode' : 'demo-key', HTMLElement).focus();
}

function showConnectionForm(shown: boolean): void {
  byId('connection-form', HTMLFormElement).hidden = !shown;
  byId('connected', HTMLElement).hidden = shown;
}

function say(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
  byId('connection-status', HTMLElement).textContent = text;
}
