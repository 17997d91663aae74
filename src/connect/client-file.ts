/** Reads and replaces a client's configuration file: in one step, with a copy of the old one and its mode. */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { replaceFile } from '../database-file/replaced-file.js';
import { ConnectError } from './connect-error.js';

const MOST_BYTES = 20 * 2 ** 20;
const PERMISSIONS = 0o777;
/** Of a new file: it can get a key. */
const NEW_MODE = 0o600;
const BOM = '\uFEFF';

/** The text of a file, empty if there is none. @throws ConnectError when it is no text file of a sensible size */
export function readConfig(file: string): string {
  if (!existsSync(file)) {
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return '';
    throw new ConnectError('it is a link to a file that does not exist: make that file, or remove the link');
  }
  const stat = statSync(file);
  if (!stat.isFile()) throw new ConnectError('it is not a file');
  if (stat.size > MOST_BYTES) throw new ConnectError(`it has more than ${MOST_BYTES / 2 ** 20} MB`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file));
  } catch {
    throw new ConnectError('it is not UTF-8 text');
  }
}

/** Applies a change to the text without its byte order mark, which stays. */
export function changed(text: string, change: (text: string) => string): string {
  return text.startsWith(BOM) ? BOM + change(withoutMark(text)) : change(text);
}

/** The text without its byte order mark. */
export function withoutMark(text: string): string {
  return text.startsWith(BOM) ? text.slice(BOM.length) : text;
}

/**
 * Replaces the file in one step. A link stays a link, and the file keeps its mode.
 * @param before the text that was read: the file must still have it
 * @param now for the name of the copy
 * @returns the path of the copy of the old file; undefined if there was none
 * @throws ConnectError when the file changed meanwhile
 */
export function replaceConfig(file: string, before: string, after: string, now: Date): string | undefined {
  const isNew = !existsSync(file);
  if (isNew) mkdirSync(dirname(file), { recursive: true });
  const target = isNew ? file : realpathSync(file);
  const stamp = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  let copy: string | undefined;
  replaceFile(target, after, isNew ? NEW_MODE : statSync(target).mode & PERMISSIONS, () => {
    if (readConfig(file) !== before) throw new ConnectError('another program changed it meanwhile: try again');
    copy = isNew ? undefined : copyOf(target, stamp);
  });
  return copy;
}

/** Copies a file beside itself, under a name that does not exist. */
function copyOf(file: string, stamp: string): string {
  for (let count = 1; ; count += 1) {
    const copy = `${file}.${stamp}${count === 1 ? '' : `-${count}`}.bak`;
    if (existsSync(copy)) continue;
    copyFileSync(file, copy, constants.COPYFILE_EXCL);
    chmodSync(copy, statSync(file).mode & PERMISSIONS);
    return copy;
  }
}
