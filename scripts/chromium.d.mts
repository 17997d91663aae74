/** Types of chromium.mjs, which has none of its own because it runs before anything is built. */

export interface Chromium {
  readonly path: string;
  /** What its environment needs besides. */
  readonly env: Readonly<Record<string, string>>;
}

export function findChromium(): Chromium | undefined;
export function canBringChromium(): boolean;
export function bringChromium(npm: (args: string[]) => void): void;
