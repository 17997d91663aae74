/** Entry point of the page: reads the embedded tool catalogue and wires the components together. */
import { type Catalogue, createToolbox, type ServerTools } from './catalogue.js';
import { mountClients } from './clients.js';
import { mountConfirm } from './confirm.js';
import { type Connected, connect, mountConnectionForm, NotConnected } from './connection.js';
import { byId, focusOn } from './dom.js';
import { takeDemoAccess } from './fragment.js';
import { mountHistory } from './history-list.js';
import { createKnownIds } from './known-ids.js';
import { RequestError } from './mcp.js';
import { failureOutcome } from './outcome.js';
import { mountRecordPages } from './pages/record-pages.js';
import { mountSlashKey } from './pages/search-box.js';
import { announcementOf, resultPane } from './result-pane.js';
import { type Route, routeInUrl, setToolInUrl } from './route.js';
import { mountSignIn, takeSignInAnswer } from './sign-in.js';
import { mountTheme } from './theme.js';
import { mountToolList } from './tool-list.js';
import { mountWorkbench, type WorkbenchContext } from './workbench.js';

const FIRST_TOOL = 'crm_loyalty_earn';
const PAGE_TITLE = document.title;

const demo = takeDemoAccess(); // runs first, so that no other code sees the keys in the URL
const signInAnswer = takeSignInAnswer(); // nor the code
const catalogue = JSON.parse(byId('catalogue', HTMLScriptElement).text) as Catalogue;
const toolbox = createToolbox(catalogue);
const known = createKnownIds();
let connected: Connected | undefined;
let selected = '';

const connectionForm = mountConnectionForm(demo);
const refreshSnippets = mountClients(() => {
  const { url, headers } = connectionForm.endpoint();
  return {
    url,
    orgcode: headers['x-orgcode'] ?? '',
    logicalGuid: headers['x-logical-guid'] ?? '',
    channelCode: headers['x-channel-code'] ?? '',
  };
});
const addToHistory = mountHistory((call) => {
  mark(call.tool);
  setToolInUrl(call.tool);
  workbench.reopen(call);
});
const context: WorkbenchContext = {
  toolbox,
  known,
  endpoint: () => connected?.endpoint,
  onCalled: addToHistory,
  onCredentials: () => askForCredentials(connected === undefined ? 'Connect first.' : ''),
};
const workbench = mountWorkbench(context);
const recordPages = mountRecordPages(context);
const list = mountToolList(toolbox, (name) => select(name, true));
mountTheme();
byId('explorer-link', HTMLElement).hidden = location.protocol === 'file:'; // only a server has one
mountConfirm();
mountConnection();
mountSignIn(signInAnswer, connectWithToken, announce);
mountSlashKey(['customer-search', 'search'].map((id) => byId(id, HTMLInputElement)));
select(FIRST_TOOL, false);
showRoute(routeInUrl() ?? { page: 'tools' }, false);
window.addEventListener('hashchange', () => {
  const route = routeInUrl();
  if (route !== undefined) showRoute(route, true);
});
// The skip link moves the focus alone, because the fragment names what is shown.
document.querySelector('.skip')?.addEventListener('click', (event) => {
  event.preventDefault();
  byId('main', HTMLElement).focus();
});

/** Shows what the URL names. With `focus`, also moves the focus to its heading. */
function showRoute(route: Route, focus: boolean): void {
  const onTools = route.page === 'tools';
  byId('tools-view', HTMLElement).hidden = !onTools;
  byId('records-view', HTMLElement).hidden = onTools;
  byId(onTools ? 'connection-in-console' : 'connection-above-records', HTMLElement).append(
    byId('connection', HTMLElement),
  );
  for (const link of document.querySelectorAll<HTMLElement>('nav [data-page]')) {
    const page = route.page === 'customer' ? 'customers' : route.page;
    if (link.dataset.page === page) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (onTools) showTool(route, focus);
  else recordPages.show(route, focus);
}

function showTool(route: Extract<Route, { page: 'tools' }>, focus: boolean): void {
  document.title = PAGE_TITLE;
  if (route.section !== undefined) openSection(route.section);
  else if (route.tool !== undefined) select(route.tool, focus);
}

/** Scrolls to a section. The browser does not do it itself if the section was hidden. */
function openSection(id: string): void {
  const section = byId(id, HTMLElement);
  section.scrollIntoView();
  const heading = section.querySelector('h2');
  if (heading !== null) focusOn(heading);
}

/** Shows a tool. With `focus`, also moves the focus to it and puts its name in the URL. */
function select(name: string, focus: boolean): void {
  const entry = toolbox.find(name);
  if (entry === undefined) return;
  mark(name);
  workbench.open(entry, focus);
  if (focus) setToolInUrl(name);
}

function mark(name: string): void {
  selected = name;
  list.mark(name);
}

function mountConnection(): void {
  const form = byId('connection-form', HTMLFormElement);
  connectionForm.onChange(() => {
    refreshSnippets();
    if (connected !== undefined) disconnect();
  });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void tryToConnect();
  });
  byId('change', HTMLButtonElement).addEventListener('click', () => askForCredentials(''));
}

function connectWithToken(token: string): void {
  connectionForm.useToken(token);
  void tryToConnect();
}

/** Drops the connection when the form changes, so that calls only use the credentials that are visible. */
function disconnect(): void {
  connected = undefined;
  showTools();
  refreshRecords(false);
  announce('Disconnected. Connect again to use the changed settings.');
}

async function tryToConnect(): Promise<void> {
  const output = byId('connection-output', HTMLElement);
  announce('Connecting …');
  try {
    connected = await connect(connectionForm.endpoint());
  } catch (error) {
    connected = undefined;
    const outcome = outcomeOfError(error);
    output.replaceChildren(resultPane(outcome));
    announce(announcementOf(outcome));
    showTools();
    refreshRecords(false);
    return;
  }
  output.replaceChildren();
  const { serverTools, caller, endpoint } = connected;
  const text = [`Connected to ${endpoint.url}`, caller, toolCountText(serverTools)].filter(Boolean).join(' · ');
  byId('connected-text', HTMLElement).textContent = text;
  announce(text);
  showConnectionForm(false);
  byId('change', HTMLButtonElement).focus();
  showTools();
  refreshRecords(true);
}

function toolCountText({ tools, operations }: ServerTools): string {
  const reachable = operations.length === 0 ? '' : ` that reach ${operations.length} operations`;
  return `${tools.length} tools${reachable}`;
}

function outcomeOfError(error: unknown) {
  if (error instanceof NotConnected) return error.outcome;
  if (error instanceof RequestError) return failureOutcome(error.message, error.ms, error.status);
  throw error;
}

function showTools(): void {
  toolbox.update(connected?.serverTools);
  list.refresh();
  select(selected, false);
}

/** Reads the page about records again, with other credentials or none. */
function refreshRecords(focus: boolean): void {
  const route = routeInUrl();
  if (route !== undefined && route.page !== 'tools') recordPages.show(route, focus);
}

function askForCredentials(reason: string): void {
  showConnectionForm(true);
  if (reason !== '') announce(reason);
  byId(demo === undefined ? 'orgcode' : 'demo-key', HTMLElement).focus();
}

function showConnectionForm(shown: boolean): void {
  byId('connection-form', HTMLFormElement).hidden = !shown;
  byId('connected', HTMLElement).hidden = shown;
}

function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
  byId('connection-status', HTMLElement).textContent = text;
}
