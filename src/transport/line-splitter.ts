/**
 * Splits a stream of bytes into lines, in bounded memory. A line ends with LF, CR or both: JSON has neither inside a
 * text, and a message of MCP has neither between its parts. Does not read what is in a line.
 */

export interface LineEvents {
  /** A line without its end; it may be empty. The bytes are valid during the call only. */
  line(bytes: Buffer): void;
  /** The end of a line that was longer than the limit: what is kept of it. */
  tooLong(kept: CutLine): void;
}

/** Both ends of a line whose middle was dropped. */
export interface CutLine {
  readonly head: Buffer;
  readonly tail: Buffer;
}

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** The end of the stream: a last line without a line end counts. */
  end(): void;
}

const LF = 10;
const CR = 13;
const NONE = -1;
const HEAD_BYTES = 4096;
const TAIL_BYTES = 512;
const FIRST_CAPACITY = 4096;

/** Splits into lines of at most `maxBytes`. Of a longer line only the two ends are kept. */
export function createLineSplitter(maxBytes: number, events: LineEvents): LineSplitter {
  const held = createHeldLine(maxBytes);
  const finish = (rest: Buffer) => {
    if (held.size === 0 && rest.length <= maxBytes) return events.line(rest);
    held.append(rest);
    const cut = held.cut();
    if (cut === undefined) events.line(held.bytes());
    else events.tooLong(cut);
    held.clear();
  };
  return {
    push(chunk) {
      const ends = { lf: chunk.indexOf(LF), cr: chunk.indexOf(CR) };
      let start = 0;
      for (let end = firstOf(ends); end !== NONE; end = firstOf(ends)) {
        finish(chunk.subarray(start, end));
        start = end + 1;
        if (ends.lf === end) ends.lf = chunk.indexOf(LF, start);
        else ends.cr = chunk.indexOf(CR, start);
      }
      held.append(chunk.subarray(start));
    },
    end() {
      if (held.size > 0) finish(Buffer.alloc(0));
    },
  };
}

function firstOf({ lf, cr }: { readonly lf: number; readonly cr: number }): number {
  if (lf === NONE || cr === NONE) return Math.max(lf, cr);
  return Math.min(lf, cr);
}

/** The beginning of a line whose end has not arrived. */
function createHeldLine(maxBytes: number) {
  let buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  let size = 0;
  let kept: CutLine | undefined;
  const makeRoom = (needed: number) => {
    if (needed <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.min(maxBytes, Math.max(needed, 2 * buffer.length)));
    buffer.copy(larger, 0, 0, size);
    buffer = larger;
  };
  return {
    get size() {
      return size;
    },
    append(part: Buffer): void {
      if (part.length === 0) return;
      if (size + part.length <= maxBytes) {
        makeRoom(size + part.length);
        part.copy(buffer, size);
      } else if (kept === undefined) {
        const start = buffer.subarray(0, size);
        const head = Buffer.concat([start.subarray(0, HEAD_BYTES), part.subarray(0, HEAD_BYTES)]).subarray(
          0,
          HEAD_BYTES,
        );
        kept = { head, tail: lastBytes(start, part) };
      } else {
        kept = { head: kept.head, tail: lastBytes(kept.tail, part) };
      }
      size += part.length;
    },
    bytes: () => buffer.subarray(0, size),
    /** Undefined while the line is within the limit. */
    cut: () => kept,
    clear(): void {
      size = 0;
      kept = undefined;
    },
  };
}

function lastBytes(before: Buffer, part: Buffer): Buffer {
  if (part.length >= TAIL_BYTES) return Buffer.from(part.subarray(-TAIL_BYTES));
  return Buffer.concat([before.subarray(-TAIL_BYTES), part]).subarray(-TAIL_BYTES);
}
