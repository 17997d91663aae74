/** Finds a key file that other users of the machine may read, as ssh does. */
import { statSync } from 'node:fs';

const OTHERS = 0o077;
/** A mounted secret belongs to another user, and its group may read it: so it reaches a user who is not root. */
const NOT_GROUP_READ = 0o037;

/** What to tell the operator when others may read or change the server key; undefined when all is well. */
export function keyFileWarning(keyPath: string): string | undefined {
  const found = exposureOf(keyPath);
  return found === undefined
    ? undefined
    : `other users of this machine may use the server key ${keyPath} (mode ${found.mode}): ${found.remedy}`;
}

/** When others may read or change a file with a secret: its mode in octal, and what to do. */
export function exposureOf(path: string): { readonly mode: string; readonly remedy: string } | undefined {
  if (process.platform === 'win32') return undefined; // there, rights are no mode bits
  const { mode = 0, uid } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if ((mode & OTHERS) === 0) return undefined;
  const isMounted = uid !== undefined && uid !== process.getuid?.();
  if (isMounted && (mode & NOT_GROUP_READ) === 0) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const remedy = isMounted
    ? 'it belongs to another user: mount it with mode 0440, and let this user be in its group (Kubernetes: defaultMode and fsGroup)'
    : 'run chmod 600 on it';
  return { mode: octal, remedy };
}
