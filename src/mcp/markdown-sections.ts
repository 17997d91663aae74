/** Splits a Markdown document into its sections. */

/** Name → text, heading included: the name is the heading in lower case, its words joined by hyphens. */
export function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const [, ...texts] = markdown.split(/^(?=## )/m);
  return new Map(texts.map((text) => [nameOf(text.slice(3, text.indexOf('\n'))), text]));
}

function nameOf(heading: string): string {
  return (heading.toLowerCase().match(/[a-z0-9]+/g) ?? []).join('-');
}
