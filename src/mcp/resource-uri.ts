/** Addresses of resources: `crm://` and pieces between slashes, one of them perhaps a variable. Not: what is there. */

const SCHEME = 'crm://';
/** An id may have 128 characters, and every one of them may be written in twelve. */
const LONGEST = 2048;

/** A template's pieces: text as it stands, or the name of a variable. */
export type UriTemplate = readonly { readonly text?: string; readonly variable?: string }[];

export function parseUriTemplate(template: string): UriTemplate {
  return template
    .slice(SCHEME.length)
    .split('/')
    .map((piece) => (piece.startsWith('{') ? { variable: piece.slice(1, -1) } : { text: piece }));
}

/**
 * The pieces of an address, each decoded by itself, so that an encoded slash stays inside its piece; undefined for what
 * is no address of ours.
 */
export function uriSegments(uri: string): readonly string[] | undefined {
  if (!uri.startsWith(SCHEME) || uri.length > LONGEST || /[?#]/.test(uri)) return undefined;
  const pieces = uri.slice(SCHEME.length).split('/');
  if (pieces.includes('')) return undefined;
  try {
    return pieces.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** The values of a template's variables, undefined when the address is another's. */
export function matchUriTemplate(
  template: UriTemplate,
  pieces: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (template.length !== pieces.length) return undefined;
  const fits = template.every(({ text }, index) => text === undefined || text === pieces[index]);
  if (!fits) return undefined;
  return Object.fromEntries(
    template.flatMap(({ variable }, index) => (variable === undefined ? [] : [[variable, pieces[index] ?? '']])),
  );
}
