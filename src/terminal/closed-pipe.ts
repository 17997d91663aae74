/** What happens when the reader of stdout or stderr goes away, as `head` does when it has read enough. */

/** What a shell reports of a program that SIGPIPE ended. */
const CODE_OF_SIGPIPE = 141;
const STREAMS = [process.stdout, process.stderr];

/** Ends the program quietly when nobody reads its output any more, as other programs do. */
export function endOnClosedPipe(): void {
  for (const stream of STREAMS) stream.on('error', end);
}

/** A server goes on: its output is not what it is for. */
export function surviveClosedPipe(): void {
  for (const stream of STREAMS) stream.off('error', end).on('error', () => {});
}

function end(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(CODE_OF_SIGPIPE);
  throw error;
}
