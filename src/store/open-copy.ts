/** Opens the source and the receiver of a copy, each a file or a PostgreSQL database. */
import { explainOpenFailure } from '../database-file/open-error.js';
import { keyExists } from '../secrets/key-file.js';
import { copyKeyFile, type KeyRing } from '../secrets/keys.js';
import type { Driver } from './engine/driver.js';
import { isPostgresUrl } from './postgres/connection-url.js';
import { openPostgresStore, openReceivingDatabase } from './postgres-store.js';
import { type EngineOptions, openReceivingFile, openStore, type Store } from './store.js';

/**
 * Opens the source to read only. Its schema and derived data must be up to date.
 * @throws DatabaseFileError or Error as `openStore` and `openPostgresStore`.
 */
export async function openCopySource(
  db: string,
  keyPath: string,
  settings: Pick<EngineOptions, 'roles' | 'settings'>,
): Promise<Store> {
  const options = { ...settings, keyPath, readOnly: true, onBackgroundError: () => {} };
  if (isPostgresUrl(db)) return await openPostgresStore({ ...options, url: db });
  return explained(db, () => openStore({ ...options, path: db }));
}

/**
 * Opens the receiver, creates its tables, and puts the key of the source beside it.
 * @throws DatabaseFileError when it has another key, or cannot be opened.
 */
export async function openCopyReceiver(
  db: string,
  keyPath: string,
  source: { readonly keys: KeyRing; readonly keyPath: string },
): Promise<Driver> {
  if (keyExists(keyPath)) copyKeyFile(source.keyPath, keyPath);
  const driver = isPostgresUrl(db)
    ? await openReceivingDatabase(db, source.keys)
    : explained(db, () => openReceivingFile(db, source.keys));
  try {
    copyKeyFile(source.keyPath, keyPath);
    return driver;
  } catch (error) {
    await driver.close();
    throw error;
  }
}

function explained<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}
