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
import { chmodSync, existsSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { DatabaseFileError, explainOpenFailure } from '../database-file/open-error.js';

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

export interface Keys {
  /** HMAC-SHA-256 under the purpose's key, 64 hex digits. Parts are length-delimited. */
  mac(purpose: Purpose, ...parts: readonly string[]): string;
  /**
   * AES-256-GCM under the purpose's key, base64. `context` is authenticated but not stored; unsealing needs the same
   * value.
   */
  seal(purpose: Purpose, text: string, context: string): string;
  /** @throws Error when the text was sealed for another purpose, context or server key, or was altered. */
  unseal(purpose: Purpose, sealed: string, context: string): string;
}

const KEY_BYTES = 32;
const SECRET_BYTES = 32;
const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Reads the key file, or creates it (mode 0600) if `mayCreate` is true.
 * @throws DatabaseFileError when it is missing and must not be created, or is not 64 hex digits.
 */
export function loadKeys(path: string, mayCreate: boolean): Keys {
  if (!existsSync(path)) {
    if (!mayCreate) {
      throw new DatabaseFileError(
        `the server key ${path} is missing`,
        'Restore it, copy it from another server of the database, or set G3N_KEY_FILE: credentials and cards need it.',
      );
    }
    explained(path, () => createKeyFile(path, randomBytes(KEY_BYTES).toString('hex')));
  }
  const text = explained(path, () => readFileSync(path, 'utf8').trim());
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new DatabaseFileError(`${path} is no server key: it must hold ${KEY_BYTES * 2} hex digits`, 'Restore it.');
  }
  return deriveKeys(Buffer.from(text, 'hex'));
}

/** `missing`; `wrong`, that is, unreadable or of another database; or `ok`. */
export type KeyFileState = 'ok' | 'missing' | 'wrong';

/** Compares a key file with the check value that a database has; a database without one takes any key. */
export function keyFileState(path: string, check: string | undefined): KeyFileState {
  if (!existsSync(path)) return 'missing';
  let keys: Keys;
  try {
    keys = loadKeys(path, false);
  } catch {
    return 'wrong';
  }
  return check === undefined || sameDigest(check, keys.mac('key-check')) ? 'ok' : 'wrong';
}

/**
 * Puts the server key of a database beside its copy (mode 0600): what is hashed with it stays valid.
 * @throws DatabaseFileError when another key is there.
 */
export function copyKeyFile(from: string, to: string): void {
  const key = explained(from, () => readFileSync(from, 'utf8').trim());
  explained(to, () => createKeyFile(to, key));
  if (explained(to, () => readFileSync(to, 'utf8').trim()) === key) return;
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

function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}

/** Keys from 32 random bytes. */
export function deriveKeys(master: Buffer): Keys {
  const derived = new Map<Purpose, Buffer>();
  const keyFor = (purpose: Purpose) => {
    let key = derived.get(purpose);
    if (key === undefined) {
      key = Buffer.from(hkdfSync('sha256', master, '', `g3n-crm-mcp/${purpose}`, KEY_BYTES));
      derived.set(purpose, key);
    }
    return key;
  };
  return {
    mac(purpose, ...parts) {
      const hmac = createHmac('sha256', keyFor(purpose));
      for (const part of parts) hmac.update(`${part.length}:${part}`);
      return hmac.digest('hex');
    },
    seal(purpose, text, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, keyFor(purpose), nonce).setAAD(Buffer.from(context));
      const sealed = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(sealed).toString('base64');
    },
    unseal(purpose, sealed, context) {
      const bytes = Buffer.from(sealed, 'base64');
      const decipher = createDecipheriv(CIPHER, keyFor(purpose), bytes.subarray(0, NONCE_BYTES));
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
      const open = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([open, decipher.final()]).toString('utf8');
    },
  };
}

/** A new secret: 256 random bits with a prefix that secret scanners can recognise. */
export function mintSecret(prefix: string): string {
  return `${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** The public fingerprint of a credential: the first 16 hex digits of its SHA-256 (contract §1, `stats`). */
export function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 16);
}

/** Compares two hex digests in constant time. */
export function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * Writes a temporary file and links it into place, so that two processes that start together end up with one complete
 * file.
 */
function createKeyFile(path: string, key: string): void {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${key}\n`, { mode: 0o600, flag: 'wx' });
  chmodSync(draft, 0o600);
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(draft);
  }
}
