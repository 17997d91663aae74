/** Parses and matches resource URIs: `crm://` and segments between slashes, of which one may be a variable. */

const SCHEME = 'crm://';
/** An id may have 128 characters, and percent-encoding may need twelve for each. */
const MAX_URI_LENGTH = 2048;

/** A template's segments: literal text, or the name of a variable. */
export type UriTemplate = readonly { readonly text?: string; readonly variable?: string }[];

export function parseUriTemplate(template: string): UriTemplate {
  return template
    .slice(SCHEME.length)
    .split('/')
    .map((segment) => (segment.startsWith('{') ? { variable: segment.slice(1, -1) } : { text: segment }));
}

/**
 * The segments of a URI, each decoded separately, so that an encoded slash stays inside its segment; undefined when it
 * is not a valid `crm://` URI.
 */
export function uriSegments(uri: string): readonly string[] | undefined {
  if (!uri.startsWith(SCHEME) || uri.length > MAX_URI_LENGTH || /[?#]/.test(uri)) return undefined;
  const segments = uri.slice(SCHEME.length).split('/');
  if (segments.includes('')) return undefined;
  try {
    const decoded = segments.map(decodeURIComponent);
    return decoded.some((segment) => segment.includes('\0')) ? undefined : decoded; // no text has U+0000
  } catch {
    return undefined;
  }
}

/** The values of a template's variables; undefined when the URI does not match the template. */
export function matchUriTemplate(
  template: UriTemplate,
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (template.length !== segments.length) return undefined;
  const matches = template.every(({ text }, index) => text === undefined || text === segments[index]);
  if (!matches) return undefined;
  return Object.fromEntries(
    template.flatMap(({ variable }, index) => (variable === undefined ? [] : [[variable, segments[index] ?? '']])),
  );
}
