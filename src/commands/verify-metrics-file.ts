/** Writes what `verify` found to a file that Prometheus' node_exporter reads. */
import { chmodSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../config.js';
import { renderVerifyResult, type VerifyResult } from '../telemetry/verify-metrics.js';

/** Checks before the work. @throws ConfigError when the name does not end in .prom, or there is no such directory. */
export function requireMetricsFile(path: string): void {
  if (!path.endsWith('.prom')) throw new ConfigError(`--metrics-file ${path} must end in .prom: others are not read`);
  if (!statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigError(`--metrics-file ${path} is in no directory that exists`);
}

/** node_exporter runs as another user; the umask of the program would keep the file from it. */
const MODE = 0o644;

/** Replaces the file in one step: a reader sees the old or the new one. */
export async function writeMetricsFile(path: string, result: VerifyResult): Promise<void> {
  const text = await renderVerifyResult(result);
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, text);
    chmodSync(temporary, MODE);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
