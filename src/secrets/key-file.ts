/**
 * The file of the server key. One generation is 64 hex digits alone, as every version reads. Several have a header,
 * which makes older versions refuse the file, and one line each: `NUMBER HEX`, or `NUMBER journal HEX` for one that is retired,
 * of which only the key of the journal's seals is left.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../database-file/complete-file.js';
import { DatabaseFileError, explainOpenFailure } from '../database-file/open-error.js';

export const KEY_BYTES = 32;
/** The variable that has the key itself, and the name that stands for it where a file can be named. */
export const SERVER_KEY_VARIABLE = 'G3N_SERVER_KEY';
export const KEY_IN_VARIABLE = `env:${SERVER_KEY_VARIABLE}`;

/** One generation of the server key. `master` is missing when it is retired. */
export interface Generation {
  readonly no: number;
  readonly master?: Buffer;
  /** The key of the journal's seals, of a retired generation. */
  readonly journal?: Buffer;
}

const HEADER = 'g3n-server-key 2';
const ONE = /^[0-9a-f]{64}$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const LINE = /^(\d{1,6}) (journal )?([0-9a-f]{64})$/;
let inVariable: string | undefined;

/** Takes the key out of the environment, so that no child process and no report of the environment has it. */
export function takeKeyFromEnvironment(env: NodeJS.ProcessEnv): string | undefined {
  const text = env[SERVER_KEY_VARIABLE];
  delete env[SERVER_KEY_VARIABLE];
  if (text !== undefined && text !== '') inVariable = text;
  return inVariable === undefined ? undefined : KEY_IN_VARIABLE;
}

export function keyExists(path: string): boolean {
  return path === KEY_IN_VARIABLE ? inVariable !== undefined : existsSync(path);
}

/** @throws DatabaseFileError when it cannot be read or is no server key; the message never quotes it. */
export function readGenerations(path: string): readonly Generation[] {
  const generations = parsed(readKeyText(path));
  if (generations !== undefined) return generations;
  throw new DatabaseFileError(
    path === KEY_IN_VARIABLE
      ? `${SERVER_KEY_VARIABLE} is no server key: it must be 32 bytes as 64 hex digits or in base64, or what a key file has`
      : `${path} is no server key: it must hold ${KEY_BYTES * 2} hex digits, or several generations that ${HEADER} begins`,
    'Restore it.',
  );
}

/** The text of a key, to copy it. @throws DatabaseFileError when it cannot be read. */
export function readKeyText(path: string): string {
  if (path === KEY_IN_VARIABLE) return (inVariable ?? '').trim();
  return explained(path, () => readFileSync(path, 'utf8').trim());
}

/** What changes when the file is written or replaced; undefined when it cannot be looked at. */
export function keyFileMark(path: string): string | undefined {
  if (path === KEY_IN_VARIABLE) return undefined;
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.ino}:${found.size}:${found.mtimeNs}`;
}

function parsed(text: string): readonly Generation[] | undefined {
  if (ONE.test(text)) return [{ no: 0, master: Buffer.from(text, 'hex') }];
  if (BASE64.test(text)) return [{ no: 0, master: Buffer.from(text, 'base64') }];
  const [header, ...lines] = text.split('\n').map((line) => line.trim());
  if (header !== HEADER) return undefined;
  const found = lines.filter((line) => line !== '').map(generationIn);
  const isSound =
    found.length > 0 && found.every((one, index) => one !== undefined && one.no > (found[index - 1]?.no ?? -1));
  return isSound && found.at(-1)?.master !== undefined ? (found as Generation[]) : undefined;
}

function generationIn(line: string): Generation | undefined {
  const [, no, retired, hex = ''] = LINE.exec(line) ?? [];
  if (no === undefined) return undefined;
  const key = Buffer.from(hex, 'hex');
  return retired === undefined ? { no: Number(no), master: key } : { no: Number(no), journal: key };
}

/**
 * Writes a temporary file and links it into place, so that two processes that start together end up with one complete
 * file.
 */
export function createKeyFile(path: string, text: string): void {
  explained(path, () => {
    const draft = draftOf(path, text);
    try {
      linkSync(draft, path);
      syncDirectory(dirname(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  });
}

/**
 * Replaces the file by one with these generations, at once: whoever reads it finds the old one or the new one.
 * @throws DatabaseFileError when it cannot be written, or the key is in a variable.
 */
export function replaceKeyFile(path: string, generations: readonly Generation[]): void {
  if (path === KEY_IN_VARIABLE)
    throw new DatabaseFileError(
      `the server key is in ${SERVER_KEY_VARIABLE}, which cannot be written`,
      'Put it into a file, name that with --key-file, run this again, and set the variable to what the file has then.',
    );
  const lines = generations.map(({ no, master, journal }) =>
    master === undefined ? `${no} journal ${journal?.toString('hex')}` : `${no} ${master.toString('hex')}`,
  );
  explained(path, () => {
    const place = realpathSync(path);
    const { uid, gid } = statSync(place);
    const draft = draftOf(place, [HEADER, ...lines].join('\n'));
    try {
      if (uid !== process.getuid?.()) chownSync(draft, uid, gid); // the servers' user must be able to read it
      renameSync(draft, place);
    } catch (error) {
      unlinkSync(draft);
      throw error;
    }
    syncDirectory(dirname(place)); // the database names a new generation soon: the file must outlive a power loss
  });
}

/** A file of its own, complete and on disk (mode 0600). */
function draftOf(path: string, text: string): string {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${text}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  const file = openSync(draft, 'r+');
  fsyncSync(file);
  closeSync(file);
  return draft;
}

function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}
