/**
 * MCP Apps (extension `io.modelcontextprotocol/ui`): an HTML document that a host shows beside the results of two read
 * tools. Offered only to clients that declare the extension; for others, lists and reads are as if it did not exist.
 * The document is built from page/src/app.
 */
import type { Catalogue, Tool } from '../tools/catalogue.js';

export const APPS_EXTENSION = 'io.modelcontextprotocol/ui';
export const APP_MIME_TYPE = 'text/html;profile=mcp-app';
export const CUSTOMER_APP_URI = 'ui://crm/customer';

/** The tools whose results the app shows, each with fields that it shows. */
const SHOWN_TOOLS: { readonly [tool: string]: readonly string[] } = {
  crm_customer_get: ['customer_id', 'loyalty'],
  crm_loyalty_ledger_list: ['items', 'points_balance'],
};

/** The app needs no other origin; the lists say so to hosts that treat a missing one as unknown. */
const UI_META = Object.freeze({
  csp: { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] },
  prefersBorder: true,
});

/** A tool as `tools/list` returns it to a client that shows apps. */
export type LinkedTool = Tool & { readonly _meta?: { readonly ui: { readonly resourceUri: string } } };

export interface CustomerApp {
  /** Adds the link to the app to the tools whose results it shows. */
  link(tools: readonly Tool[]): readonly LinkedTool[];
  /** The entry of `resources/list`; undefined for a caller without any of its tools. */
  entry(callable: ReadonlySet<string>): AppEntry | undefined;
  /** The content item of `resources/read`. The document is loaded on first use. */
  content(): Promise<AppContent>;
}

export interface AppEntry {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly mimeType: string;
  readonly _meta: { readonly ui: typeof UI_META };
}

export interface AppContent {
  readonly uri: string;
  readonly mimeType: string;
  readonly text: string;
  readonly _meta: { readonly ui: typeof UI_META };
}

/** Whether a client with these capabilities shows apps of this kind. */
export function showsApps(capabilities: { readonly extensions?: unknown } | undefined): boolean {
  const settings = (capabilities?.extensions as { readonly [id: string]: unknown } | undefined)?.[APPS_EXTENSION];
  const mimeTypes = (settings as { readonly mimeTypes?: unknown } | undefined)?.mimeTypes;
  return Array.isArray(mimeTypes) && mimeTypes.includes(APP_MIME_TYPE);
}

/**
 * The app of a catalogue; undefined when the catalogue has none of its tools. In lean mode there is none, because one
 * tool runs all operations, and a host would show the app beside each.
 */
export function customerAppOf(catalogue: Catalogue, lean: boolean): CustomerApp | undefined {
  const shown = new Set(lean ? [] : Object.keys(SHOWN_TOOLS).filter((name) => isOurs(catalogue, name)));
  if (shown.size === 0) return undefined;
  return {
    link: (tools) =>
      tools.map((tool) =>
        shown.has(tool.name) ? { ...tool, _meta: { ui: { resourceUri: CUSTOMER_APP_URI } } } : tool,
      ),
    entry: (callable) => ([...shown].some((name) => callable.has(name)) ? ENTRY : undefined),
    content: async () => {
      const { CUSTOMER_APP } = await import('./generated/customer-app.js');
      return { uri: CUSTOMER_APP_URI, mimeType: APP_MIME_TYPE, text: CUSTOMER_APP, _meta: { ui: UI_META } };
    },
  };
}

/** Whether a tool has the answers of our contract: one of an imported document may have its name only. */
function isOurs(catalogue: Catalogue, name: string): boolean {
  const fields = catalogue.find(name)?.operation.answerFields ?? {};
  return SHOWN_TOOLS[name]?.every((field) => field in fields) === true;
}

const ENTRY: AppEntry = Object.freeze({
  uri: CUSTOMER_APP_URI,
  name: 'customer-app',
  title: 'Customer and points',
  description:
    'Shows the result of crm_customer_get or crm_loyalty_ledger_list to the user: the customer, the balance over time',
  mimeType: APP_MIME_TYPE,
  _meta: { ui: UI_META },
});
