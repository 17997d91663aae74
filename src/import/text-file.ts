/** Reads the text of a file piece by piece: UTF-8, with or without a byte order mark. */
import { open } from 'node:fs/promises';
import { UnreadableFileError } from './csv-reader.js';

const PIECE_BYTES = 64 * 1024;

export interface TextPiece {
  readonly text: string;
  /** Bytes read so far. */
  readonly bytes: number;
}

/** Yields the text of a file. @throws UnreadableFileError when it is not UTF-8. */
export async function* readText(path: string): AsyncGenerator<TextPiece> {
  const file = await open(path, 'r');
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true });
    const buffer = Buffer.alloc(PIECE_BYTES);
    for (let bytes = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES);
      if (bytes === 0) refuseUtf16(buffer.subarray(0, bytesRead));
      const text = decoded(decoder, buffer.subarray(0, bytesRead), bytes);
      bytes += bytesRead;
      if (text !== '') yield { text, bytes };
      if (bytesRead === 0) return;
    }
  } finally {
    await file.close();
  }
}

function decoded(decoder: InstanceType<typeof TextDecoder>, bytes: Uint8Array, position: number): string {
  try {
    return decoder.decode(bytes, { stream: bytes.length > 0 });
  } catch {
    const [from, to] = [position, position + bytes.length];
    throw new UnreadableFileError(`the file is not UTF-8 (between byte ${from} and ${to}): ${SAVE_AS}`);
  }
}

function refuseUtf16([first, second]: Uint8Array): void {
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw new UnreadableFileError(`the file is UTF-16: ${SAVE_AS}`);
}

const SAVE_AS = 'save it as UTF-8 ("CSV UTF-8" in Excel), or convert it: iconv -f WINDOWS-1252 -t UTF-8';
