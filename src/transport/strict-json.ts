/** Parses JSON more strictly than JSON.parse: UTF-8 only, and no name twice in one object. Validates nothing else. */

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

/** The value; undefined, which JSON cannot express, when the bytes are not JSON or repeat a name. */
export function parseStrictJson(bytes: Uint8Array): unknown {
  try {
    const text = UTF_8.decode(bytes);
    const value: unknown = JSON.parse(text);
    return repeatsName(text) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** Whether any object in a valid JSON text has a name twice; JSON.parse would silently keep the last value. */
function repeatsName(text: string): boolean {
  const outer: (Set<string> | undefined)[] = []; // the names so far in each enclosing object; undefined for a list
  let names: Set<string> | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const start = at;
      const end = endOfString(text, start);
      at = end - 1;
      if (names === undefined || !isName(text, end)) continue;
      const name = nameAt(text, start, end);
      if (names.has(name)) return true;
      names.add(name);
    } else if (code === OPEN_OBJECT || code === OPEN_LIST) {
      outer.push(names);
      names = code === OPEN_OBJECT ? new Set() : undefined;
    } else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      names = outer.pop();
    }
  }
  return false;
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === '\\') start -= 1;
  return (at - start) % 2 === 1;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (text.charCodeAt(at) <= SPACE) at += 1;
  return text[at] === ':';
}

const [QUOTE, OPEN_OBJECT, OPEN_LIST, CLOSE_OBJECT, CLOSE_LIST] = [34, 123, 91, 125, 93];
const SPACE = 32; // below it JSON allows only tabs and line ends between two tokens

function nameAt(text: string, start: number, end: number): string {
  const name = text.slice(start + 1, end - 1);
  return name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name;
}
