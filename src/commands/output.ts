/** What commands print, and how they wait. */

/** JSON on stdout, for people and for programs. */
export function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
}

/** Resolves when the program is asked to stop. */
export function signalled(): Promise<void> {
  return new Promise((done) => {
    process.once('SIGINT', () => done()).once('SIGTERM', () => done());
  });
}
