/** Prints the JSON output of commands, and waits for stop signals. */

/** Prints a value as indented JSON on stdout. */
export function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

const STOPS = ['SIGINT', 'SIGTERM'] as const;

/** Resolves on the first stop signal. A second one has the default effect: it ends the process at once. */
export function signalled(): Promise<void> {
  return new Promise((done) => {
    const stop = () => {
      for (const signal of STOPS) process.off(signal, stop);
      done();
    };
    for (const signal of STOPS) process.on(signal, stop);
  });
}
