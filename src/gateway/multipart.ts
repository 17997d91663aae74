/** Writes a multipart/form-data body (RFC 7578). */

export interface MultipartPart {
  readonly name: string;
  readonly content: string | Buffer;
  readonly filename?: string;
  readonly contentType?: string;
}

/** `boundary` must be unpredictable, so that no content can contain it. */
export function writeMultipart(parts: readonly MultipartPart[], boundary: string): Buffer {
  const pieces = parts.flatMap(({ name, content, filename, contentType }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"${
        filename === undefined ? '' : `; filename="${escaped(filename)}"`
      }\r\n${contentType === undefined ? '' : `Content-Type: ${contentType}\r\n`}\r\n`,
    ),
    Buffer.from(content as string),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

/** Control characters and quotes would end the name or the header. Browsers escape them in the same way. */
function escaped(name: string): string {
  return name.replace(/["\p{Cc}]/gu, (character) => encodeURIComponent(character));
}
