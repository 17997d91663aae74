/** Sets a field of a JSON text, with or without comments, or adds to a list: every other character stays. */
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';

/** How clients' files are read. */
export const READ = { allowTrailingComma: true, disallowComments: false };

/** Sets a field of the object at `path`, which exists. */
export function setField(text: string, path: readonly string[], field: string, value: unknown): string {
  const object = nodeAt(text, path);
  const current = findNodeAtLocation(object, [field]);
  if (current === undefined) return append(text, object, (indent) => `"${field}": ${json(value, indent, text)}`);
  const indent = indentOf(text, current.parent?.offset ?? current.offset);
  return splice(text, current.offset, current.offset + current.length, json(value, indent, text));
}

/** Adds a value to the end of the list at `path`, which exists. */
export function addToList(text: string, path: readonly string[], value: unknown): string {
  return append(text, nodeAt(text, path), (indent) => json(value, indent, text));
}

/** What a text has at a path, a field with its name and with the indentation of its line; empty if there is nothing. */
export function textAt(text: string, path: Path): string {
  const root = parseTree(text, [], READ);
  const value = root && findNodeAtLocation(root, [...path]);
  const node = value?.parent?.type === 'property' ? value.parent : value;
  return node === undefined ? '' : indentOf(text, node.offset) + text.slice(node.offset, node.offset + node.length);
}

type Path = readonly (string | number)[];

/** Whether the object at a path has a field twice: programs then differ in which one they read. */
export function isTwice(text: string, path: Path, field: string): boolean {
  const root = parseTree(text, [], READ);
  const object = root && findNodeAtLocation(root, [...path]);
  const names =
    object?.type === 'object' ? (object.children ?? []).map((property) => property.children?.[0]?.value) : [];
  return names.filter((name) => name === field).length > 1;
}

function nodeAt(text: string, path: readonly string[]): Node {
  const root = parseTree(text, [], READ);
  const node = root && findNodeAtLocation(root, [...path]);
  if (node === undefined) throw new Error(`there is no ${path.join('.')}`);
  return node;
}

/** Adds an item to an object or a list, on a line of its own. `item` gets the indentation of that line. */
function append(text: string, parent: Node, item: (indent: string) => string): string {
  const eol = eolOf(text);
  const last = parent.children?.at(-1);
  const outer = indentOf(text, parent.offset);
  if (last === undefined) {
    const end = parent.offset + parent.length - 1;
    const inner = outer + unitOf(text);
    const inside = text.slice(parent.offset + 1, end).trimEnd();
    return splice(text, parent.offset + 1, end, `${inside}${eol}${inner}${item(inner)}${eol}${outer}`);
  }
  const ownLine = isFirstOnLine(text, last.offset);
  const indent = ownLine ? indentOf(text, last.offset) : outer + unitOf(text);
  const end = last.offset + last.length;
  const comma = behindComma(text, end);
  const at = comma ?? end;
  const comment = /^[ \t]*\/\/[^\r\n]*/.exec(text.slice(at))?.[0] ?? ''; // it stays behind the last item
  const added = `${comma === undefined ? ',' : ''}${comment}${eol}${indent}${item(indent)}`;
  return splice(text, at, at + comment.length, added);
}

/** The offset behind a trailing comma of the last item, past comments before it. */
function behindComma(text: string, offset: number): number | undefined {
  const found = /^(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*,/.exec(text.slice(offset));
  return found === null ? undefined : offset + found[0].length;
}

function json(value: unknown, indent: string, text: string): string {
  const lines = JSON.stringify(value, undefined, unitOf(text)).split('\n');
  return lines.map((line, at) => (at === 0 ? line : indent + line)).join(eolOf(text));
}

function splice(text: string, start: number, end: number, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function eolOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

/** What the text indents by. */
function unitOf(text: string): string {
  return /^(\t| {1,8})["}\]]/m.exec(text)?.[1] ?? '  ';
}

/** The indentation of the line of an offset. */
function indentOf(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', offset - 1) + 1))?.[0] ?? '';
}

function isFirstOnLine(text: string, offset: number): boolean {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).trim() === '';
}
