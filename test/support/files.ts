/** Lists the files of this repository for tests that read them. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Returns the path of every file below a directory. */
export function filesUnder(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}
