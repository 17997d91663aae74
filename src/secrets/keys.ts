/**
 * The server key and everything derived from it: hashes of secrets, seals on tokens and the journal, and encryption of
 * what must be readable again.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { DatabaseFileError } from '../database-file/open-error.js';
import {
  createKeyFile,
  type Generation,
  KEY_BYTES,
  keyExists,
  keyFileMark,
  readGenerations,
  readKeyText,
} from './key-file.js';

/** Each purpose has its own key, so that a value made for one purpose is never valid for another. */
export type Purpose =
  | 'credential'
  | 'giftcard-code'
  | 'giftcard-pin'
  | 'fraud-identifier'
  | 'request'
  | 'page-token'
  | 'confirmation'
  | 'journal'
  | 'key-check'
  | 'demo-key'
  | 'caller-key'
  | 'upstream-credential'
  | 'upstream-answer'
  | 'upstream-receipt';

/**
 * What the server key makes is marked with the generation that made it: `3:` before a hash or sealed text, and nothing for
 * generation 0, so that a key that was never rotated makes what it always made.
 */
export interface Keys {
  /** The generation that makes new hashes. */
  readonly generation: number;
  readonly generations: readonly Generation[];
  /** HMAC-SHA-256 under the purpose's key: 64 hex digits after the mark. Parts are length-delimited. */
  mac(purpose: Purpose, ...parts: readonly string[]): string;
  /** The hashes that a value may be stored under, that of the current generation first. */
  macs(purpose: Purpose, ...parts: readonly string[]): readonly string[];
  /** The hash by the generation that made `stored`; of an unknown generation, the empty text, which equals none. */
  macLike(stored: string, purpose: Purpose, ...parts: readonly string[]): string;
  /**
   * AES-256-GCM under the purpose's key, base64. `context` is authenticated but not stored; unsealing needs the same
   * value.
   */
  seal(purpose: Purpose, text: string, context: string): string;
  /** @throws Error when the text was sealed for another purpose, context or server key, or was altered. */
  unseal(purpose: Purpose, sealed: string, context: string): string;
}

/** The generations of a server key, of which the database says which is current. */
export interface KeyRing extends Keys {
  /** Makes this generation the current one. @throws DatabaseFileError when the ring does not have it. */
  activate(generation: number): void;
  /**
   * Takes the generations of the file. With the check value of a database, the generation that it names becomes the
   * current one with the same step: the file may lack that which was current until then.
   * @throws DatabaseFileError when it is no key, lacks the generation, or does not belong to the database.
   */
  refresh(check?: string): void;
}

const SECRET_BYTES = 32;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Reads the key, or creates the file (mode 0600) if `mayCreate` is true. The newest generation is the current one, until
 * the database is asked.
 * @throws DatabaseFileError when it is missing and must not be created, or is no server key.
 */
export function loadKeys(path: string, mayCreate: boolean): KeyRing {
  if (!keyExists(path)) {
    if (!mayCreate) {
      throw new DatabaseFileError(
        `the server key ${path} is missing`,
        'Restore it, copy it from another server of the database, or set G3N_KEY_FILE: credentials and cards need it.',
      );
    }
    createKeyFile(path, randomBytes(KEY_BYTES).toString('hex'));
  }
  return new Ring(readGenerations(path), path);
}

/** `missing`; `wrong`, that is, unreadable or of another database; or `ok`. */
export type KeyFileState = 'ok' | 'missing' | 'wrong';

/** Compares a key file with the check value that a database has; a database without one takes any key. */
export function keyFileState(path: string, check: string | undefined): KeyFileState {
  if (!keyExists(path)) return 'missing';
  try {
    const keys = loadKeys(path, false);
    return check === undefined || belongs(keys, check) ? 'ok' : 'wrong';
  } catch {
    return 'wrong';
  }
}

/** Whether a check value was made by one of the generations. */
export function belongs(keys: Keys, check: string): boolean {
  return sameDigest(check, keys.macLike(check, 'key-check'));
}

/**
 * Makes the generation current that a database's check value names.
 * @throws DatabaseFileError when the key does not belong to the database, or lacks the generation.
 */
export function follow(keys: KeyRing, check: string): void {
  const generation = generationOf(check);
  if (generation === keys.generation && belongs(keys, check)) return;
  requireGeneration(keys.generations, generation);
  if (!belongs(keys, check)) throw keyOfAnotherDatabase();
  keys.activate(generation);
}

function requireGeneration(generations: readonly Generation[], generation: number): void {
  if (generations.some(({ no, master }) => no === generation && master !== undefined)) return;
  if (generation === 0) throw keyOfAnotherDatabase();
  throw new DatabaseFileError(
    `the database uses generation ${generation} of the server key, which this key file lacks`,
    'Copy the key file from a server that has it.',
  );
}

/**
 * Puts the server key of a database beside its copy (mode 0600): what is hashed with it stays valid.
 * @throws DatabaseFileError when another key is there.
 */
export function copyKeyFile(from: string, to: string): void {
  const key = readKeyText(from);
  if (!keyExists(to)) createKeyFile(to, key);
  if (readKeyText(to) === key) return;
  throw new DatabaseFileError(
    `${to} is another key than the one of the source`,
    'Move it away, or name another file with --key-file.',
  );
}

/** The database was made with another key. */
export function keyOfAnotherDatabase(): DatabaseFileError {
  return new DatabaseFileError(
    'the server key does not belong to this database',
    'Restore the key made with it, copy it from another server of the database, or set G3N_KEY_FILE.',
  );
}

/** Keys of one generation, from 32 random bytes. */
export function deriveKeys(master: Buffer): KeyRing {
  return new Ring([{ no: 0, master }]);
}

/** What is left of a generation that is retired: what checks the seals it made. */
export function retired({ no, master, journal }: Generation): Generation {
  const kept = master === undefined ? journal : derive(master, 'journal');
  return kept === undefined ? { no } : { no, journal: kept };
}

function derive(master: Buffer, purpose: Purpose): Buffer {
  return Buffer.from(hkdfSync('sha256', master, '', `g3n-crm-mcp/${purpose}`, KEY_BYTES));
}

/** The generation that a hash or a sealed text is marked with. */
export function generationOf(text: string): number {
  const [, no] = /^(\d{1,6}):/.exec(text) ?? [];
  return Number(no ?? 0);
}

/** SQL for the rows whose column was made by a generation: `generationOf` as a condition. */
export function madeBy(column: string, generation: number): string {
  return generation === 0 ? `${column} NOT LIKE '%:%'` : `${column} LIKE '${generation}:%'`;
}

function marked(generation: number, text: string): string {
  return generation === 0 ? text : `${generation}:${text}`;
}

class Ring implements KeyRing {
  generations: readonly Generation[];
  generation: number;
  readonly #path: string | undefined;
  readonly #derived = new Map<string, Buffer>();
  #mark: string | undefined;

  constructor(generations: readonly Generation[], path?: string) {
    this.#path = path;
    this.#mark = path === undefined ? undefined : keyFileMark(path);
    this.generations = generations;
    this.generation = generations.at(-1)?.no ?? 0;
  }

  activate(generation: number): void {
    if (this.#key(generation, 'key-check') === undefined) throw keyOfAnotherDatabase();
    this.generation = generation;
  }

  refresh(check?: string): void {
    if (this.#path === undefined) return;
    const mark = keyFileMark(this.#path);
    if (mark === undefined || mark === this.#mark) return; // a file that is gone for now: go on with what it had
    const generations = readGenerations(this.#path);
    const current = check === undefined ? this.generation : generationOf(check);
    requireGeneration(generations, current);
    if (check !== undefined && !belongs(new Ring(generations), check)) throw keyOfAnotherDatabase();
    this.generations = generations;
    this.generation = current;
    this.#derived.clear();
    this.#mark = mark;
  }

  mac(purpose: Purpose, ...parts: readonly string[]): string {
    return this.#mac(this.generation, purpose, parts);
  }

  macs(purpose: Purpose, ...parts: readonly string[]): readonly string[] {
    const current = this.mac(purpose, ...parts);
    if (this.generations.length === 1) return [current];
    const older = this.generations
      .filter(({ no, master }) => master !== undefined && no !== this.generation)
      .map(({ no }) => this.#mac(no, purpose, parts));
    return [current, ...older];
  }

  macLike(stored: string, purpose: Purpose, ...parts: readonly string[]): string {
    return this.#mac(generationOf(stored), purpose, parts);
  }

  seal(purpose: Purpose, text: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#needed(this.generation, purpose), nonce).setAAD(Buffer.from(context));
    const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
    return marked(this.generation, Buffer.concat(sealed).toString('base64'));
  }

  unseal(purpose: Purpose, sealed: string, context: string): string {
    const bytes = Buffer.from(sealed.replace(/^\d+:/, ''), 'base64');
    const key = this.#needed(generationOf(sealed), purpose);
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
    const open = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([open, decipher.final()]).toString('utf8');
  }

  #mac(generation: number, purpose: Purpose, parts: readonly string[]): string {
    const key = this.#key(generation, purpose);
    if (key === undefined) return '';
    const hmac = createHmac('sha256', key);
    for (const part of parts) hmac.update(`${part.length}:${part}`);
    return marked(generation, hmac.digest('hex'));
  }

  #needed(generation: number, purpose: Purpose): Buffer {
    const key = this.#key(generation, purpose);
    if (key === undefined) throw new Error(`there is no generation ${generation} of the server key`);
    return key;
  }

  #key(generation: number, purpose: Purpose): Buffer | undefined {
    const name = `${generation} ${purpose}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    const found = this.generations.find(({ no }) => no === generation);
    const key = found?.master === undefined ? keptKey(found, purpose) : derive(found.master, purpose);
    if (key !== undefined) this.#derived.set(name, key);
    return key;
  }
}

/** Of a retired generation, only the seals of the journal can be checked. */
function keptKey(generation: Generation | undefined, purpose: Purpose): Buffer | undefined {
  return purpose === 'journal' ? generation?.journal : undefined;
}

/** A new secret: 256 random bits with a prefix that secret scanners can recognise. */
export function mintSecret(prefix: string): string {
  return `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** The public fingerprint of a credential: the first 16 hex digits of its SHA-256 (contract §1, `stats`). */
export function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 16);
}

/** Compares two hex digests in constant time. The empty text, which stands for no digest, equals none. */
export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length > 0 && left.length === right.length && timingSafeEqual(left, right);
}
