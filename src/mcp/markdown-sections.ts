/** A Markdown document by its sections, for whoever does not want all of it. Not: where the document comes from. */

/** Name → text, heading included: the name is the heading in small letters, with hyphens between its words. */
export function sectionsOf(markdown: string): ReadonlyMap<string, string> {
  const [, ...texts] = markdown.split(/^(?=## )/m);
  return new Map(texts.map((text) => [nameOf(text.slice(3, text.indexOf('\n'))), text]));
}

function nameOf(heading: string): string {
  return (heading.toLowerCase().match(/[a-z0-9]+/g) ?? []).join('-');
}
