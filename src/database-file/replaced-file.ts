/** Replaces a text file in one step: others see the old text or the new one, also after a loss of power. */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from './complete-file.js';

const OWNER_ONLY = 0o600;

/**
 * Replaces a file or makes it, with this mode.
 * @param requireUnchanged called when the new text is on disk and the old one still in place; what it throws stops that
 */
export function replaceFile(path: string, text: string, mode: number, requireUnchanged: () => void): void {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    writeDurably(temporary, text);
    chmodSync(temporary, mode);
    requireUnchanged();
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', OWNER_ONLY);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
