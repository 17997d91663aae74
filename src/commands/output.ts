/** What commands print, and how they wait. */

/** JSON on stdout, for people and for programs. */
export function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

const STOPS = ['SIGINT', 'SIGTERM'] as const;

/** Resolves when the program is asked to stop. Being asked again ends it at once, as any program. */
export function signalled(): Promise<void> {
  return new Promise((done) => {
    const stop = () => {
      for (const signal of STOPS) process.off(signal, stop);
      done();
    };
    for (const signal of STOPS) process.on(signal, stop);
  });
}
