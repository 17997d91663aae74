/** Finds a key file that other users of the machine may read, as ssh does. */
import { statSync } from 'node:fs';

const OTHERS = 0o077;

/** What to tell the operator when others may read or change the server key; undefined when all is well. */
export function keyFileWarning(keyPath: string): string | undefined {
  if (process.platform === 'win32') return undefined; // there, rights are no mode bits
  const mode = statSync(keyPath, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & OTHERS) === 0) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  return `other users of this machine may use the server key ${keyPath} (mode ${octal}): run chmod 600 on it`;
}
