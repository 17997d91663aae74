/** Wrong clocks for child processes, by Debian's faketime. Timers and deadlines keep the real monotonic clock. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `+0`, or `+1h` for an hour ahead. */
export type Offset = '+0' | '+1h';

/** A clock that jumps while its process runs. */
export interface JumpingClock {
  readonly env: Readonly<Record<string, string>>;
  set(offset: Offset): void;
}

/** The environment of a process whose clock has a fixed offset. */
export function fixedClock(offset: Offset): Readonly<Record<string, string>> {
  return { ...preload(), FAKETIME: offset };
}

/** A clock whose offset is read from a file, every second. */
export function jumpingClock(directory: string): JumpingClock {
  const file = join(directory, 'clock');
  const set = (offset: Offset) => {
    writeFileSync(`${file}.next`, `${offset}\n`);
    renameSync(`${file}.next`, file);
  };
  set('+0');
  return { env: { ...preload(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_CACHE_DURATION: '1' }, set };
}

function preload(): Readonly<Record<string, string>> {
  return { LD_PRELOAD: library(), FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_DONT_RESET: '1' };
}

/** @throws Error when faketime is not installed. */
export function library(): string {
  const places = ['/usr/lib', ...subdirectories('/usr/lib')].map((place) => join(place, 'faketime/libfaketime.so.1'));
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    throw new Error('the soak sets clocks with faketime, which is not installed: apt-get install faketime');
  return found;
}

function subdirectories(place: string): string[] {
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(place, name));
}
