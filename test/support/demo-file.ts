/** A database file with the demo org, which is seeded once in a process and a day: that takes seconds. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDemo } from '../../src/demo/demo.js';
import { openFile } from './world-database.js';

interface SeededFile {
  readonly database: Buffer;
  readonly key: Buffer;
}

const DAY_MS = 86_400_000;
const seeded = new Map<number, Promise<SeededFile>>();

/** Writes the file and its server key into a directory, before a store is opened there. */
export async function writeDemoFile(directory: string, now: number): Promise<void> {
  const day = Math.floor(now / DAY_MS);
  const made = seeded.get(day) ?? seed(now);
  seeded.set(day, made);
  const { database, key } = await made;
  writeFileSync(join(directory, 'crm.db'), database, { mode: 0o600 });
  writeFileSync(join(directory, 'crm.db.key'), key, { mode: 0o600 });
}

async function seed(now: number): Promise<SeededFile> {
  const directory = mkdtempSync(join(tmpdir(), 'g3n-demo-'));
  const clock = () => now;
  const file = openFile(directory, { clock, monotonic: clock });
  await ensureDemo(file.store, new Date(now));
  await file.close();
  const read = (name: string) => readFileSync(join(directory, name));
  const made = { database: read('crm.db'), key: read('crm.db.key') };
  rmSync(directory, { recursive: true });
  return made;
}
