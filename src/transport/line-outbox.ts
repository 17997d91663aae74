/** Sends lines to a stream: all lines of one turn of the event loop leave in one write. */
import type { Writable } from 'node:stream';

export interface LineOutbox {
  /** Queues a line. Resolves when it has been written; rejects when that fails. May be ignored. */
  add(text: string): Promise<void>;
  /** Writes what is queued now. */
  flush(): void;
}

/** The lines of one write. */
interface Write {
  readonly lines: string[];
  readonly done: Promise<void>;
  readonly end: (error?: Error | null) => void;
}

/** `onFull` is called when the reader is so slow that more than `maxUnread` bytes wait, `onDrained` when it caught up. */
export function createLineOutbox(
  output: Writable,
  maxUnread: number,
  { onFull, onDrained }: { readonly onFull: () => void; readonly onDrained: () => void },
): LineOutbox {
  let next: Write | undefined;
  const flush = () => {
    if (next === undefined) return;
    const { lines, end } = next;
    next = undefined;
    lines.push('');
    output.write(lines.join('\n'), end);
    if (output.writableLength <= maxUnread || output.destroyed) return;
    onFull();
    output.once('drain', onDrained);
  };
  return {
    add(text) {
      if (next === undefined) {
        next = openWrite();
        setImmediate(flush);
      }
      next.lines.push(text);
      return next.done;
    },
    flush,
  };
}

function openWrite(): Write {
  let end: Write['end'] = () => {};
  const done = new Promise<void>((resolve, reject) => {
    end = (error) => (error ? reject(error) : resolve());
  });
  done.catch(() => {}); // a failed write also ends the connection; not every sender waits for it
  return { lines: [], done, end };
}
