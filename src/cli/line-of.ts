/** Reads a line that is typed at a terminal. */
import { createInterface } from 'node:readline';

/** The next line; undefined when the input ends before. */
export async function lineOf(input: NodeJS.ReadableStream): Promise<string | undefined> {
  const lines = createInterface({ input, terminal: false });
  try {
    return await new Promise((done) => {
      lines.once('line', done);
      lines.once('close', () => done(undefined));
    });
  } finally {
    lines.close();
  }
}
