/** What the URL fragment names: a tool of the console, a section of the page, or a page about records. */

export type Route =
  | { readonly page: 'tools'; readonly tool?: string; readonly section?: string }
  | { readonly page: 'overview' }
  | { readonly page: 'customers' }
  | { readonly page: 'customer'; readonly customer: string; readonly compare?: string; readonly action?: string };

const SECTIONS = new Set(['clients', 'console']);

/** The route of the URL; undefined for fragments that name nothing. */
export function routeInUrl(): Route | undefined {
  return routeOf(location.hash);
}

/** Reads a fragment such as `#customer=ID&compare=ID`, `#overview` or `#crm_stat`. */
export function routeOf(hash: string): Route | undefined {
  const text = hash.replace(/^#/, '');
  if (text === '') return { page: 'tools' };
  if (SECTIONS.has(text)) return { page: 'tools', section: text };
  if (text === 'overview' || text === 'customers') return { page: text };
  const parameters = new URLSearchParams(text);
  const [customer, compare, action] = ['customer', 'compare', 'do'].map((name) => parameters.get(name) ?? '');
  if (customer) {
    return { page: 'customer', customer, ...(compare ? { compare } : {}), ...(action ? { action } : {}) };
  }
  return text === 'main' ? undefined : { page: 'tools', tool: decoded(text) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** Puts a tool name in the URL without adding a history entry. */
export function setToolInUrl(name: string): void {
  history.replaceState(null, '', `#${encodeURIComponent(name)}`);
}

/** The fragment of a customer's page, or of a form about the customer. */
export function customerHash(customer: string, action?: string): string {
  const parameters = new URLSearchParams({ customer, ...(action === undefined ? {} : { do: action }) });
  return `#${parameters}`;
}
