/** When writes were acknowledged, in milliseconds of the monotonic clock. */

interface Gap {
  /** The last write before it. */
  readonly from: number;
  /** The first write after it. */
  readonly to: number;
}

/** A pause between two writes of a loaded server that is no chance. */
const GAP_MS = 500;

export class WriteTimes {
  readonly gaps: Gap[] = [];
  #last: number | undefined;
  #waiting: { readonly after: number; readonly resolve: (at: number) => void }[] = [];

  note(at: number): void {
    if (this.#last !== undefined && at - this.#last >= GAP_MS) this.gaps.push({ from: this.#last, to: at });
    this.#last = at;
    const found = this.#waiting.filter(({ after }) => at > after);
    if (found.length === 0) return;
    this.#waiting = this.#waiting.filter(({ after }) => at <= after);
    for (const { resolve } of found) resolve(at);
  }

  /** The time of the first write after a time. */
  firstAfter(after: number): Promise<number> {
    return new Promise((resolve) => this.#waiting.push({ after, resolve }));
  }
}
