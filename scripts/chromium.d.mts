/** Types of chromium.mjs, which is plain JavaScript because it runs before anything is built. */

export interface Chromium {
  readonly path: string;
  /** Additional environment variables that it needs. */
  readonly env: Readonly<Record<string, string>>;
}

export function findChromium(): Chromium | undefined;
export function canInstallChromium(): boolean;
export function installChromium(npm: (args: string[]) => Promise<unknown>): Promise<void>;
