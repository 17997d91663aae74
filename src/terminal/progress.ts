/** Shows on stderr how far a long command is: one changing line on a terminal, elsewhere a line every few seconds. */

export interface Progress {
  step(text: string): void;
  /** Removes the line from a terminal. */
  done(): void;
}

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const EVERY_MS = 3000;
const CLEAR_LINE = '\r\u001b[K';

/** `label` names the command; `now` returns milliseconds. */
export function createProgress(stream: ProgressStream, label: string, now: () => number = Date.now): Progress {
  let last = now();
  return {
    step(text) {
      if (stream.isTTY === true) stream.write(`${CLEAR_LINE}${label}: ${text}`);
      else if (now() - last >= EVERY_MS) {
        last = now();
        stream.write(`${label}: ${text}\n`);
      }
    },
    done() {
      if (stream.isTTY === true) stream.write(CLEAR_LINE);
    },
  };
}

const BAR_WIDTH = 20;

/** A bar of ASCII characters. */
export function progressBar(done: number, of: number): string {
  return `[${'#'.repeat(Math.floor((done / Math.max(1, of)) * BAR_WIDTH)).padEnd(BAR_WIDTH, '.')}]`;
}

/** Seconds, or minutes when there are many. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 120 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}

/** A count with its thousands separated. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
