/** JSON text → value, stricter than JSON.parse: UTF-8 only, and no name twice in one object. Not: what it may say. */

/** The value, or undefined (which no JSON is) when the bytes are not JSON, or would lose a value on the way. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return repeatsName(text) ? undefined : value;
  } catch {
    return undefined;
  }
}

const SPACE = /[ \t\r\n]/;

/** Whether an object anywhere in a valid JSON text has a name twice: JSON.parse would keep the last without a word. */
function repeatsName(text: string): boolean {
  const open: (Set<string> | undefined)[] = []; // the names so far of each object around; undefined for a list
  let names: Set<string> | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(names);
      names = character === '{' ? new Set() : undefined;
    } else if (character === '}' || character === ']') {
      names = open.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      if (names !== undefined && isName(text, end)) {
        const name = JSON.parse(text.slice(at, end)) as string;
        if (names.has(name)) return true;
        names.add(name);
      }
      at = end - 1;
    }
  }
  return false;
}

/** Behind the quote that closes the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isName(text: string, end: number): boolean {
  let at = end;
  while (SPACE.test(text[at] ?? '')) at += 1;
  return text[at] === ':';
}
